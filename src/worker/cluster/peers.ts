import { request as plainRequest } from 'node:http'
import { messageOf, UnavailableError } from '../../api/errors.ts'

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
}

export interface PeerAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

const LARGEST_ANSWER = 64 * 2 ** 20

/**
 * Asks another worker over HTTP, on a connection of its own: what was sent on one that the other side was just closing
 * could not be told from what was never taken.
 * @throws UnavailableError where no answer comes in time, or one that is too large
 */
export async function askPeer({ url, deadline, signal, ...request }: PeerRequest): Promise<PeerAnswer> {
  const target = new URL(url)
  if (target.protocol !== 'http:') {
    const message = `The worker at ${target.origin} is reached by ${target.protocol}//, and only http:// is supported between workers yet`
    throw new UnavailableError('cluster.unavailable', message)
  }
  try {
    const ends = [AbortSignal.timeout(deadline), ...(signal === undefined ? [] : [signal])]
    return await send(target, { ...request, signal: AbortSignal.any(ends) })
  } catch (error) {
    const why = messageOf(error) || (error instanceof Error && 'code' in error ? String(error.code) : '')
    const message = `The worker at ${target.origin} did not answer: ${why}. It may be starting, stopping or cut off; try again.`
    throw new UnavailableError('cluster.unavailable', message, { cause: error })
  }
}

const WORKER_ID = /^[^/?#@\s]+:\d{1,5}$/

/**
 * What another worker answers to GET, as JSON; undefined where it has nothing of that name (404), as a worker in Java of what
 * is Sluice's own. `workerId` is its `host:port`, as statuses name it.
 * @throws UnavailableError where it does not answer so
 */
export async function getFromWorker(workerId: string, path: string, deadline: number): Promise<unknown> {
  // It comes from a topic: nothing of it may lead the request elsewhere.
  if (!WORKER_ID.test(workerId))
    throw new UnavailableError('cluster.unavailable', `"${workerId}" is no address of a worker`)
  const headers = { accept: 'application/json', 'user-agent': 'sluice' }
  const { status, body } = await askPeer({
    method: 'GET',
    url: `http://${workerId}${path}`,
    headers,
    deadline,
  })
  if (status === 404) return undefined
  if (status !== 200)
    throw new UnavailableError(
      'cluster.unavailable',
      `The worker at ${workerId} answered with HTTP ${status}`,
    )
  return JSON.parse(body.toString('utf8'))
}

interface Sending extends Pick<PeerRequest, 'method' | 'headers' | 'body'> {
  readonly signal: AbortSignal
}

function send(target: URL, { method, headers, body, signal }: Sending): Promise<PeerAnswer> {
  const length = body === undefined ? {} : { 'content-length': String(body.length) }
  return new Promise((resolve, reject) => {
    const sent = plainRequest(target, { method, headers: { ...headers, ...length }, agent: false, signal })
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
