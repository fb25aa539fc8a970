import type { Logger } from '../../api/log.ts'
import type { Fetcher, StartPosition } from '../../kafka/fetch/fetch.ts'
import type { Transactions } from '../delivery/delivery.ts'
import type { Membership } from '../host/protocol.ts'
import type { TaskMetrics } from '../host/task-metrics.ts'
import type { PartitionOffset } from './positions.ts'
import type { Puts } from './puts.ts'
import type { SinkPipeline } from './sink-pipeline.ts'
import type { SinkRequests } from './sink-requests.ts'

/** What the loop of a sink task works with. */
export interface SinkTaskParts {
  readonly pipeline: SinkPipeline
  readonly fetcher: Fetcher
  readonly requests: SinkRequests
  readonly puts: Puts
  readonly flushIntervalMs: number
  /** Absent: delivery is at-least-once. Else a commit is about all partitions and all that was sent before it. */
  readonly transactions?: Transactions | undefined
  readonly log: Logger
  /** Where each assigned partition goes on; null where nothing was committed. Tries for a while before it throws. */
  readonly startAt: (membership: Membership) => Promise<readonly StartPosition[]>
  readonly commit: (membership: Membership, offsets: readonly PartitionOffset[]) => Promise<void>
  /** Whether the task is surely nobody else's at the moment (`host/lease`). */
  readonly isOwner: () => boolean
  readonly onFailed: (error: unknown) => void
  /** The task has let go of its partitions and waits to be assigned anew. */
  readonly onFenced: () => void
  /** Suspect rows before these offsets are done with. */
  readonly onCleared: (offsets: readonly PartitionOffset[]) => void
  readonly metrics: TaskMetrics
  /** Aborted when the task must stop. */
  readonly stopping: AbortController
}
