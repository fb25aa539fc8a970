import { messageOf } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import { jsonObject, type LogRecord, type OpenLog, type RecordLog, splitTaskKey } from './record-log.ts'
import type { InternalTopic } from '../settings/modes.ts'

export type State = 'RUNNING' | 'PAUSED' | 'FAILED' | 'UNASSIGNED' | 'RESTARTING' | 'STOPPED'

/** What a worker last said of a connector or task. */
export interface Status {
  readonly state: State
  /** What went wrong; null where nothing did. */
  readonly trace: string | null
  /** What it waits for; null where it waits for nothing. Kafka Connect has no such field, and does not mind it. */
  readonly reason: string | null
  /** `host:port` of the worker. */
  readonly workerId: string
  readonly generation: number
  readonly version: string | null
}

const CONNECTOR = 'status-connector-'
const TASK = 'status-task-'
const STATES: readonly string[] = ['RUNNING', 'PAUSED', 'FAILED', 'UNASSIGNED', 'RESTARTING', 'STOPPED']

/** The status topic, in the format of Kafka Connect's KafkaStatusBackingStore. */
export class StatusStore {
  readonly #connectors = new Map<string, Status>()
  readonly #tasks = new Map<string, Map<number, Status>>()
  readonly #log: Logger
  #topic: RecordLog | undefined

  private constructor(log: Logger) {
    this.#log = log
  }

  static async open(openLog: OpenLog, topic: InternalTopic, log: Logger): Promise<StatusStore> {
    const store = new StatusStore(log)
    store.#topic = await openLog(topic, (record) => store.#read(record))
    return store
  }

  /** Everything that has a status, deleted connectors included until their statuses are removed. */
  connectors(): string[] {
    return [...new Set([...this.#connectors.keys(), ...this.#tasks.keys()])]
  }

  connector(name: string): Status | undefined {
    return this.#connectors.get(name)
  }

  task(name: string, task: number): Status | undefined {
    return this.#tasks.get(name)?.get(task)
  }

  /** By task number, in order. */
  tasks(name: string): (readonly [number, Status])[] {
    return [...(this.#tasks.get(name) ?? [])].sort(([a], [b]) => a - b)
  }

  /** Null removes it. Never throws: a status that cannot be written is logged, the work itself goes on. */
  putConnector(name: string, status: Status | null): Promise<void> {
    return this.#write(`${CONNECTOR}${name}`, status)
  }

  putTask(name: string, task: number, status: Status | null): Promise<void> {
    return this.#write(`${TASK}${name}-${task}`, status)
  }

  async close(): Promise<void> {
    await this.#topic?.close()
  }

  async #write(key: string, status: Status | null): Promise<void> {
    try {
      await this.#topic?.append(key, status === null ? null : statusJson(status))
    } catch (error) {
      this.#log.warn('a status could not be written', { key, error: messageOf(error) })
    }
  }

  #read({ key, value }: LogRecord): void {
    const status = value === null ? null : statusOf(value)
    if (key === null || status === undefined) return
    if (key.startsWith(CONNECTOR)) put(this.#connectors, key.slice(CONNECTOR.length), status)
    const id = key.startsWith(TASK) ? splitTaskKey(key.slice(TASK.length)) : undefined
    if (id === undefined) return
    const tasks = this.#tasks.get(id.connector) ?? new Map<number, Status>()
    put(tasks, id.task, status)
    put(this.#tasks, id.connector, tasks.size === 0 ? null : tasks)
  }
}

function put<K, V>(map: Map<K, V>, key: K, value: V | null): void {
  if (value === null) map.delete(key)
  else map.set(key, value)
}

function statusJson({ state, trace, reason, workerId, generation, version }: Status): string {
  return JSON.stringify({
    state,
    trace,
    worker_id: workerId,
    generation,
    ...(version === null ? {} : { version }),
    ...(reason === null ? {} : { reason }),
  })
}

function statusOf(value: Buffer): Status | null | undefined {
  const data = jsonObject(value)
  const state = data?.['state']
  if (state === 'DESTROYED') return null
  if (data === undefined || typeof state !== 'string' || !STATES.includes(state)) return undefined
  const text = (key: string): string | null => (typeof data[key] === 'string' ? data[key] : null)
  return {
    state: state as State,
    trace: text('trace'),
    reason: text('reason'),
    workerId: text('worker_id') ?? '',
    generation: typeof data['generation'] === 'number' ? data['generation'] : 0,
    version: text('version'),
  }
}
