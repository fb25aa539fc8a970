import type { WorkerState } from '../../kafka/groups/connect-protocol.ts'
import type { TaskId } from '../../runtime/host/protocol.ts'
import { versionKey } from '../../runtime/plugins/configured-plugins.ts'
import type { ConfigStore } from '../stores/config-store.ts'
import type { Status, StatusStore } from '../stores/status-store.ts'
import type { Unable } from './fair-shares.ts'

export interface MissingPluginsOptions {
  readonly configs: Pick<ConfigStore, 'get'>
  readonly statuses: Pick<StatusStore, 'connector' | 'task'>
}

/** One rebalance, as its leader sees it. */
export interface LedRound {
  readonly members: ReadonlyMap<string, Pick<WorkerState, 'url' | 'assignment'>>
  readonly generation: number
  /** The last generation whose assignment this leader took itself. */
  readonly lastGeneration: number
}

interface Member {
  readonly workerId: string
  /** The generation in which this leader first saw it; −1: it was there before. */
  readonly since: number
}

/**
 * Which workers have failed to run a class of connectors for want of its plugin: workers of both kinds, or with other
 * packages, may share a group. Nobody says what it has, so each is tried once: it says in the status that it failed. It is
 * tried again when it was started anew, and may have the plugin now.
 */
export class MissingPlugins {
  readonly #options: MissingPluginsOptions
  /** By class and version: the ids of members, and those of workers. */
  readonly #unable = new Map<string, Set<string>>()
  readonly #failed = new Map<string, Set<string>>()
  #members: ReadonlyMap<string, Member> = new Map()
  #generation = -1

  constructor(options: MissingPluginsOptions) {
    this.#options = options
  }

  /** The ids of the workers, but for this one, that have failed to run the class of a connector. */
  failedOn(connector: string, workerId: string): string[] {
    const failed = this.#failed.get(this.#classOf(connector)) ?? NOBODY
    return [...failed].filter((id) => id !== workerId).toSorted()
  }

  /** Takes a status that was read. Whether the leader can do better now, by sharing out anew. */
  heard(connector: string, status: Status): boolean {
    const named = this.#classOf(connector)
    if (status.state === 'RUNNING') this.#failed.get(named)?.delete(status.workerId)
    if (!isMissing(status)) return false
    noted(this.#failed, named).add(status.workerId)
    const unable = this.#unable.get(named) ?? NOBODY
    const others = [...this.#members].filter(([, { workerId }]) => workerId !== status.workerId)
    return others.some(([memberId]) => !unable.has(memberId))
  }

  /** The leader's part of a rebalance: what the members that run something have said of it. */
  lookAt({ members, generation, lastGeneration }: LedRound): Unable {
    const before = this.#generation === lastGeneration ? this.#members : undefined
    const since = (memberId: string): number =>
      before === undefined ? -1 : (before.get(memberId)?.since ?? generation)
    this.#generation = generation
    this.#members = new Map(
      [...members].map(([id, { url }]) => [id, { workerId: workerIdOf(url), since: since(id) }]),
    )
    for (const unable of this.#unable.values())
      for (const id of unable) if (!members.has(id)) unable.delete(id)
    for (const [memberId, { assignment }] of members)
      for (const id of heldBy(assignment))
        if (this.#hasFailed(id, memberId)) noted(this.#unable, this.#classOf(id.connector)).add(memberId)
    return ({ connector }) => this.#unable.get(this.#classOf(connector)) ?? NOBODY
  }

  #hasFailed({ connector, task }: TaskId, memberId: string): boolean {
    const { statuses } = this.#options
    const status = task === CONNECTOR ? statuses.connector(connector) : statuses.task(connector, task)
    const member = this.#members.get(memberId)
    if (status === undefined || member === undefined || !isMissing(status)) return false
    // A worker that was started anew may have it now: what it said before it joined does not count.
    return status.workerId === member.workerId && status.generation >= member.since
  }

  #classOf(connector: string): string {
    const { config = {} } = this.#options.configs.get(connector) ?? {}
    return [config['connector.class'], config[versionKey.connector]].join(' ')
  }
}

const NOBODY: ReadonlySet<string> = new Set()
const CONNECTOR = -1

function heldBy(assignment: WorkerState['assignment']): TaskId[] {
  const { connectors, tasks } = assignment ?? { connectors: [], tasks: [] }
  return [...connectors.map((connector) => ({ connector, task: CONNECTOR })), ...tasks]
}

function noted(of: Map<string, Set<string>>, named: string): Set<string> {
  const known = of.get(named) ?? new Set()
  of.set(named, known)
  return known
}

/** As statuses name the worker that has this REST URL: `host:port`. */
function workerIdOf(url: string): string {
  if (!URL.canParse(url)) return url
  const { hostname, port, protocol } = new URL(url)
  return `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`
}

/** Ours, and what a worker in Java says of a connector and of a task. */
const MISSING =
  /^\w+ \[plugin\.unknown\]|Failed to find any class that implements \w+ and which name matches|for configuration task\.class: Class \S+ could not be found/

function isMissing({ state, trace }: Status): boolean {
  return state === 'FAILED' && MISSING.test(trace ?? '')
}
