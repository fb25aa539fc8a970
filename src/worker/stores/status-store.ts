import { messageOf } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import type { InternalTopic } from '../settings/modes.ts'
import type { LogRecord, OpenLog, RecordLog } from './record-log.ts'
import {
  type Status,
  type StatusKey,
  statusJson,
  statusKeyOf,
  statusKeyText,
  statusOf,
  type TopicUse,
  topicUseJson,
  topicUseOf,
} from './status-records.ts'

export type { State, Status, TopicUse } from './status-records.ts'

/** A status and how new it is. */
interface Known {
  readonly status: Status
  /** The generation of the group in which it was said; −1 where that was a group that is no more. */
  readonly generation: number
}

/** This worker's place in its group. */
interface Place {
  readonly generation: number
  readonly workerId: string
}

/**
 * The status topic, in the format of Kafka Connect's KafkaStatusBackingStore: the states of connectors and tasks, and which
 * topics they have used.
 *
 * A worker that lost a task writes so late at times, when another one runs it already. What it says of an older generation
 * of the group is not taken, and the worker that has the task writes its status again, so that nobody takes it who reads the
 * topic later. A group's generations begin anew where all workers were away for a while: `joined` tells.
 */
export class StatusStore {
  readonly #connectors = new Map<string, Known>()
  readonly #tasks = new Map<string, Map<number, Known>>()
  readonly #topics = new Map<string, Map<string, TopicUse>>()
  readonly #log: Logger
  #topic: RecordLog | undefined
  #onStatus: (connector: string, status: Status) => void = () => undefined
  #place: Place | undefined

  private constructor(log: Logger) {
    this.#log = log
  }

  static async open(openLog: OpenLog, topic: InternalTopic, log: Logger): Promise<StatusStore> {
    const store = new StatusStore(log)
    store.#topic = await openLog(topic, (record) => store.#read(record))
    return store
  }

