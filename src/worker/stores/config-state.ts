import type { RawConfig } from '../../api/config.ts'
import { checkConnectorName } from '../../runtime/plugins/connector-keys.ts'
import { jsonObject, type LogRecord, splitTaskKey } from './record-log.ts'

export type TargetState = 'STARTED' | 'PAUSED' | 'STOPPED'

const INITIAL: Readonly<Record<string, TargetState>> = {
  RUNNING: 'STARTED',
  PAUSED: 'PAUSED',
  STOPPED: 'STOPPED',
}

/** What `initial_state` of a new connector means; undefined where it is none. */
export function targetOf(initialState: unknown): TargetState | undefined {
  return typeof initialState === 'string' ? INITIAL[initialState.toUpperCase()] : undefined
}

/** What the config topic says of one connector. */
export interface StoredConnector {
  readonly config: RawConfig
  readonly target: TargetState
  /** The committed task configs; the index is the task's number. */
  readonly tasks: readonly RawConfig[]
}

/** What workers sign with what they ask of each other. */
export interface SessionKey {
  readonly key: Buffer
  /** Java's name of it, e.g. `HmacSHA256`. */
  readonly algorithm: string
  /** By the clock of the leader that made it, in milliseconds since 1970. */
  readonly createdAt: number
}

export type ConfigChange =
  | { readonly type: 'removed' | 'target'; readonly connector: string }
  /** `isNew`: there was none of this name. */
  | { readonly type: 'connector'; readonly connector: string; readonly isNew: boolean }
  /** `isResized`: they are more than they were, or fewer. */
  | { readonly type: 'tasks'; readonly connector: string; readonly isResized: boolean }
  | {
      readonly type: 'restart'
      readonly connector: string
      readonly includeTasks: boolean
      readonly onlyFailed: boolean
    }
  | { readonly type: 'logger'; readonly logger: string; readonly level: string }

/**
 * Kafka Connect's config topic, read record by record (KafkaConfigBackingStore's formats): `connector-a`, `task-a-0`,
 * `commit-a`, `target-state-a`, `restart-connector-a`, `tasks-fencing-a`, `session-key`, `logger-cluster-a.b`. Task configs
 * count only from their commit on, so that half a set never runs. Keys that are not known are skipped.
 */
export class ConfigState {
  readonly #configs = new Map<string, RawConfig>()
  readonly #targets = new Map<string, TargetState>()
  readonly #tasks = new Map<string, readonly RawConfig[]>()
  readonly #uncommitted = new Map<string, Map<number, RawConfig>>()
  readonly #onIgnored: (name: string, problem: string) => void
  /** Of how many tasks each connector may have producers that are not fenced yet (KIP-618). */
  readonly #taskCounts = new Map<string, number>()
  /** Connectors whose tasks were configured anew since that was written. */
  readonly #unfenced = new Set<string>()
  #sessionKey: SessionKey | undefined
  #offset = -1n

  constructor(onIgnored: (name: string, problem: string) => void = () => undefined) {
    this.#onIgnored = onIgnored
  }

  /** The offset after the last record read; −1 where none was. Workers compare it when they join. */
  get offset(): bigint {
    return this.#offset
  }

  /** The one that was written last. */
  get sessionKey(): SessionKey | undefined {
    return this.#sessionKey
  }

  /** What `tasks-fencing-a` says; undefined where it was never written. */
  taskCount(connector: string): number | undefined {
    return this.#taskCounts.get(connector)
  }

  /** Whether a connector has task configs that are newer than its `tasks-fencing-a`. */
  isUnfenced(connector: string): boolean {
    return this.#unfenced.has(connector)
  }

