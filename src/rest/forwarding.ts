import type { NextFunction, Request, Response } from 'express'
import { ConflictError, UnavailableError } from '../api/errors.ts'
import { askPeer, type PeerAnswer } from '../worker/cluster/peers.ts'
import { ElsewhereError } from '../worker/cluster/place.ts'
import { queryValues, type RestContext } from './context.ts'

/** A little less than a request may take here, so that there is time to say so. */
const DEADLINE = 88_000
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
export function repeatElsewhere({ log }: Pick<RestContext, 'log'>) {
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
    log.debug('forwarding a request', { method: request.method, url })
    const answer = await askPeer({ ...taken(request), url, deadline: DEADLINE })
    if (!isAnswered(response)) passOn(answer, request, response)
  }
}

/** The time limit may have answered meanwhile. */
function isAnswered({ headersSent }: Response): boolean {
  return headersSent
}

/** Two workers each took another one for the right one: the group is changing. */
function twoHops(): ConflictError {
  const message = 'Cannot complete request because of a conflicting operation (e.g. worker rebalance)'
  return new ConflictError('request.rebalancing', message)
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
