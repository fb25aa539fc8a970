import { UnavailableError } from '../../api/errors.ts'
import type { Peers } from './peers.ts'
import { ElsewhereError, type Place } from './place.ts'
import type { SessionKeys } from './session-keys.ts'

export interface LeaderAccess {
  readonly place: Place
  /** Undefined where there are no other workers. */
  readonly keys: Pick<SessionKeys, 'sign'> | undefined
  readonly peers: Pick<Peers, 'ask'>
}

export interface LeaderRequest {
  readonly method: 'POST' | 'PUT'
  /** After `/connectors/`. */
  readonly path: string
  /** JSON; absent where there is none. */
  readonly body?: unknown
  /** What did not happen where the leader refuses: `take the task configs of a`. */
  readonly what: string
  readonly deadlineMs: number
}

/**
 * Has the leader do what it alone may, by a signed request as Kafka Connect's workers make them (KIP-507).
 * @throws ElsewhereError where no leader is known, UnavailableError where the leader did not do it: try again
 */
export async function askLeader(
  { place, keys, peers }: LeaderAccess,
  { method, path, body, what, deadlineMs }: LeaderRequest,
): Promise<void> {
  const url = place.leaderUrl
  if (url === undefined) throw new ElsewhereError(undefined)
  const bytes = body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(body))
  const type = body === undefined ? {} : { 'content-type': 'application/json' }
  const { status, body: answer } = await peers.ask({
    method,
    url: `${url.replace(/\/+$/, '')}/connectors/${path}`,
    headers: { ...type, accept: 'application/json', ...keys?.sign(bytes) },
    body: bytes,
    deadline: deadlineMs,
  })
  if (status >= 200 && status < 300) return
  const message = `The leader at ${url} did not ${what}: HTTP ${status} ${answer.toString('utf8', 0, 500)}`
  throw new UnavailableError('cluster.unavailable', message)
}
