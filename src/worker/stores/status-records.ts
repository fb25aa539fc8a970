import { jsonObject, splitTaskKey } from './record-log.ts'

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

/** That a connector has used a topic: a source has written to it, a sink has read from it. */
export interface TopicUse {
  readonly topic: string
  readonly connector: string
  /** The task that did so first. */
  readonly task: number
  /** When, in milliseconds since 1970. */
  readonly discoverTimestamp: number
}

/** What a record of the status topic is about. */
export type StatusKey =
  | { readonly kind: 'connector'; readonly connector: string }
  | { readonly kind: 'task'; readonly connector: string; readonly task: number }
  | { readonly kind: 'topic'; readonly connector: string; readonly topic: string }

const CONNECTOR = 'status-connector-'
const TASK = 'status-task-'
const TOPIC = 'status-topic-'
const OF_CONNECTOR = ':connector-'
const STATES: readonly string[] = ['RUNNING', 'PAUSED', 'FAILED', 'UNASSIGNED', 'RESTARTING', 'STOPPED']

export function statusKeyText(key: StatusKey): string {
  if (key.kind === 'connector') return `${CONNECTOR}${key.connector}`
  if (key.kind === 'task') return `${TASK}${key.connector}-${key.task}`
  return `${TOPIC}${key.topic}${OF_CONNECTOR}${key.connector}`
}

/** Undefined where it is none that Kafka Connect writes. */
export function statusKeyOf(text: string): StatusKey | undefined {
  if (text.startsWith(CONNECTOR)) return { kind: 'connector', connector: text.slice(CONNECTOR.length) }
  if (text.startsWith(TASK)) {
    const id = splitTaskKey(text.slice(TASK.length))
    return id === undefined ? undefined : { kind: 'task', ...id }
  }
  if (!text.startsWith(TOPIC)) return undefined
  // A topic's name has no colon; a connector's may have what separates the two.
  const end = text.indexOf(OF_CONNECTOR, TOPIC.length)
  const [topic, connector] = [text.slice(TOPIC.length, end), text.slice(end + OF_CONNECTOR.length)]
  return end < 0 || topic === '' || connector === '' ? undefined : { kind: 'topic', connector, topic }
}

export function statusJson({ state, trace, reason, workerId, generation, version }: Status): string {
  return JSON.stringify({
    state,
    trace,
    worker_id: workerId,
    generation,
    ...(version === null ? {} : { version }),
    ...(reason === null ? {} : { reason }),
  })
}

/** Null where the record says that there is no status any more, undefined where it cannot be read. */
export function statusOf(value: Buffer): Status | null | undefined {
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

export function topicUseJson({ topic, connector, task, discoverTimestamp }: TopicUse): string {
  return JSON.stringify({ topic: { name: topic, connector, task, discoverTimestamp } })
}

/** Undefined where the record cannot be read. What it is about, its key says. */
export function topicUseOf(
  { topic, connector }: Extract<StatusKey, { kind: 'topic' }>,
  value: Buffer,
): TopicUse | undefined {
  const data = jsonObject(value)?.['topic']
  if (typeof data !== 'object' || data === null) return undefined
  const { task, discoverTimestamp } = data as Readonly<Record<string, unknown>>
  if (typeof task !== 'number' || typeof discoverTimestamp !== 'number') return undefined
  return { topic, connector, task, discoverTimestamp }
}
