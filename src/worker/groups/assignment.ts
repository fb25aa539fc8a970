import {
  ASSIGNMENT_OK,
  CONFIG_MISMATCH,
  type ConnectAssignment,
  type ConnectProtocolVersion,
  type WorkerState,
} from '../../kafka/groups/connect-protocol.ts'
import type { TaskId } from '../../runtime/host/protocol.ts'

/** Connectors and tasks to run. */
export interface Work {
  readonly connectors: readonly string[]
  readonly tasks: readonly TaskId[]
}

/** What the leader of a worker group knows when it shares the work out. */
export interface LeaderView {
  /** The leader's member id; one of the members. */
  readonly memberId: string
  /** How far the leader has read the config topic. */
  readonly configOffset: bigint
  /** Everything that is configured. */
  readonly work: Work
}

/**
 * Each member's assignment, as Kafka Connect's leader computes it: with version 0 everything anew (every worker has
 * stopped everything), with versions 1 and 2 only what changes (KIP-415), without a delay for lost workers.
 * A leader that has read less of the config topic than some member assigns nothing, and all join again.
 */
export function assignWork(
  version: ConnectProtocolVersion,
  members: ReadonlyMap<string, WorkerState>,
  leader: LeaderView,
): Map<string, ConnectAssignment> {
  let newest = leader.configOffset
  for (const { configOffset } of members.values()) newest = configOffset > newest ? configOffset : newest
  const behind = newest > leader.configOffset
  const head = {
    error: behind ? CONFIG_MISMATCH : ASSIGNMENT_OK,
    leader: leader.memberId,
    leaderUrl: members.get(leader.memberId)?.url ?? '',
    configOffset: newest,
    delayMs: 0,
  }
  const shares = behind ? nothing(members.keys()) : sharesOf(version, members, leader.work)
  return new Map([...shares].map(([memberId, share]) => [memberId, { ...head, ...share }]))
}

interface Share extends Work {
  readonly revokedConnectors: readonly string[]
  readonly revokedTasks: readonly TaskId[]
}

const NO_SHARE: Share = { connectors: [], tasks: [], revokedConnectors: [], revokedTasks: [] }

function nothing(memberIds: Iterable<string>): Map<string, Share> {
  return new Map([...memberIds].map((memberId) => [memberId, NO_SHARE]))
}

function sharesOf(
  version: ConnectProtocolVersion,
  members: ReadonlyMap<string, WorkerState>,
  work: Work,
): Map<string, Share> {
  if (version === 0) return assignEager([...members.keys()], work)
  const held = [...members].map(([memberId, { assignment }]) => [memberId, assignment ?? NO_SHARE] as const)
  return assignIncremental(new Map(held), work)
}

/** All connectors by name, then all their tasks, in turn to the members by id: one round robin over both. */
export function assignEager(memberIds: readonly string[], work: Work): Map<string, Share> {
  const members = memberIds.toSorted(compareText)
  const shares = new Map(
    members.map((id) => [id, { ...NO_SHARE, connectors: [] as string[], tasks: [] as TaskId[] }]),
  )
  let turn = 0
  const next = () => shares.get(members[turn++ % members.length] ?? '')
  for (const connector of work.connectors.toSorted(compareText)) next()?.connectors.push(connector)
  for (const task of work.tasks.toSorted(compareTasks)) next()?.tasks.push(task)
  return shares
}

/**
 * What changes for each member. Members keep what they run as far as the shares stay even (no two differ by more than
 * one connector, nor by more than one task). What is deleted, run twice, or above a fair share is revoked now, and
 * assigned in the next round, when everybody has joined without it: so nothing ever runs twice (invariant 4).
 * What nobody runs goes to those with the least.
 */
export function assignIncremental(held: ReadonlyMap<string, Work>, work: Work): Map<string, Share> {
  const connectors = balance(
    new Map([...held].map(([memberId, { connectors }]) => [memberId, connectors])),
    work.connectors.toSorted(compareText),
    (connector) => connector,
  )
  const tasks = balance(
    new Map([...held].map(([memberId, { tasks }]) => [memberId, tasks])),
    work.tasks.toSorted(compareTasks),
    ({ connector, task }) => `${connector}-${task}`,
  )
  return new Map(
    [...held.keys()].map((memberId) => {
      const [c, t] = [connectors.get(memberId), tasks.get(memberId)]
      return [
        memberId,
        {
          connectors: c?.assigned ?? [],
          tasks: t?.assigned ?? [],
          revokedConnectors: c?.revoked ?? [],
          revokedTasks: t?.revoked ?? [],
        },
      ]
    }),
  )
}

interface Load<T> {
  readonly memberId: string
  readonly kept: T[]
  readonly assigned: T[]
  readonly revoked: T[]
}

/** Shares one kind of thing out evenly. `keyOf` says which two are the same. */
function balance<T>(
  held: ReadonlyMap<string, readonly T[]>,
  wanted: readonly T[],
  keyOf: (item: T) => string,
): Map<string, Load<T>> {
  const running = new Set<string>()
  const loads = keepWanted(held, new Set(wanted.map(keyOf)), running, keyOf)
  const fair = Math.floor(wanted.length / loads.length)
  let extras = wanted.length % loads.length
  for (const { kept, revoked } of loads) {
    const allowed = kept.length > fair && extras-- > 0 ? fair + 1 : fair
    revoked.push(...kept.splice(allowed))
  }
  for (const item of wanted) {
    if (!running.has(keyOf(item))) leastLoaded(loads)?.assigned.push(item)
  }
  return new Map(loads.map((load) => [load.memberId, load]))
}

/** What each member runs and shall still run; the first of several that run the same thing keeps it. */
function keepWanted<T>(
  held: ReadonlyMap<string, readonly T[]>,
  wanted: ReadonlySet<string>,
  running: Set<string>,
  keyOf: (item: T) => string,
): Load<T>[] {
  return [...held.keys()].toSorted(compareText).map((memberId) => {
    const load: Load<T> = { memberId, kept: [], assigned: [], revoked: [] }
    const items = new Map((held.get(memberId) ?? []).map((item) => [keyOf(item), item]))
    for (const [key, item] of items) {
      const keeps = wanted.has(key) && !running.has(key)
      running.add(key)
      if (keeps) load.kept.push(item)
      else load.revoked.push(item)
    }
    return load
  })
}

function leastLoaded<T>(loads: readonly Load<T>[]): Load<T> | undefined {
  const size = ({ kept, assigned }: Load<T>): number => kept.length + assigned.length
  return loads.reduce<Load<T> | undefined>(
    (least, load) => (least === undefined || size(load) < size(least) ? load : least),
    undefined,
  )
}

function compareTasks(a: TaskId, b: TaskId): number {
  return compareText(a.connector, b.connector) || a.task - b.task
}

/** By UTF-16 code units, as Java's String.compareTo. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
