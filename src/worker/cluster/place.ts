import { ConflictError } from '../../api/errors.ts'

/** Where a worker stands in its cluster at this moment. A standalone worker leads itself. */
export interface Place {
  /** Whether it is a member, as far as anybody can know: nobody has been given its place yet. */
  readonly inGroup: boolean
  /** Whether it is a member and leads: it alone writes to the config topic. */
  readonly leads: boolean
  /** Until when that holds surely (performance.now()): whoever was stopped or cut off meanwhile leads no more. */
  readonly heldUntil: number
  /** Whether a rebalance is under way or asked for. */
  readonly rebalancing: boolean
  /** 2: what workers ask of each other is signed. */
  readonly protocolVersion: 0 | 1 | 2
  /** The REST URL of the leader, with a slash at its end; undefined where none is known. */
  readonly leaderUrl: string | undefined
  /** The REST URLs of the other members; the leader alone knows them. */
  readonly others: readonly string[]
  /** The REST URL of the member that has a connector, or one of its tasks; the leader alone knows it. */
  ownerUrl(connector: string, task?: number): string | undefined
}

/** The words of Kafka Connect: clients look for them. */
const NO_LEADER =
  'Cannot complete request momentarily due to no known leader URL, likely because a rebalance was underway.'
const STALE =
  'Cannot complete request momentarily due to stale configuration (typically caused by a concurrent config change)'

/**
 * What is asked is another worker's to do. The REST API repeats the request there (`rest/forwarding`), whichever route
 * it came by; where no `url` is known it is a conflict, 409.
 */
export class ElsewhereError extends ConflictError {
  readonly url: string | undefined

  constructor(url: string | undefined, rebalancing = false) {
    super('request.rebalancing', rebalancing ? STALE : NO_LEADER)
    this.url = url
  }
}

/** For everything that writes to the config topic. @throws ElsewhereError where this worker does not lead */
export function requireLead(place: Place): void {
  if (!place.leads) throw new ElsewhereError(place.leaderUrl)
}

/**
 * For what only the worker can do that has a connector, or one of its tasks, and this worker has not. The leader knows
 * who has it; any other worker asks the leader.
 */
export function elsewhere(place: Place, connector: string, task?: number): ElsewhereError {
  if (!place.leads) return new ElsewhereError(place.leaderUrl)
  return new ElsewhereError(place.ownerUrl(connector, task), place.rebalancing)
}
