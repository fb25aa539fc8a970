import type { RawConfig } from '../api/config.ts'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConnectError, messageOf } from '../api/errors.ts'
import type { Logger } from '../api/log.ts'
import { nameOf, type Shown, type TaskId } from '../runtime/host/protocol.ts'
import type { PartitionProgress } from '../runtime/host/task-metrics.ts'
import { traceOf } from '../runtime/delivery/trace.ts'
import { ElsewhereError } from './cluster/place.ts'
import type { TaskPublisher } from './cluster/task-publisher.ts'
import type { ConfigStore } from './stores/config-store.ts'
import type { StoredConnector } from './stores/config-state.ts'
import { Monitors, type MonitorsOptions } from './monitors.ts'
import { KeyedQueue } from './keyed-queue.ts'
import type { StatusReporter } from './status-reporter.ts'
import { requireClass } from './configs/required-class.ts'
import { sameConfig, sameConfigs, taskConfigs } from './configs/task-configs.ts'
import type { Suspects } from './hosts/suspects.ts'
import type { TaskHosts } from './hosts/task-hosts.ts'
import type { TaskRun } from './hosts/task-run.ts'

export interface AssignedWorkOptions {
  readonly configs: Pick<ConfigStore, 'get'>
  /** Brings task configs to the config topic, by the leader. */
  readonly publish: TaskPublisher['publish']
  readonly statuses: Pick<StatusReporter, 'connector' | 'task'>
  /** What is known of records that kill hosts: forgotten with the connector, and when somebody restarts or changes it. */
  readonly suspects: Pick<Suspects, 'forget'>
  /** Where the plugins of sources say what their tasks are. */
  readonly hosts: Pick<TaskHosts, 'configure'>
  readonly createTask: (id: TaskId, configs: TaskConfigs, paused: boolean) => TaskRun
  readonly createMonitor: MonitorsOptions['create']
  /** Puts the values of config providers in. @throws ConfigError */
  readonly resolve: (config: RawConfig) => Promise<RawConfig>
  /** Whether all tasks of a connector start anew when one of them gets another config: their producers are fenced. */
  readonly restartsAll: (connector: string) => boolean
  /** `host:port` of this worker, as errors name it. */
  readonly workerId: string
  /** The other workers that do not have the plugin of a connector. */
  readonly failedOn: (connector: string) => readonly string[]
  readonly log: Logger
}

/** A task's configuration as it is stored, and with the values of config providers in it. */
export interface TaskConfigs {
  readonly config: RawConfig
  readonly resolved: RawConfig
}

const RETRY_PAUSE = 2_000

/**
 * The connectors and tasks that this worker runs. What should run is told from outside (the group's assignment, the
 * config topic); each connector and each task follows in a queue of its own, so that a slow one delays no other.
 */
export class AssignedWork {
  readonly #options: AssignedWorkOptions
  readonly #connectors = new Set<string>()
  /** Those that start as soon as their queue lets them: what changes until then is seen by that start. */
  readonly #starting = new Set<string>()
  /** What should run here; `undefined` until its queue has started it, or where it has no config. */
  readonly #tasks = new Map<string, { readonly id: TaskId; run: TaskRun | undefined }>()
  /** Tasks that do not belong here any more, and have not stopped yet. */
  readonly #stopping = new Set<Promise<undefined>>()
  readonly #queue = new KeyedQueue()
  readonly #monitors: Monitors

