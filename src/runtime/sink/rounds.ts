import type { TaskMetrics } from '../host/task-metrics.ts'
import type { Transactions } from '../delivery/delivery.ts'
import type { Prepared, SinkPipeline } from './sink-pipeline.ts'
import { gravest, RefusedLate } from './troubles.ts'

/** Prepared, and what says how much of it is durable. */
export type Ready = Prepared & { readonly durable: (before?: bigint) => void }

export interface RoundsParts {
  readonly pipeline: Pick<SinkPipeline, 'deliver'>
  readonly transactions: Transactions | undefined
  readonly metrics: TaskMetrics
  /** A round of the present tenure has failed; called between two rounds of the loop. */
  readonly failed: (error: unknown) => Promise<void> | void
  /** Runs something between two rounds of the loop. */
  readonly command: (run: () => Promise<void> | void) => Promise<void>
}

/** What was sent and is not acknowledged yet, round by round, and the transaction that it is part of, if there is one. */
export class Rounds {
  readonly #parts: RoundsParts
  readonly #inFlight = new Set<Promise<void>>()
  /** What rounds of the open transaction have failed with: it can only be aborted. */
  #troubles: unknown[] = []
  /** Goes up whenever all partitions are let go: what was sent before concerns nobody any more. */
  #tenure = 0

  constructor(parts: RoundsParts) {
    this.#parts = parts
  }

  get size(): number {
    return this.#inFlight.size
  }

  /** Whether something of a transaction is neither committed nor aborted. */
  get isDangling(): boolean {
    return this.isLost || this.#parts.transactions?.isOpen === true
  }

  /** Whether readers wait for the end of a transaction. */
  get isUnfinished(): boolean {
    return this.#parts.transactions !== undefined && (this.size > 0 || this.isDangling)
  }

  /** Whether the transaction can only be aborted. */
  get isLost(): boolean {
    return this.#troubles.length > 0
  }

  /** What the transaction is lost for; undefined where it is not. */
  get trouble(): unknown {
    return gravest(this.#troubles)
  }

  /** Sends a round's batches together, without waiting for their acknowledgement. */
  deliver(prepared: readonly Ready[]): void {
    const { pipeline, metrics, transactions } = this.#parts
    const sent = prepared.map(async (each) => {
      const stop = await pipeline.deliver(each)
      if (stop?.late === true && transactions !== undefined) throw new RefusedLate(stop)
      each.durable(stop?.offset)
      metrics.count('records.read', each.batch.length)
      if (stop !== undefined) throw stop.error
    })
    const tenure = this.#tenure
    const round = Promise.all(sent)
      .then(
        () => undefined,
        (error: unknown) => this.#failed(error, prepared, tenure),
      )
      .then(() => void this.#inFlight.delete(round))
    this.#inFlight.add(round)
  }

  #failed(error: unknown, prepared: readonly Ready[], tenure: number): void {
    // What was sent for partitions that are gone is read again by their next owner.
    if (this.#tenure !== tenure) return
    const isStop = prepared.some(({ stop }) => stop?.error === error)
    if (this.#parts.transactions !== undefined && !isStop) this.#troubles.push(error)
    void this.#parts.command(() => (this.#tenure === tenure ? this.#parts.failed(error) : undefined))
  }

  async settle(): Promise<void> {
    await Promise.all(this.#inFlight)
  }

  /** Resolves when a round was acknowledged, or with `other`. */
  async one(other: Promise<unknown>): Promise<void> {
    await Promise.race([...this.#inFlight, other])
  }

  /** What is in flight concerns nobody any more. */
  forget(): void {
    this.#tenure++
    // What is part of a transaction is waited for: it must not get into the next one.
    if (this.#parts.transactions === undefined) this.#inFlight.clear()
  }

  /** Ends a transaction as if nothing of it had been sent. Nothing is in flight when it resolves. */
  async abort(): Promise<void> {
    await this.#parts.transactions?.abort()
    await this.settle()
    this.#troubles = []
  }
}
