import type { RawConfig } from '../api/config.ts'
import { ConflictError, ConfigError, NotFoundError, RequestError } from '../api/errors.ts'
import type { AssignedWork } from './assigned-work.ts'
import type { ConfigChange, TargetState } from './stores/config-state.ts'
import type { ConfigStore } from './stores/config-store.ts'
import type { ConnectorCheck } from './configs/connector-check.ts'
import type { ActiveTopics } from './active-topics.ts'
import type { ClusterLoggers } from './cluster-loggers.ts'
import type { ConnectorOffsets, GivenOffset } from './connector-offsets.ts'
import type { ConnectorInfo, ConnectorStatus, ConnectorViews } from './connector-views.ts'
import { KeyedQueue } from './keyed-queue.ts'
import { unmasked } from './configs/secrets.ts'
import { type ShadowReport, shadowReport } from './shadow-report.ts'
import type { StatusReporter } from './status-reporter.ts'
import type { StatusStore } from './stores/status-store.ts'

export interface HerderOptions {
  readonly configs: ConfigStore
  readonly statuses: StatusStore
  readonly reporter: Pick<StatusReporter, 'connector' | 'task'>
  readonly views: ConnectorViews
  readonly check: ConnectorCheck
  readonly offsets: ConnectorOffsets
  readonly topics: ActiveTopics
  readonly loggers: ClusterLoggers
  readonly work: Pick<
    AssignedWork,
    'refreshConnector' | 'refreshTasks' | 'refreshTarget' | 'restartTask' | 'connectors' | 'shown'
  >
  readonly rejoin: (reason: string) => void
}

/**
 * Decides what runs where. Requests write to the config topic and nothing else; what follows (starting, stopping,
 * sharing out) comes from reading it, in the order in which every worker of the cluster reads it.
 */
export class Herder {
  readonly views: ConnectorViews
  readonly check: ConnectorCheck
  readonly offsets: Pick<ConnectorOffsets, 'list'>
  readonly topics: Pick<ActiveTopics, 'tracking' | 'list' | 'reset'>
  readonly loggers: ClusterLoggers
  readonly #options: HerderOptions
  /** Changes of one connector happen one after another, so that of two creations only one succeeds. */
  readonly #changes = new KeyedQueue()

  constructor(options: HerderOptions) {
    this.#options = options
    this.views = options.views
    this.check = options.check
    this.offsets = options.offsets
    this.topics = options.topics
    this.loggers = options.loggers
    options.configs.follow((change) => this.#onChange(change))
  }

  /** @throws ConflictError where the name is taken, ConfigError where the configuration is wrong */
  create(name: string, config: RawConfig, target?: TargetState): Promise<ConnectorInfo> {
    return this.#changes.run(name, async () => {
      await this.#options.configs.readToEnd()
      if (this.#options.configs.get(name) !== undefined)
        throw new ConflictError('connector.exists', `Connector ${name} already exists`)
      return this.#store(name, config, target)
    })
  }

