import type { RawConfig } from '../../api/config.ts'
import type { Logger } from '../../api/log.ts'
import { type Place, requireLead } from '../cluster/place.ts'
import {
  type ConfigChange,
  ConfigState,
  type SessionKey,
  type StoredConnector,
  type TargetState,
} from './config-state.ts'
import type { OpenLog, RecordLog } from './record-log.ts'
import type { InternalTopic } from '../settings/modes.ts'

/** Another worker's task configs may hold null, which is kept: it would find them changed else. */
export type WrittenConfig = Readonly<Record<string, string | null>>

/**
 * The connectors of the cluster: the config topic and what was read of it. A write resolves when it was read back, so
 * whoever awaited it sees it. What `onChange` is told comes from records newer than the start alone.
 */
export class ConfigStore {
  readonly #state: ConfigState
  #log: RecordLog | undefined
  #onChange: (change: ConfigChange) => void = () => undefined
  #live = false
  #writer: Place | undefined

  private constructor(state: ConfigState) {
    this.#state = state
  }

  static async open(openLog: OpenLog, topic: InternalTopic, log: Logger): Promise<ConfigStore> {
    const ignored = new Set<string>()
    const onIgnored = (connector: string, problem: string): void => {
      if (ignored.has(connector)) return
      ignored.add(connector)
      const fields = { topic: topic.topic, connector: JSON.stringify(connector), problem }
      log.warn('a connector of the config topic is ignored: its name is not one', fields)
    }
    const store = new ConfigStore(new ConfigState(onIgnored))
    store.#log = await openLog(topic, (record) => {
      const change = store.#state.apply(record)
      if (change !== undefined && store.#live) store.#onChange(change)
    })
    return store
  }

  /** From now on changes are told. Records that were in the topic before never restart anything. */
  follow(onChange: (change: ConfigChange) => void): void {
    this.#onChange = onChange
    this.#live = true
  }

  /** From now on writes are refused where the worker does not lead: an ElsewhereError. */
  writtenBy(place: Place): void {
    this.#writer = place
  }

  get offset(): bigint {
    return this.#state.offset
  }

  names(): string[] {
    return this.#state.names()
  }

  get(connector: string): StoredConnector | undefined {
    return this.#state.get(connector)
  }

  get sessionKey(): SessionKey | undefined {
    return this.#state.sessionKey
  }

  taskCount(connector: string): number | undefined {
    return this.#state.taskCount(connector)
  }

  isUnfenced(connector: string): boolean {
    return this.#state.isUnfenced(connector)
  }

  /** Creates or replaces a connector. A target state is written first, so that it never runs where it should not. */
  async putConnector(connector: string, config: RawConfig, target?: TargetState): Promise<void> {
    if (target !== undefined) await this.putTarget(connector, target)
    await this.#append(`connector-${connector}`, { properties: config })
  }

  async removeConnector(connector: string): Promise<void> {
    await this.#append(`connector-${connector}`, null)
    await this.#append(`target-state-${connector}`, null)
  }

  /** Replaces all tasks of a connector; they count from the commit on. */
  async putTasks(connector: string, tasks: readonly WrittenConfig[]): Promise<void> {
    const written = tasks.map((config, n) => this.#append(`task-${connector}-${n}`, { properties: config }))
    await Promise.all(written)
    await this.#append(`commit-${connector}`, { tasks: tasks.length })
  }

  /** Readers of the first version know no STOPPED: to them it is PAUSED. */
  async putTarget(connector: string, target: TargetState): Promise<void> {
    const state = target === 'STOPPED' ? 'PAUSED' : target
    await this.#append(`target-state-${connector}`, { state, 'state.v2': target })
  }

  async putRestart(connector: string, includeTasks: boolean, onlyFailed: boolean): Promise<void> {
    const request = { 'include-tasks': includeTasks, 'only-failed': onlyFailed }
    await this.#append(`restart-connector-${connector}`, request)
  }

  /** Sets a logger's level on every worker that runs. */
  async putLoggerLevel(logger: string, level: string): Promise<void> {
    await this.#append(`logger-cluster-${logger}`, { level })
  }

  async putSessionKey({ key, algorithm, createdAt }: SessionKey): Promise<void> {
    const written = { key: key.toString('base64'), algorithm, 'creation-timestamp': createdAt }
    await this.#append('session-key', written)
  }

  /** Of how many tasks of a connector there may be producers from now on. */
  async putTaskCount(connector: string, tasks: number): Promise<void> {
    await this.#append(`tasks-fencing-${connector}`, { 'task-count': tasks })
  }

  async readToEnd(): Promise<void> {
    await this.#log?.readToEnd()
  }

  async close(): Promise<void> {
    this.#live = false
    await this.#log?.close()
  }

  async #append(key: string, value: object | null): Promise<void> {
    const writer = this.#writer
    if (writer !== undefined) requireLead(writer)
    await this.#log?.append(key, value === null ? null : JSON.stringify(value), writer?.heldUntil)
  }
}
