import type { RawConfig } from '../api/config.ts'
import { ConflictError, ConfigError, NotFoundError, RequestError } from '../api/errors.ts'
import type { AssignedWork } from './assigned-work.ts'
import type { ConfigChange, TargetState } from './stores/config-state.ts'
import type { ConfigStore, WrittenConfig } from './stores/config-store.ts'
import { type ConnectorCheck, invalidConfig } from './configs/connector-check.ts'
import type { ActiveTopics } from './active-topics.ts'
import type { ClusterLoggers } from './cluster-loggers.ts'
import type { ConnectorOffsets, GivenOffset } from './connector-offsets.ts'
import type { ConnectorInfo, ConnectorStatus, ConnectorViews } from './connector-views.ts'
import type { LagReports } from './lag-reports.ts'
import { KeyedQueue } from './keyed-queue.ts'
import { connectorClass } from './configs/plugin-catalogue.ts'
import { unmasked } from './configs/secrets.ts'
import { type ShadowReport, shadowReport } from './shadow-report.ts'
import type { ShownElsewhere, TaskShown } from './shared/shown-elsewhere.ts'
import type { StatusReporter } from './status-reporter.ts'
import type { StatusStore } from './stores/status-store.ts'
import { elsewhere, type Place, requireLead } from './cluster/place.ts'

export interface HerderOptions {
  readonly configs: ConfigStore
  readonly statuses: StatusStore
  readonly reporter: Pick<StatusReporter, 'connector' | 'task'>
  readonly views: ConnectorViews
  readonly check: ConnectorCheck
  readonly offsets: ConnectorOffsets
  readonly topics: ActiveTopics
  readonly loggers: ClusterLoggers
  readonly lag: LagReports
  readonly work: Pick<
    AssignedWork,
    'refreshConnector' | 'refreshTasks' | 'refreshTarget' | 'restartTask' | 'connectors' | 'shown'
  >
  /** Where this worker stands: the leader alone writes. */
  readonly place: Place
  /** Whether another member has a class that is not here, and finds the configuration right. @throws ConfigError */
  readonly foreign: (className: string, config: RawConfig) => Promise<boolean>
  /** Does a round of zombie fencing of a connector's producers. */
  readonly fence: (connector: string) => Promise<void>
  readonly rejoin: (reason: string) => void
  readonly shownElsewhere: (connector: string, name: string) => Promise<ShownElsewhere>
}

const NO_NAME = {
  path: 'name',
  message: 'Missing required configuration "name" which has no default value.',
}

/**
 * Decides what runs where. Requests write to the config topic and nothing else; what follows (starting, stopping,
 * sharing out) comes from reading it, in the order in which every worker of the cluster reads it. The leader alone
 * writes: on any other worker what would write throws an ElsewhereError, and REST repeats the request at the leader.
 */
export class Herder {
  readonly views: ConnectorViews
  readonly check: ConnectorCheck
  readonly offsets: Pick<ConnectorOffsets, 'list'>
  readonly topics: Pick<ActiveTopics, 'tracking' | 'list' | 'reset'>
  readonly loggers: ClusterLoggers
  readonly lag: LagReports
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
    this.lag = options.lag
    options.configs.follow((change) => this.#onChange(change))
  }

