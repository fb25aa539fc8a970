import {
  ASSIGNMENT_OK,
  CONFIG_MISMATCH,
  type ConnectAssignment,
  type ConnectProtocolVersion,
  type WorkerState,
} from '../../kafka/groups/connect-protocol.ts'
import type { TaskId } from '../../runtime/host/protocol.ts'
import type { CooperativeAssignor, Share } from './cooperative-assignor.ts'
import type { Unable } from './fair-shares.ts'
import { compareText, itemsOf, keyOf, KINDS, sorted, type Work, workOf } from './work-items.ts'

/** What the leader of a worker group knows when it shares the work out. */
export interface LeaderView {
  /** The leader's member id; one of the members. */
  readonly memberId: string
  /** How far the leader has read the config topic. */
  readonly configOffset: bigint
  /** Everything that is configured. */
  readonly work: Work
  /** The generation that is being assigned, and the last whose assignment the leader took itself. */
  readonly generation: number
  readonly lastGeneration: number
  /** Which members are known not to have the plugin of something; of versions 1 and 2 alone. */
  readonly unable?: Unable
}

/**
 * Each member's assignment, as Kafka Connect's leader computes it: with version 0 everything anew (every worker has
 * stopped everything), with versions 1 and 2 only what changes (KIP-415). A leader that has read less of the config
 * topic than some member assigns nothing, and all join again.
 */
export function assignWork(
  version: ConnectProtocolVersion,
  members: ReadonlyMap<string, WorkerState>,
  leader: LeaderView,
  cooperative: CooperativeAssignor,
): Map<string, ConnectAssignment> {
  let newest = leader.configOffset
  for (const { configOffset } of members.values()) newest = configOffset > newest ? configOffset : newest
  const behind = newest > leader.configOffset
  const shares = behind ? nothing(members.keys()) : sharesOf(version, members, leader, cooperative)
  const head = {
    error: behind ? CONFIG_MISMATCH : ASSIGNMENT_OK,
    leader: leader.memberId,
    leaderUrl: members.get(leader.memberId)?.url ?? '',
    configOffset: newest,
    delayMs: behind || version === 0 ? 0 : cooperative.delayMs,
  }
  return new Map(
    [...shares].map(([memberId, { assigned, revoked }]) => {
      const { connectors: revokedConnectors, tasks: revokedTasks } = revoked
      return [memberId, { ...head, ...assigned, revokedConnectors, revokedTasks }]
    }),
  )
}

const NO_WORK: Work = { connectors: [], tasks: [] }

function nothing(memberIds: Iterable<string>): Map<string, Share> {
  return new Map([...memberIds].map((memberId) => [memberId, { assigned: NO_WORK, revoked: NO_WORK }]))
}

function sharesOf(
  version: ConnectProtocolVersion,
  members: ReadonlyMap<string, WorkerState>,
  { work, generation, lastGeneration, unable }: LeaderView,
  cooperative: CooperativeAssignor,
): Map<string, Share> {
  if (version === 0) return assignEager([...members.keys()], work)
  const leaving = [...members].filter(([, state]) => state.leaving === true).map(([memberId]) => memberId)
  return cooperative.assign({
    generation,
    lastGeneration,
    configured: work,
    held: new Map([...members].map(([memberId, { assignment }]) => [memberId, assignment ?? NO_WORK])),
    leaving: new Set(leaving),
    ...(unable === undefined ? {} : { unable }),
  })
}

/** All connectors by name, then all their tasks, in turn to the members by id: one round robin over both. */
export function assignEager(memberIds: readonly string[], work: Work): Map<string, Share> {
  const members = memberIds.toSorted(compareText)
  const given = new Map(members.map((memberId) => [memberId, new Map<string, TaskId>()]))
  const ids = sorted(itemsOf(work))
  for (const [turn, id] of KINDS.flatMap((isKind) => ids.filter(isKind)).entries())
    given.get(members[turn % members.length] ?? '')?.set(keyOf(id), id)
  return new Map(
    [...given].map(([memberId, items]) => [memberId, { assigned: workOf(items), revoked: NO_WORK }]),
  )
}