  constructor(options: AssignedWorkOptions) {
    this.#options = options
    this.#monitors = new Monitors({
      create: options.createMonitor,
      reconfigure: (name) => this.#queue.run(name, () => this.#reconfigure(name)),
      log: options.log,
    })
  }

  get connectors(): string[] {
    return [...this.#connectors]
  }

  get tasks(): TaskId[] {
    return [...this.#tasks.values()].map(({ id }) => id)
  }

  /** Whether a task is to run here. */
  hasTask(id: TaskId): boolean {
    return this.#tasks.has(nameOf(id))
  }

  /** What the transforms of a connector's tasks show under a name, of those tasks that run here. */
  shown(connector: string, name: string): (Shown & { readonly task: number })[] {
    return [...this.#tasks.values()]
      .filter(({ id }) => id.connector === connector)
      .flatMap(({ id, run }) => (run?.shown(name) ?? []).map((shown) => ({ ...shown, task: id.task })))
      .toSorted((a, b) => a.task - b.task)
  }

  /** How far the tasks of sinks are that run here. */
  progress(): { readonly id: TaskId; readonly partitions: readonly PartitionProgress[] }[] {
    return [...this.#tasks.values()].flatMap(({ id, run }) => {
      const partitions = run?.metrics?.partitions
      return partitions === undefined ? [] : [{ id, partitions }]
    })
  }

  /** Runs exactly these from now on. Resolves when all others have stopped; the new ones start in the background. */
  async runOnly(connectors: readonly string[], tasks: readonly TaskId[]): Promise<void> {
    const wantedTasks = new Map(tasks.map((id) => [nameOf(id), id]))
    const wanted = new Set(connectors)
    const stops = [
      ...this.connectors.filter((name) => !wanted.has(name)).map((name) => this.#dropConnector(name)),
      ...this.tasks.filter((id) => !wantedTasks.has(nameOf(id))).map((id) => this.#dropTask(id)),
    ]
    for (const name of wanted) if (!this.#connectors.has(name)) this.#addConnector(name)
    for (const id of wantedTasks.values()) if (!this.#tasks.has(nameOf(id))) this.#addTask(id)
    await Promise.all(stops)
  }

  /**
   * Resolves when nothing runs any more, also of what was dropped before. `lost`: with the place in the group, so that
   * others may run all this already, and have their say in the statuses.
   */
  async dropAll({ lost = false } = {}): Promise<void> {
    if (lost) for (const { run } of this.#tasks.values()) run?.lost()
    const dropped = this.runOnly([], [])
    if (!lost) await dropped
    await Promise.all(this.#stopping)
  }

  /** A connector's config or target state changed, or it is to be restarted: it starts anew where it runs here. */
  refreshConnector(name: string): void {
    if (this.#connectors.has(name)) this.#queueStart(name)
  }

  /** Task configs changed: those that run here with another one start anew. */
  refreshTasks(connector: string): void {
    for (const id of this.tasks) {
      if (id.connector !== connector) continue
      const config = this.#configOf(id)
      const isSame = sameConfig(config, this.#tasks.get(nameOf(id))?.run?.config)
      if (!isSame || this.#options.restartsAll(connector)) this.restartTask(id)
    }
  }

  refreshTarget(connector: string): void {
    this.refreshConnector(connector)
    const paused = this.#isPaused(connector)
    for (const { id, run } of this.#tasks.values()) if (id.connector === connector) run?.pause(paused)
  }

  /** Stops a task and starts it anew, with a new chance for every record; false where it does not run here. */
  restartTask(id: TaskId): boolean {
    if (!this.#tasks.has(nameOf(id))) return false
    void this.#queue.run(nameOf(id), async () => {
      await this.#tasks.get(nameOf(id))?.run?.stop()
      this.#options.suspects.forget(id.connector)
      await this.#startTask(id)
    })
    return true
  }

  /** Resolves when everything that was asked for is done. */
  settled(): Promise<void> {
    return this.#queue.settled()
  }

  #addConnector(name: string): void {
    this.#connectors.add(name)
    this.#queueStart(name)
  }

  /** However often a connector is changed while it starts, it starts once more. */
  #queueStart(name: string): void {
    if (this.#starting.has(name)) return
    this.#starting.add(name)
    void this.#queue.run(name, () => {
      this.#starting.delete(name)
      return this.#startConnector(name)
    })
  }

  async #dropConnector(name: string): Promise<void> {
    this.#connectors.delete(name)
    this.#starting.delete(name)
    await this.#queue.run(name, async () => {
      await this.#monitors.stop(name)
      if (this.#options.configs.get(name) !== undefined)
        await this.#options.statuses.connector(name, 'UNASSIGNED')
    })
  }

  async #startConnector(name: string): Promise<void> {
    const { configs, statuses, publish } = this.#options
    await this.#monitors.stop(name)
    const stored = configs.get(name)
    if (stored === undefined || !this.#connectors.has(name)) return
    try {
      if (stored.target === 'STOPPED') {
        if (stored.tasks.length > 0) await publish(name, [])
        await statuses.connector(name, 'STOPPED')
        return
      }
      const resolved = await this.#options.resolve(stored.config)
      this.#requireClass(name, resolved)
      const tasks = await this.#tasksOf(name, stored, resolved)
      if (tasks === undefined) return
      void statuses.connector(name, stored.target === 'PAUSED' ? 'PAUSED' : 'RUNNING')
      // Tasks of a paused connector stay as they are; it makes new ones when it is resumed.
      if (stored.target !== 'STARTED') return
      if (!sameConfigs(tasks, stored.tasks)) await publish(name, tasks)
      if (this.#connectors.has(name)) this.#monitors.start(name, { config: stored.config, resolved })
    } catch (error) {
      await this.#startFailed(name, stored, error)
    }
  }

  async #startFailed(name: string, stored: StoredConnector, error: unknown): Promise<void> {
    const { statuses, log } = this.#options
    const fields = { connector: name, error: messageOf(error) }
    if (error instanceof ConnectError && (error.retriable || error instanceof ElsewhereError)) {
      log.warn('the tasks could not be written; trying again', fields)
      void sleep(RETRY_PAUSE, undefined, { ref: false }).then(() => this.refreshConnector(name))
      return
    }
    if (!this.#isStill(name, stored)) return // it was changed or deleted meanwhile: that is next
    log.error('the connector failed', fields)
    await statuses.connector(name, 'FAILED', traceOf(error))
  }

  #isStill(name: string, { config, target }: StoredConnector): boolean {
    const now = this.#options.configs.get(name)
    return now?.config === config && now.target === target
  }

  /** What the tasks of a connector are to be; undefined where it changed meanwhile: then that is next. */
  async #tasksOf(name: string, stored: StoredConnector, resolved: RawConfig) {
    const tasks = await taskConfigs(stored.config, resolved, this.#options.hosts)
    return this.#isStill(name, stored) ? tasks : undefined
  }

  /** Its monitor asked for new configs of its tasks. */
  async #reconfigure(name: string): Promise<void> {
    const { configs, publish, resolve } = this.#options
    const stored = configs.get(name)
    if (stored?.target !== 'STARTED' || !this.#connectors.has(name)) return
    const tasks = await this.#tasksOf(name, stored, await resolve(stored.config))
    if (tasks !== undefined && !sameConfigs(tasks, stored.tasks)) await publish(name, tasks)
  }

  #addTask(id: TaskId): void {
    this.#tasks.set(nameOf(id), { id, run: undefined })
    void this.#queue.run(nameOf(id), () => this.#startTask(id))
  }

  async #startTask(id: TaskId): Promise<void> {
    const config = this.#configOf(id)
    // The host says what is wrong, before the task takes its place in a group.
    const resolved = config && (await this.#options.resolve(config).catch(() => config))
    const isWanted = this.#tasks.has(nameOf(id))
    if (isWanted && resolved !== undefined && !(await this.#hasClass(id, resolved))) return
    const slot = this.#tasks.get(nameOf(id))
    if (slot === undefined) return
    const configs = config && resolved && { config, resolved }
    slot.run = configs && this.#options.createTask(id, configs, this.#isPaused(id.connector))
    slot.run?.start()
  }

  /** A Java connector may say of its tasks only what is theirs; what it is, its own configuration says. */
  #configOf({ connector, task }: TaskId): RawConfig | undefined {
    const stored = this.#options.configs.get(connector)
    const config = stored?.tasks[task]
    if (config === undefined || config['connector.class'] !== undefined) return config
    return { ...stored?.config, ...config }
  }

  /** A task whose class is not here fails before it takes a place in a group. */
  async #hasClass(id: TaskId, config: RawConfig): Promise<boolean> {
    const { statuses, log } = this.#options
    try {
      this.#requireClass(id.connector, config)
      return true
    } catch (error) {
      log.error('the task failed', { ...id, error: messageOf(error) })
      await statuses.task(id, 'FAILED', traceOf(error))
      return false
    }
  }

  #requireClass(connector: string, config: RawConfig): void {
    const { workerId, failedOn } = this.#options
    requireClass(config, workerId, failedOn(connector))
  }

  #dropTask(id: TaskId): Promise<void> {
    const slot = this.#tasks.get(nameOf(id))
    this.#tasks.delete(nameOf(id))
    const { promise: stopped, resolve } = Promise.withResolvers<undefined>()
    this.#stopping.add(stopped)
    return this.#queue.run(nameOf(id), async () => {
      await slot?.run?.stop()
      this.#stopping.delete(stopped)
      resolve(undefined)
      const exists = this.#options.configs.get(id.connector)?.tasks[id.task] !== undefined
      if (exists) await this.#options.statuses.task(id, 'UNASSIGNED')
      else this.#options.suspects.forget(id.connector)
    })
  }

  #isPaused(connector: string): boolean {
    return this.#options.configs.get(connector)?.target === 'PAUSED'
  }
}
