import type { MetricsSnapshot } from '../../runtime/host/task-metrics.ts'
import type { PartitionOffset } from '../../runtime/sink/positions.ts'
import type {
  FromHost,
  Membership,
  RowRange,
  Shown,
  SuspectRows,
  TaskId,
  TaskState,
} from '../../runtime/host/protocol.ts'

export interface TaskListener {
  state(state: TaskState, trace: string | undefined): void
  /** What it waits for, in words; null when that is over. */
  waits(reason: string | null): void
  fenced(): void
  /** It is a monitor, and asks for new configs of the connector's tasks. */
  reconfigure?(): void
  /** What its transforms show has changed. */
  shown(changed: readonly Shown[]): void
  /** It has used these topics since it said so last. */
  topics?(used: readonly string[]): void
  /** What it has counted since it started. */
  metrics(snapshot: MetricsSnapshot): void
  /** The plugins are done with these rows. */
  passed(rows: RowRange): void
  /** Suspect rows before this offset are done with. */
  cleared(before: PartitionOffset): void
  /** The host is gone, and this task with it. */
  died(death: Death): void
}

export interface Death {
  /** One sentence, for logs and statuses. */
  readonly reason: string
  /** Whether this task was in a plugin when its host crashed, or beyond its deadline when it was killed. */
  readonly suspect: boolean
  /** The rows that a plugin was at, which may be to blame. */
  readonly call?: PluginCall
}

export interface PluginCall {
  readonly rows: RowRange
  readonly stage: string
  /** A signal ended the host: perhaps the kernel, because memory ran out, perhaps somebody who had nothing to do with it. */
  readonly bySignal: boolean
}

/** A task in a host. Whatever waits here also ends when the host dies. */
export interface HostedTask {
  assign(membership: Membership, suspects?: readonly SuspectRows[]): void
  /**
   * Resolves when what was in flight is delivered and committed, of all partitions or of all but those of `keep`; a host
   * that takes longer than `timeout` is killed.
   */
  revoke(timeout: number, keep?: Membership): Promise<void>
  lost(): void
  pause(): void
  resume(): void
  /** Resolves when the task has closed its plugins; a host that takes longer than `timeout` is killed. */
  stop(timeout: number): Promise<void>
}

/** What a host's keeper knows of a task in it. */
export interface Hosted {
  readonly id: TaskId
  readonly listener: TaskListener
  stage: string
  since: number
  /** What the plugin at work was given. */
  rows: RowRange | undefined
  /** The last rows that any was given. */
  latest: RowRange | undefined
  waiting: { type: 'revoked' | 'stopped'; done: () => void }[]
}

/** Ends waits for an answer of a task; all of them where none is named, or where the task has stopped. */
export function settle(hosted: Hosted, type?: 'revoked' | 'stopped'): void {
  const answered = hosted.waiting.filter(
    (wait) => type === undefined || wait.type === type || type === 'stopped',
  )
  hosted.waiting = hosted.waiting.filter((wait) => !answered.includes(wait))
  for (const { done } of answered) done()
}

type Told = 'cleared' | 'state' | 'waits' | 'fenced' | 'reconfigure' | 'shown' | 'topics' | 'metrics'

/** Passes on what a host says of a task. */
export function tell(listener: TaskListener, message: Extract<FromHost, { type: Told }>): void {
  switch (message.type) {
    case 'cleared':
      listener.cleared(message)
      break
    case 'state':
      listener.state(message.state, message.trace)
      break
    case 'waits':
      listener.waits(message.reason)
      break
    case 'fenced':
      listener.fenced()
      break
    case 'reconfigure':
      listener.reconfigure?.()
      break
    case 'shown':
      listener.shown(message.shown)
      break
    case 'topics':
      listener.topics?.(message.topics)
      break
    case 'metrics':
      listener.metrics(message.metrics)
  }
}

export function isSame(a: RowRange, b: RowRange): boolean {
  return a.topic === b.topic && a.partition === b.partition && a.first === b.first && a.last === b.last
}
