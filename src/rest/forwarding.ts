import type { NextFunction, Request, Response } from 'express'
import { ConflictError, UnavailableError, messageOf } from '../api/errors.ts'
import type { PeerAnswer } from '../worker/cluster/peers.ts'
import { ElsewhereError, type Place } from '../worker/cluster/place.ts'
import { callerOf } from './access.ts'
import { queryValues, type RestContext, running } from './context.ts'

/** A little less than a request may take here, so that there is time to say so. */
const DEADLINE = 88_000
const LOOK_INTERVAL = 200
/** Kafka Connect's words. */
const REBALANCE = 'Cannot complete request because of a conflicting operation (e.g. worker rebalance)'
/** What belongs to the request, and not to the connection by which it came. */
const TAKEN_ALONG = [
  'content-type',
  'authorization',
  'x-connect-authorization',
  'x-connect-request-signature-algorithm',
]

/**
 * Repeats at another worker what a route could not do here: any route that throws an ElsewhereError is forwarded,
 * and its answer is the other worker's. As in Kafka Connect the query says how far a request has come: none by a client,
 * `forward=true` by the worker that was asked, `forward=false` by one that it was forwarded to. A third worker gives up.
 */
export function repeatElsewhere(context: RestContext) {
  // Express knows an error handler by its four parameters.
  return async (error: unknown, request: Request, response: Response, next: NextFunction): Promise<void> => {
    if (!(error instanceof ElsewhereError) || response.headersSent) {
      next(error)
      return
    }
    const forward = queryValues(request, 'forward').at(-1)?.toLowerCase()
    if (forward !== undefined && forward !== 'true') throw twoHops()
    if (error.url === undefined) throw error
    const url = urlAt(error.url, request, forward === undefined)
    context.log.debug('forwarding a request', { method: request.method, url })
    const { place, peers } = running(context)
    const answer = await untilGone(place, error.url, (signal) =>
      peers.ask({ ...taken(request), url, deadline: DEADLINE, signal, caller: callerOf(request) }),
    )
    if (request.method !== 'GET' && answer.status < 300) await caughtUp(context)
    if (!isAnswered(response)) passOn(answer, request, response)
  }
}

/**
 * Waits for another worker's answer only as long as the group knows that worker: one that is stopped, or cut off, takes
 * requests and never answers them. Whether it did what was asked is not known then.
 */
async function untilGone<T>(place: Place, url: string, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const gone = new AbortController()
  const look = setInterval(() => {
    if (place.leaderUrl !== url && !place.others.includes(url))
      gone.abort(new Error('it is no member any more'))
  }, LOOK_INTERVAL)
  try {
    return await ask(gone.signal)
  } catch (error) {
    if (!gone.signal.aborted) throw error
    throw new ConflictError('request.rebalancing', `${REBALANCE}: ${messageOf(error)}`, { cause: error })
  } finally {
    clearInterval(look)
  }
}

/**
 * Whoever changes something and then looks asks the same worker, which must have read it by then; Kafka Connect's workers
 * may not have. Where the topic cannot be read at the moment, the change was made all the same.
 */
async function caughtUp(context: RestContext): Promise<void> {
  await running(context)
    .herder.catchUp()
    .catch((error: unknown) => {
      context.log.warn('what was changed could not be read back', { error: messageOf(error) })
    })
}

/** The time limit may have answered meanwhile. */
function isAnswered({ headersSent }: Response): boolean {
  return headersSent
}

/** Two workers each took another one for the right one: the group is changing. */
function twoHops(): ConflictError {
  return new ConflictError('request.rebalancing', REBALANCE)
}

/** The path is appended to the other worker's URL as it is: nothing of a request can name another host. */
function urlAt(base: string, { originalUrl }: Request, again: boolean): string {
  const [path = '', query = ''] = originalUrl.split('?', 2)
  const parameters = new URLSearchParams(query)
  parameters.set('forward', String(again))
  return `${base.replace(/\/+$/, '')}/${path.replace(/^\/+/, '')}?${parameters.toString()}`
}

function taken(request: Request) {
  const headers: Record<string, string> = { accept: 'application/json', 'user-agent': 'sluice' }
  for (const name of TAKEN_ALONG) {
    const value = request.get(name)
    if (value !== undefined) headers[name] = value
  }
  const body: unknown = request.body
  return { method: request.method, headers, ...(Buffer.isBuffer(body) && body.length > 0 ? { body } : {}) }
}

/** `Location` names the worker that was asked, as in Kafka Connect: clients may not reach the other one. */
function passOn({ status, headers, body }: PeerAnswer, request: Request, response: Response): void {
  const type = String(headers['content-type'] ?? '')
  if (status < 200 || (status >= 300 && status < 400) || (body.length > 0 && !type.includes('json'))) {
    const message = `The worker that the request was forwarded to answered with HTTP ${status} and no JSON: it may be starting. Try again.`
    throw new UnavailableError('cluster.unavailable', message)
  }
  const { location, 'retry-after': retryAfter } = headers
  if (typeof location === 'string')
    response.location(
      location.replace(/^https?:\/\/[^/]*/, `${request.protocol}://${request.get('host') ?? ''}`),
    )
  if (retryAfter !== undefined) response.set('Retry-After', String(retryAfter))
  else if (status === 409 || status === 503) response.set('Retry-After', '1')
  response.status(status)
  if (body.length === 0) response.end()
  else response.type('application/json').send(body)
}