  /** Creates a connector or replaces its configuration. */
  put(name: string, config: RawConfig): Promise<{ readonly created: boolean; readonly info: ConnectorInfo }> {
    return this.#changes.run(name, async () => {
      await this.#options.configs.readToEnd()
      const created = this.#options.configs.get(name) === undefined
      return { created, info: await this.#store(name, config) }
    })
  }

  /** Changes single keys; null removes one. */
  patch(name: string, changes: Readonly<Record<string, string | null>>): Promise<ConnectorInfo> {
    return this.#changes.run(name, async () => {
      await this.#options.configs.readToEnd()
      const merged = Object.entries({ ...this.views.stored(name).config, ...changes })
      const config = Object.fromEntries(
        merged.filter((entry): entry is [string, string] => entry[1] !== null),
      )
      return this.#store(name, config)
    })
  }

  remove(name: string): Promise<void> {
    return this.#changes.run(name, async () => {
      this.views.stored(name)
      await this.#options.configs.removeConnector(name)
    })
  }

  pause(name: string): Promise<void> {
    return this.#setTarget(name, 'PAUSED')
  }

  resume(name: string): Promise<void> {
    return this.#setTarget(name, 'STARTED')
  }

  stop(name: string): Promise<void> {
    return this.#setTarget(name, 'STOPPED')
  }

  /** Sets offsets of a stopped connector; gives what to answer. */
  alterOffsets(name: string, offsets: readonly GivenOffset[]): Promise<string> {
    return this.#changes.run(name, () => this.#options.offsets.alter(name, offsets))
  }

  /** Removes all offsets of a stopped connector; gives what to answer. */
  resetOffsets(name: string): Promise<string> {
    return this.#changes.run(name, () => this.#options.offsets.reset(name))
  }

  /** Restarts the connector alone; or, with either flag, what the returned status shows as RESTARTING. */
  async restart(
    name: string,
    includeTasks: boolean,
    onlyFailed: boolean,
  ): Promise<ConnectorStatus | undefined> {
    this.views.stored(name)
    if (!includeTasks && !onlyFailed) {
      this.#options.work.refreshConnector(name)
      return undefined
    }
    const plan = this.#restartPlan(name, includeTasks, onlyFailed)
    await this.#options.configs.putRestart(name, includeTasks, onlyFailed)
    return plan
  }

  restartTask(name: string, task: number): void {
    const { tasks } = this.views.stored(name)
    if (tasks[task] === undefined) throw new NotFoundError('task.unknown', `Unknown task: ${name}-${task}`)
    if (this.#options.work.restartTask({ connector: name, task })) return
    const message = `Task ${name}-${task} does not run on this worker at the moment (a rebalance is going on). Try again.`
    throw new ConflictError('request.rebalancing', message)
  }

  /** How the shadow models of a connector compare, in the tasks that run on this worker. */
  shadows(name: string): ShadowReport {
    this.views.stored(name)
    return shadowReport(name, this.#options.work.shown(name, 'shadows'))
  }

  /** Removes what the status topic says of connectors and tasks that do not exist any more. */
  async removeStaleStatuses(): Promise<void> {
    const { configs, statuses } = this.#options
    for (const name of statuses.connectors()) {
      const stored = configs.get(name)
      const stale = statuses.tasks(name).filter(([task]) => stored?.tasks[task] === undefined)
      await Promise.all(stale.map(([task]) => statuses.putTask(name, task, null)))
      if (stored !== undefined) continue
      await statuses.removeTopics(name)
      if (statuses.connector(name) !== undefined) await statuses.putConnector(name, null)
    }
  }

  async #store(name: string, config: RawConfig, target?: TargetState): Promise<ConnectorInfo> {
    if (config['name'] !== undefined && config['name'].trim() !== name) {
      const message = `Connector name configuration (${config['name'].trim()}) doesn't match connector name in the URL (${name})`
      throw new RequestError('request.invalid', message)
    }
    const { configs } = this.#options
    const whole = unmasked({ ...config, name }, configs.get(name)?.config)
    if ((whole['connector.class'] ?? '').trim() === '') {
      const path = 'connector.class'
      throw new ConfigError([{ path, message: `Connector config ${name} contains no connector type` }])
    }
    await this.check.require(whole)
    await configs.putConnector(name, whole, target)
    return this.views.info(name)
  }

  #setTarget(name: string, target: TargetState): Promise<void> {
    return this.#changes.run(name, async () => {
      const { tasks } = this.views.stored(name)
      const { configs } = this.#options
      if (target === 'STOPPED' && tasks.length > 0) await configs.putTasks(name, [])
      await configs.putTarget(name, target)
    })
  }

  #restartPlan(name: string, includeTasks: boolean, onlyFailed: boolean): ConnectorStatus {
    const status = this.views.status(name)
    const restarts = ({ state }: { state: string }): boolean => !onlyFailed || state === 'FAILED'
    const state = 'RESTARTING' as const
    return {
      ...status,
      connector: restarts(status.connector) ? { ...status.connector, state } : status.connector,
      tasks: status.tasks.map((task) => (includeTasks && restarts(task) ? { ...task, state } : task)),
    }
  }

  #onChange(change: ConfigChange): void {
    const { work, rejoin, loggers } = this.#options
    if (change.type === 'logger') {
      loggers.told(change.logger, change.level)
      return
    }
    const { connector } = change
    if (change.type === 'restart') this.#onRestart(connector, change.includeTasks, change.onlyFailed)
    else if (change.type === 'connector') {
      if (work.connectors.includes(connector)) work.refreshConnector(connector)
      else rejoin(`connector ${connector} is new`)
    } else if (change.type === 'removed') rejoin(`connector ${connector} was deleted`)
    else if (change.type === 'tasks') {
      work.refreshTasks(connector)
      rejoin(`the tasks of connector ${connector} changed`)
    } else work.refreshTarget(connector)
  }

  /** Every worker reads the request and restarts what runs on it. */
  #onRestart(name: string, includeTasks: boolean, onlyFailed: boolean): void {
    const { work, statuses, reporter, configs } = this.#options
    if (configs.get(name) === undefined || statuses.connector(name) === undefined) return
    const plan = this.#restartPlan(name, includeTasks, onlyFailed)
    if (plan.connector.state === 'RESTARTING' && work.connectors.includes(name)) {
      void reporter.connector(name, 'RESTARTING')
      work.refreshConnector(name)
    }
    for (const { id, state } of plan.tasks) {
      if (state !== 'RESTARTING' || !includeTasks) continue
      if (work.restartTask({ connector: name, task: id }))
        void reporter.task({ connector: name, task: id }, 'RESTARTING')
    }
  }
}