  /** Tells each status of a connector or one of its tasks that counts: those that are known, and what is read from now on. */
  follow(onStatus: (connector: string, status: Status) => void): void {
    this.#onStatus = onStatus
    for (const [connector, { status }] of this.#connectors) onStatus(connector, status)
    for (const [connector, tasks] of this.#tasks)
      for (const { status } of tasks.values()) onStatus(connector, status)
  }

  /** This worker has its place in a new generation: whatever has a higher one is of a group before it. */
  joined(place: Place): void {
    this.#place = place
    const forget = <K>(known: Map<K, Known>): void => {
      for (const [key, { status, generation }] of known)
        if (generation > place.generation) known.set(key, { status, generation: -1 })
    }
    forget(this.#connectors)
    for (const tasks of this.#tasks.values()) forget(tasks)
  }

  /** Everything that is known of, deleted connectors included until what is known of them is removed. */
  connectors(): string[] {
    return [...new Set([...this.#connectors.keys(), ...this.#tasks.keys(), ...this.#topics.keys()])]
  }

  connector(name: string): Status | undefined {
    return this.#connectors.get(name)?.status
  }

  task(name: string, task: number): Status | undefined {
    return this.#tasks.get(name)?.get(task)?.status
  }

  /** By task number, in order. */
  tasks(name: string): (readonly [number, Status])[] {
    const found = this.#tasks.get(name)
    if (found === undefined) return []
    return [...found].sort(([a], [b]) => a - b).map(([task, { status }]) => [task, status])
  }

  /** The topics that a connector has used. */
  topics(connector: string): TopicUse[] {
    return [...(this.#topics.get(connector)?.values() ?? [])]
  }

  usesTopic(connector: string, topic: string): boolean {
    return this.#topics.get(connector)?.has(topic) === true
  }

  /** Null removes it. Never throws: a status that cannot be written is logged, the work itself goes on. */
  putConnector(connector: string, status: Status | null): Promise<void> {
    return this.#putStatus({ kind: 'connector', connector }, status)
  }

  putTask(connector: string, task: number, status: Status | null): Promise<void> {
    return this.#putStatus({ kind: 'task', connector, task }, status)
  }

  /**
   * Shows a connector, or one of its tasks, as RESTARTING until its next status comes: for the worker that runs it, which
   * restarts it and says so a moment later.
   */
  restarting(connector: string, task?: number): void {
    const key: StatusKey =
      task === undefined ? { kind: 'connector', connector } : { kind: 'task', connector, task }
    const known = this.#known(key)
    if (known === undefined) return
    const now = {
      ...known,
      status: { ...known.status, state: 'RESTARTING' as const, trace: null, reason: null },
    }
    if (task === undefined) this.#connectors.set(connector, now)
    else putBelow(this.#tasks, connector, task, now)
  }

  /** Never throws, as with statuses. */
  putTopic(use: TopicUse): Promise<void> {
    return this.#write({ kind: 'topic', ...use }, topicUseJson(use))
  }

  async removeTopics(connector: string): Promise<void> {
    const uses = this.topics(connector)
    await Promise.all(uses.map(({ topic }) => this.#write({ kind: 'topic', connector, topic }, null)))
  }

  async close(): Promise<void> {
    await this.#topic?.close()
  }

  async #putStatus(key: StatusKey, status: Status | null): Promise<void> {
    if (status !== null && isFarewell(status) && isLate(this.#known(key), status)) return
    await this.#write(key, status === null ? null : statusJson(status))
  }

  async #write(key: StatusKey, value: string | null): Promise<void> {
    const text = statusKeyText(key)
    try {
      await this.#topic?.append(text, value)
    } catch (error) {
      this.#log.warn('a status could not be written', { key: text, error: messageOf(error) })
    }
  }

  #known(key: StatusKey): Known | undefined {
    if (key.kind === 'connector') return this.#connectors.get(key.connector)
    return key.kind === 'task' ? this.#tasks.get(key.connector)?.get(key.task) : undefined
  }

  #read({ key: text, value }: LogRecord): void {
    const key = text === null ? undefined : statusKeyOf(text)
    if (key?.kind === 'topic') this.#readTopic(key, value)
    else if (key !== undefined) this.#readStatus(key, value)
  }

  #readStatus(key: Exclude<StatusKey, { kind: 'topic' }>, value: Buffer | null): void {
    const status = value === null ? null : statusOf(value)
    if (status === undefined) return
    const known = this.#known(key)
    if (status !== null && this.#isHidden(known, status)) {
      if (known?.status.workerId === this.#place?.workerId) void this.#putStatus(key, known?.status ?? null)
      return
    }
    const now = status === null ? null : { status, generation: status.generation }
    if (key.kind === 'connector') put(this.#connectors, key.connector, now)
    else putBelow(this.#tasks, key.connector, key.task, now)
    if (status !== null) this.#onStatus(key.connector, status)
  }

  /**
   * What the topic held before this worker had a place may be of several groups, whose generations do not compare: there the
   * later one counts, but for a worker that is done with a task which another one has started.
   */
  #isHidden(known: Known | undefined, status: Status): boolean {
    if (known === undefined || known.status.workerId === status.workerId) return false
    if (this.#place !== undefined && isLate(known, status)) return true
    const { state } = known.status
    return status.state === 'UNASSIGNED' && state === 'RUNNING' && known.generation >= status.generation
  }

  #readTopic(key: Extract<StatusKey, { kind: 'topic' }>, value: Buffer | null): void {
    const use = value === null ? null : topicUseOf(key, value)
    if (use !== undefined) putBelow(this.#topics, key.connector, key.topic, use)
  }
}

/** The last that a worker says of what it runs. */
function isFarewell({ state }: Status): boolean {
  return state === 'UNASSIGNED' || state === 'FAILED'
}

/** Another worker has said something in a later generation. */
function isLate(known: Known | undefined, { workerId, generation }: Status): boolean {
  return known !== undefined && known.status.workerId !== workerId && known.generation > generation
}

function put<K, V>(map: Map<K, V>, key: K, value: V | null): void {
  if (value === null) map.delete(key)
  else map.set(key, value)
}

function putBelow<K, V>(maps: Map<string, Map<K, V>>, name: string, key: K, value: V | null): void {
  const map = maps.get(name) ?? new Map<K, V>()
  put(map, key, value)
  put(maps, name, map.size === 0 ? null : map)
}
