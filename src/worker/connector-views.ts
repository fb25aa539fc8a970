import type { RawConfig } from '../api/config.ts'
import { NotFoundError } from '../api/errors.ts'
import type { TaskId } from '../runtime/host/protocol.ts'
import type { StoredConnector } from './stores/config-state.ts'
import type { ConfigStore } from './stores/config-store.ts'
import { connectorClass } from './configs/plugin-catalogue.ts'
import { masked } from './configs/secrets.ts'
import type { State, Status, StatusStore } from './stores/status-store.ts'

/** Kafka Connect's ConnectorInfo. */
export interface ConnectorInfo {
  readonly name: string
  readonly config: RawConfig
  readonly tasks: readonly TaskId[]
  readonly type: 'sink' | 'source' | 'unknown'
}

interface StateView {
  readonly state: State
  readonly worker_id: string
  readonly version?: string
  readonly trace?: string
  /** Sluice's own: what it waits for, e.g. `waiting for topic flights to be created`. Absent where it waits for nothing. */
  readonly reason?: string
}

export interface TaskStateView extends StateView {
  readonly id: number
}

/** Kafka Connect's ConnectorStateInfo. */
export interface ConnectorStatus {
  readonly name: string
  readonly connector: StateView
  readonly tasks: readonly TaskStateView[]
  readonly type: 'sink' | 'source' | 'unknown'
}

/** What REST shows of connectors: read from the stores, secrets masked, nothing waited for. */
export class ConnectorViews {
  readonly #configs: Pick<ConfigStore, 'names' | 'get'>
  readonly #isReference: (value: string) => boolean
  readonly #statuses: Pick<StatusStore, 'connector' | 'task' | 'tasks'>

  constructor(
    configs: Pick<ConfigStore, 'names' | 'get'>,
    statuses: Pick<StatusStore, 'connector' | 'task' | 'tasks'>,
    isReference: (value: string) => boolean = () => false,
  ) {
    this.#isReference = isReference
    this.#configs = configs
    this.#statuses = statuses
  }

  names(): string[] {
    return this.#configs.names().sort()
  }

  info(name: string): ConnectorInfo {
    const { config, tasks } = this.stored(name)
    return {
      name,
      config: masked(config, this.#isReference),
      tasks: tasks.map((_, task) => ({ connector: name, task })),
      type: typeOf(config),
    }
  }

  taskConfigs(name: string): { readonly id: TaskId; readonly config: RawConfig }[] {
    const { tasks } = this.stored(name)
    return tasks.map((config, task) => ({
      id: { connector: name, task },
      config: masked(config, this.#isReference),
    }))
  }

  status(name: string): ConnectorStatus {
    const config = this.#configs.get(name)?.config
    const status = this.#statuses.connector(name)
    if (config === undefined || status === undefined)
      throw new NotFoundError('connector.unknown', `No status found for connector ${name}`)
    const tasks = this.#statuses.tasks(name).map(([id, task]) => ({ id, ...stateView(task) }))
    return { name, connector: { ...stateView(status), ...reasonOf(tasks) }, tasks, type: typeOf(config) }
  }

  taskStatus(name: string, task: number): TaskStateView {
    const status = this.#statuses.task(name, task)
    if (status === undefined || this.#configs.get(name) === undefined)
      throw new NotFoundError('task.unknown', `No status found for task ${name}-${task}`)
    return { id: task, ...stateView(status) }
  }

  stored(name: string): StoredConnector {
    const stored = this.#configs.get(name)
    if (stored === undefined) throw new NotFoundError('connector.unknown', `Connector ${name} not found`)
    return stored
  }
}

type ConnectorType = ConnectorInfo['type']

/** By configuration as it was read: lists of many connectors ask for the same ones again and again. */
const types = new WeakMap<RawConfig, ConnectorType>()

function typeOf(config: RawConfig): ConnectorType {
  const known = types.get(config) ?? connectorClass(config).type
  types.set(config, known)
  return known
}

/** A connector waits when all of its tasks do. */
function reasonOf(tasks: readonly StateView[]): { readonly reason?: string } {
  const reasons = new Set(tasks.map(({ reason }) => reason))
  if (reasons.size === 0 || reasons.has(undefined)) return {}
  return { reason: [...reasons].join('; ') }
}

function stateView({ state, workerId, version, trace, reason }: Status): StateView {
  return {
    state,
    worker_id: workerId,
    ...(version === null ? {} : { version }),
    ...(trace === null || trace === '' ? {} : { trace }),
    ...(reason === null ? {} : { reason }),
  }
}