  names(): string[] {
    return [...this.#configs.keys()]
  }

  get(connector: string): StoredConnector | undefined {
    const config = this.#configs.get(connector)
    if (config === undefined) return undefined
    return {
      config,
      target: this.#targets.get(connector) ?? 'STARTED',
      tasks: this.#tasks.get(connector) ?? [],
    }
  }

  /** Takes a record; says what it changed, undefined where nothing. */
  apply({ key, value, offset }: LogRecord): ConfigChange | undefined {
    this.#offset = offset + 1n
    if (key === null) return undefined
    const data = value === null ? null : jsonObject(value)
    if (data === undefined) return undefined
    for (const [prefix, take] of this.#kinds) {
      if (key.startsWith(prefix)) return take(key.slice(prefix.length), data)
    }
    return undefined
  }

  readonly #kinds: readonly [string, (rest: string, data: Data) => ConfigChange | undefined][] = [
    ['connector-', (name, data) => this.#connector(name, data)],
    ['task-', (rest, data) => this.#task(rest, data)],
    ['commit-', (name, data) => this.#commit(name, data)],
    ['target-state-', (name, data) => this.#target(name, data)],
    ['restart-connector-', (name, data) => this.#restart(name, data)],
    ['tasks-fencing-', (name, data) => this.#fencing(name, data)],
    ['session-key', (rest, data) => this.#session(rest, data)],
    ['logger-cluster-', loggerLevel],
  ]

  #connector(connector: string, data: Data): ConfigChange | undefined {
    const config = data === null ? undefined : stringMap(data['properties'])
    const problem = config === undefined ? undefined : checkConnectorName(connector)
    if (problem !== undefined) {
      // Nobody could look at it, stop it or delete it.
      this.#onIgnored(connector, problem)
      return undefined
    }
    if (config !== undefined) {
      const isNew = !this.#configs.has(connector)
      this.#configs.set(connector, config)
      return { type: 'connector', connector, isNew }
    }
    if (data !== null) return undefined
    // A delete leaves task and commit records behind: they must not come to life under a new connector of this name.
    this.#tasks.delete(connector)
    this.#uncommitted.delete(connector)
    return this.#configs.delete(connector) ? { type: 'removed', connector } : undefined
  }

  #task(rest: string, data: Data): undefined {
    const id = splitTaskKey(rest)
    const config = data === null ? undefined : stringMap(data['properties'])
    if (id === undefined || config === undefined) return
    const waiting = this.#uncommitted.get(id.connector) ?? new Map<number, RawConfig>()
    waiting.set(id.task, config)
    this.#uncommitted.set(id.connector, waiting)
  }

  #commit(connector: string, data: Data): ConfigChange | undefined {
    const waiting = this.#uncommitted.get(connector) ?? new Map<number, RawConfig>()
    this.#uncommitted.delete(connector)
    const count = data?.['tasks']
    if (!this.#configs.has(connector) || typeof count !== 'number') return undefined
    const tasks: RawConfig[] = []
    for (let task = 0; task < count; task++) {
      const config = waiting.get(task) ?? this.#tasks.get(connector)?.[task]
      // Compaction took a part of the set: nothing of it runs until the connector writes its tasks anew.
      if (config === undefined) return undefined
      tasks.push(config)
    }
    const isResized = tasks.length !== (this.#tasks.get(connector)?.length ?? 0)
    this.#tasks.set(connector, tasks)
    this.#unfenced.add(connector)
    return { type: 'tasks', connector, isResized }
  }

  #target(connector: string, data: Data): ConfigChange | undefined {
    const state = data?.['state.v2'] ?? data?.['state']
    if (data === null) this.#targets.delete(connector)
    else if (state === 'STARTED' || state === 'PAUSED' || state === 'STOPPED')
      this.#targets.set(connector, state)
    else return undefined
    return { type: 'target', connector }
  }

  #restart(connector: string, data: Data): ConfigChange | undefined {
    if (data === null) return undefined
    const [includeTasks, onlyFailed] = [data['include-tasks'] === true, data['only-failed'] === true]
    return { type: 'restart', connector, includeTasks, onlyFailed }
  }

  #fencing(connector: string, data: Data): undefined {
    const count = data?.['task-count']
    if (typeof count !== 'number') return
    this.#taskCounts.set(connector, count)
    this.#unfenced.delete(connector)
  }

  #session(rest: string, data: Data): undefined {
    const { key, algorithm, 'creation-timestamp': createdAt } = data ?? {}
    if (rest !== '' || typeof key !== 'string' || typeof algorithm !== 'string') return
    if (typeof createdAt !== 'number') return
    this.#sessionKey = { key: Buffer.from(key, 'base64'), algorithm, createdAt }
  }
}

function loggerLevel(logger: string, data: Data): ConfigChange | undefined {
  const level = data?.['level']
  return typeof level === 'string' ? { type: 'logger', logger, level } : undefined
}

type Data = Readonly<Record<string, unknown>> | null

function stringMap(data: unknown): RawConfig | undefined {
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return undefined
  const entries = Object.entries(data).filter(([, value]) => value !== null)
  return Object.fromEntries(entries.map(([key, value]: [string, unknown]) => [key, textOf(value)]))
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
