import { request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { messageOf, UnavailableError } from '../../api/errors.ts'
import type { ListenerTls, PeerTls } from '../settings/listener-tls.ts'
import type { Protocol } from '../settings/listener.ts'
import type { Caller, PeerSignatures } from './peer-signatures.ts'

export interface PeerRequest {
  readonly method: string
  /** Of another worker, whole. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Buffer
  /** Gives up after so many milliseconds. */
  readonly deadline: number
  /** Gives up at once. */
  readonly signal?: AbortSignal
  /** For whom it is asked, which the other worker is told and believes; absent: nothing is said of that. */
  readonly caller?: Caller | undefined
}

export interface PeerAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

const LARGEST_ANSWER = 64 * 2 ** 20

export type AskPeer = (request: PeerRequest) => Promise<PeerAnswer>

export interface PeersOptions {
  /** What workers of this cluster advertise; of one whose id alone is known. */
  readonly protocol: Protocol
  readonly tls: Pick<ListenerTls, 'client'>
  /** Undefined where there are no other workers. */
  readonly signatures: Pick<PeerSignatures, 'sign'> | undefined
  /** This worker, when it asks for itself. */
  readonly self: Caller
  /** In the place of HTTP, in simulations. */
  readonly ask?: AskPeer | undefined
}

const WORKER_ID = /^[^/?#@\s]+:\d{1,5}$/

/** The other workers of a cluster, asked over HTTP or HTTPS. */
export class Peers {
  readonly #options: PeersOptions

  constructor(options: PeersOptions) {
    this.#options = options
  }

  /** For requests that this worker makes for itself. */
  get self(): Caller {
    return this.#options.self
  }

  /**
   * Asks another worker, on a connection of its own: what was sent on one that the other side was just closing could not
   * be told from what was never taken.
   * @throws UnavailableError where no answer comes in time, or one that is too large
   */
  async ask(request: PeerRequest): Promise<PeerAnswer> {
    const { ask, signatures, tls } = this.#options
    if (ask !== undefined) return ask(request)
    const { url, deadline, signal, caller, ...rest } = request
    const target = new URL(url)
    const signed = caller === undefined ? {} : signatures?.sign({ ...rest, url: target }, caller)
    try {
      const ends = [AbortSignal.timeout(deadline), ...(signal === undefined ? [] : [signal])]
      const sending = { ...rest, headers: { ...rest.headers, ...signed }, signal: AbortSignal.any(ends) }
      return await send(target, sending, target.protocol === 'https:' ? await tls.client() : undefined)
    } catch (error) {
      const why = messageOf(error) || (error instanceof Error && 'code' in error ? String(error.code) : '')
      const message = `The worker at ${target.origin} did not answer: ${why}. It may be starting, stopping or cut off; try again.`
      throw new UnavailableError('cluster.unavailable', message, { cause: error })
    }
  }

  /**
   * What another worker answers to GET, as JSON; undefined where it has nothing of that name (404), as a worker in Java of what
   * is Sluice's own. `workerId` is its `host:port`, as statuses name it.
   * @throws UnavailableError where it does not answer so
   */
  async get(workerId: string, path: string, deadline: number): Promise<unknown> {
    // It comes from a topic: nothing of it may lead the request elsewhere.
    if (!WORKER_ID.test(workerId))
      throw new UnavailableError('cluster.unavailable', `"${workerId}" is no address of a worker`)
    const { status, body } = await this.ask({
      method: 'GET',
      url: `${this.#options.protocol}://${workerId}${path}`,
      headers: { accept: 'application/json', 'user-agent': 'sluice' },
      deadline,
      caller: this.self,
    })
    if (status === 404) return undefined
    if (status !== 200)
      throw new UnavailableError(
        'cluster.unavailable',
        `The worker at ${workerId} answered with HTTP ${status}`,
      )
    return JSON.parse(body.toString('utf8'))
  }
}

interface Sending extends Pick<PeerRequest, 'method' | 'headers' | 'body'> {
  readonly signal: AbortSignal
}

function send(
  target: URL,
  { method, headers, body, signal }: Sending,
  tls: PeerTls | undefined,
): Promise<PeerAnswer> {
  const length = body === undefined ? {} : { 'content-length': String(body.length) }
  return new Promise((resolve, reject) => {
    const options = { method, headers: { ...headers, ...length }, agent: false, signal }
    const sent =
      tls === undefined ? plainRequest(target, options) : tlsRequest(target, { ...options, ...tls })
    sent.once('error', reject)
    sent.once('response', (answer) => {
      const chunks: Buffer[] = []
      let size = 0
      answer.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > LARGEST_ANSWER) answer.destroy(new Error('its answer is larger than 64 MiB'))
        else chunks.push(chunk)
      })
      answer.once('error', reject)
      answer.once('end', () => {
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) })
      })
    })
    sent.end(body)
  })
}
