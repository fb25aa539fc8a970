import { UnavailableError } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import type { TopicPartition } from '../../api/plugins.ts'
import type { Membership } from '../host/protocol.ts'
import type { TaskMetrics } from '../host/task-metrics.ts'
import { allowedOffsets } from './allowed-offsets.ts'
import { idOf } from './partitions.ts'
import type { PartitionOffset, Positions } from './positions.ts'
import { passes, type SinkPipeline } from './sink-pipeline.ts'

export interface SinkCommitsParts {
  readonly pipeline: Pick<SinkPipeline, 'flush' | 'preCommit'>
  readonly positions: Positions
  readonly commit: (membership: Membership, offsets: readonly PartitionOffset[]) => Promise<void>
  readonly onCommitted: (offsets: readonly PartitionOffset[]) => void
  readonly metrics: TaskMetrics
  readonly log: Logger
  /** Whether a commit ends a transaction: it is then always about all partitions. */
  readonly atomic: boolean
}

/** Partitions that are given away, and what closes them in the sink. */
export interface Closing {
  readonly partitions: readonly TopicPartition[]
  readonly close: () => Promise<void>
}

/** Invariant 1: only what is durable, here and (after flush) outside, is committed, and no more than the sink allows. */
export class SinkCommits {
  readonly #parts: SinkCommitsParts
  #lastAt = performance.now()

  constructor(parts: SinkCommitsParts) {
    this.#parts = parts
  }

  isDue(intervalMs: number): boolean {
    return this.dueIn(intervalMs) <= 0
  }

  /** Milliseconds. */
  dueIn(intervalMs: number): number {
    return this.#lastAt + intervalMs - performance.now()
  }

  /**
   * Commits what is durable: of all partitions, or of those that are given away, which are closed before the commit, as in
   * Kafka Connect. False where the sink could not store for now, or a transaction is lost: whatever is not committed then
   * has to come again, of every partition.
   */
  async commit(membership: Membership, closing?: Closing): Promise<boolean> {
    this.#lastAt = performance.now()
    const offsets = this.#committable(closing)
    if (offsets.length === 0) return true
    const { metrics } = this.#parts
    const allowed = await this.#allowed(offsets)
    await closing?.close()
    if (allowed !== undefined && allowed.length > 0) return this.#store(membership, allowed)
    metrics.count('commits.skipped')
    return allowed !== undefined
  }

  #committable(closing: Closing | undefined): PartitionOffset[] {
    const offsets = this.#parts.positions.committable()
    if (closing === undefined || this.#parts.atomic) return offsets
    const ids = new Set(closing.partitions.map(idOf))
    return offsets.filter((each) => ids.has(idOf(each)))
  }

  /** False where what was sent can never be committed. */
  async #store(membership: Membership, offsets: readonly PartitionOffset[]): Promise<boolean> {
    const { metrics, positions, commit, onCommitted, log, atomic } = this.#parts
    try {
      await metrics.time('commit', () => commit(membership, offsets))
      metrics.count('commits')
      positions.committed(offsets)
      onCommitted(offsets)
      return true
    } catch (error) {
      metrics.count('commits.failed')
      if (!(error instanceof UnavailableError)) throw error
      const rebalancing = error.code === 'kafka.rebalancing'
      log[rebalancing ? 'debug' : 'warn']('offsets could not be committed yet', { error: error.message })
      return rebalancing || !atomic
    }
  }

  /** What the sink lets be committed; undefined where it could not make it durable for now. */
  async #allowed(offsets: readonly PartitionOffset[]): Promise<readonly PartitionOffset[] | undefined> {
    const { pipeline, positions, log } = this.#parts
    try {
      await pipeline.flush()
      return positions.forward(allowedOffsets(offsets, await pipeline.preCommit(offsets), log))
    } catch (error) {
      if (!passes(error)) throw error
      log.warn('the sink cannot store for now; going back to what is committed', { error: error.message })
      return undefined
    }
  }
}