  /** @throws ConflictError where the name is taken, ConfigError where the configuration is wrong */
  create(name: string, config: RawConfig, target?: TargetState): Promise<ConnectorInfo> {
    return this.#change(name, () => {
      if (this.#options.configs.get(name) !== undefined)
        throw new ConflictError('connector.exists', `Connector ${name} already exists`)
      return this.#store(name, config, target)
    })
  }

  /** Creates a connector or replaces its configuration. */
  put(name: string, config: RawConfig): Promise<{ readonly created: boolean; readonly info: ConnectorInfo }> {
    return this.#change(name, async () => {
      const created = this.#options.configs.get(name) === undefined
      return { created, info: await this.#store(name, config) }
    })
  }

  /** Changes single keys; null removes one. */
  patch(name: string, changes: Readonly<Record<string, string | null>>): Promise<ConnectorInfo> {
    return this.#change(name, () => {
      if (changes['name'] === null) throw invalidConfig([NO_NAME])
      const merged = Object.entries({ ...this.views.stored(name).config, ...changes })
      const config = Object.fromEntries(
        merged.filter((entry): entry is [string, string] => entry[1] !== null),
      )
      return this.#store(name, config)
    })
  }

  remove(name: string): Promise<void> {
    return this.#change(name, async () => {
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
    return this.#change(name, () => this.#options.offsets.alter(name, offsets))
  }

  /** Removes all offsets of a stopped connector; gives what to answer. */
  resetOffsets(name: string): Promise<string> {
    return this.#change(name, () => this.#options.offsets.reset(name))
  }

  /** Restarts the connector alone; or, with either flag, what the returned status shows as RESTARTING. */
  async restart(
    name: string,
    includeTasks: boolean,
    onlyFailed: boolean,
  ): Promise<ConnectorStatus | undefined> {
    const { work, configs, place } = this.#options
    if (!includeTasks && !onlyFailed) {
      if (!work.connectors.includes(name)) await this.#requireKnown(name)
      if (!work.connectors.includes(name)) throw elsewhere(place, name)
      work.refreshConnector(name)
      return undefined
    }
    return this.#change(name, async () => {
      this.views.stored(name)
      const plan = this.#restartPlan(name, includeTasks, onlyFailed)
      await configs.putRestart(name, includeTasks, onlyFailed)
      return plan
    })
  }

  async restartTask(name: string, task: number): Promise<void> {
    const { work, place } = this.#options
    if (work.restartTask({ connector: name, task })) return
    await this.#requireKnown(name, task)
    throw elsewhere(place, name, task)
  }

  /** Task configs that a connector made, on this worker or another. @throws RequestError where it is stopped */
  putTasks(name: string, tasks: readonly WrittenConfig[]): Promise<void> {
    return this.#change(name, async () => {
      if (this.views.stored(name).target === 'STOPPED' && tasks.length > 0) {
        const message = `Cannot submit non-empty set of task configs for stopped connector ${name}`
        throw new RequestError('request.invalid', message)
      }
      await this.#options.configs.putTasks(name, tasks)
    })
  }

  /** Before the tasks of a source with exactly-once support start: none of the former ones may write any more. */
  fenceZombies(name: string): Promise<void> {
    return this.#change(name, () => this.#options.fence(name))
  }

  /** How the shadow models of a connector compare, on all workers. */
  async shadows(name: string): Promise<ShadowReport> {
    const here = this.shown(name, 'shadows')
    return shadowReport(name, here, await this.#options.shownElsewhere(name, 'shadows'))
  }

  /** What the transforms of a connector's tasks show under a name, of those tasks that run on this worker. */
  shown(connector: string, name: string): readonly TaskShown[] {
    this.views.stored(connector)
    return this.#options.work.shown(connector, name)
  }

  /** Reads what the leader has written: a change that was forwarded to it is seen here too once that is answered. */
  catchUp(): Promise<void> {
    return this.#options.configs.readToEnd()
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

  /** Runs what may write, on what the config topic says now. */
  async #change<T>(name: string, work: () => Promise<T>): Promise<T> {
    const { place, configs } = this.#options
    requireLead(place)
    return this.#changes.run(name, async () => {
      requireLead(place)
      await configs.readToEnd()
      return work()
    })
  }

  /** What the leader does not know is not there; another worker may only have read less. */
  async #requireKnown(name: string, task?: number): Promise<void> {
    requireLead(this.#options.place)
    await this.#options.configs.readToEnd()
    const { tasks } = this.views.stored(name)
    if (task === undefined || tasks[task] !== undefined) return
    throw new NotFoundError('task.unknown', `Unknown task: ${name}-${task}`)
  }

  async #store(name: string, config: RawConfig, target?: TargetState): Promise<ConnectorInfo> {
    if (config['name'] !== undefined && config['name'].trim() !== name) {
      const message = `Connector name configuration (${config['name'].trim()}) doesn't match connector name in the URL (${name})`
      throw new RequestError('request.invalid', message)
    }
    const { configs } = this.#options
    const whole = unmasked({ ...config, name }, configs.get(name)?.config)
    const className = (whole['connector.class'] ?? '').trim()
    if (className === '') {
      const path = 'connector.class'
      throw new ConfigError([{ path, message: `Connector config ${name} contains no connector type` }])
    }
    const isHere = connectorClass(whole).type !== 'unknown'
    if (isHere || !(await this.#options.foreign(className, whole))) await this.check.require(whole)
    await configs.putConnector(name, whole, target)
    return this.views.info(name)
  }

  #setTarget(name: string, target: TargetState): Promise<void> {
    return this.#change(name, async () => {
      const { configs } = this.#options
      const tasks = configs.get(name)?.tasks
      if (tasks === undefined) throw new NotFoundError('connector.unknown', `Unknown connector ${name}`)
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
      connector: { ...withoutReason(status.connector), ...(restarts(status.connector) ? { state } : {}) },
      tasks: status.tasks.map((task) => ({
        ...withoutReason(task),
        ...(includeTasks && restarts(task) ? { state } : {}),
      })),
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
      work.refreshConnector(connector)
      if (change.isNew) rejoin(`connector ${connector} is new`)
    } else if (change.type === 'removed') rejoin(`connector ${connector} was deleted`)
    else if (change.type === 'tasks') {
      work.refreshTasks(connector)
      // What changed in them is the business of whoever runs them; only their number is the group's.
      if (change.isResized) rejoin(`the tasks of connector ${connector} changed`)
    } else work.refreshTarget(connector)
  }

  /**
   * Every worker reads the request and restarts what runs on it, which it shows at once. What runs elsewhere is shown as its
   * owner says: that may have been read before the request was.
   */
  #onRestart(name: string, includeTasks: boolean, onlyFailed: boolean): void {
    const { work, statuses, reporter, configs } = this.#options
    const stored = configs.get(name)
    if (stored === undefined || statuses.connector(name) === undefined) return
    const plan = this.#restartPlan(name, includeTasks, onlyFailed)
    if (plan.connector.state === 'RESTARTING' && work.connectors.includes(name)) {
      if (stored.target !== 'STOPPED') statuses.restarting(name) // else nothing is there to start
      void reporter.connector(name, 'RESTARTING')
      work.refreshConnector(name)
    }
    for (const { id: task, state } of plan.tasks) {
      if (state !== 'RESTARTING' || !includeTasks) continue
      if (!work.restartTask({ connector: name, task })) continue
      statuses.restarting(name, task)
      void reporter.task({ connector: name, task }, 'RESTARTING')
    }
  }
}

/** Java's workers take no field that they do not know of what they have forwarded, and `reason` is ours alone. */
function withoutReason<T extends object>(view: T): T {
  const entries = Object.entries(view).filter(([key]) => key !== 'reason')
  return Object.fromEntries(entries) as T
}
