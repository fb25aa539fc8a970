import { setTimeout as sleep } from 'node:timers/promises'
import { ConnectError, messageOf } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import type { SourceRecord } from '../../api/plugins.ts'
import { backOffMs } from '../../kafka/retry.ts'
import type { TransactionalProducer } from '../../kafka/transactions/transactional-producer.ts'
import type { SourcePipeline, PreparedPoll } from './source-pipeline.ts'
import type { SourcePosition } from './source-positions.ts'
import type { PollPiece, TransactionBoundary } from './transaction-boundary.ts'

/** A poll, or a piece of one, that is part of the open transaction. */
export interface SentPoll {
  readonly records: readonly SourceRecord[]
  readonly prepared: PreparedPoll
  /** Makes its positions committable. */
  readonly durable: () => void
}

export interface SourceTransactionsParts {
  readonly producer: Pick<TransactionalProducer, 'commit' | 'abort' | 'state'>
  readonly pipeline: Pick<SourcePipeline, 'deliver'>
  readonly boundary: TransactionBoundary
  /** Writes offsets as a part of the transaction. */
  readonly writeOffsets: (positions: readonly SourcePosition[]) => Promise<void>
  /** Where else offsets are kept, once they are committed. */
  readonly copyOffsets: (positions: readonly SourcePosition[]) => Promise<void>
  readonly log: Logger
  readonly signal: AbortSignal
}

/** What a transaction may hold before it ends whatever its interval says: it is sent again where it has to be aborted. */
const MOST_RECORDS = 10_000

/**
 * The transactions of a source task (KIP-618): records, dead letters and source offsets are committed together. What was
 * sent is kept until then: where an answer of Kafka did not come the transaction is aborted, and all of it sent again in the
 * next one, so that an outage costs no restart.
 */
export class SourceTransactions {
  readonly #parts: SourceTransactionsParts
  #polls: SentPoll[] = []
  #sending: Promise<unknown>[] = []
  #records = 0
  #began = 0
  /** The last send that failed; undefined where none did. */
  #failure: { readonly error: unknown } | undefined

  constructor(parts: SourceTransactionsParts) {
    this.#parts = parts
  }

  /** Whether the open transaction has to end, or cannot go on as it is. */
  get isDue(): boolean {
    return this.#polls.length > 0 && (this.#failure !== undefined || this.#isOver)
  }

  /** Whether a transaction may end between any two polls. */
  get endsAnywhere(): boolean {
    return this.#parts.boundary.kind !== 'connector'
  }

  /** Milliseconds until the open transaction is due by its interval. */
  get dueInMs(): number {
    const { boundary } = this.#parts
    if (boundary.kind !== 'interval' || this.#polls.length === 0) return Infinity
    return Math.max(0, this.#began + boundary.ms - performance.now())
  }

  /** What a poll brought, by the transactions it belongs to. */
  cut(records: readonly SourceRecord[]): readonly PollPiece[] {
    const { boundary } = this.#parts
    if (boundary.kind === 'connector') return boundary.requests.cut(records)
    return records.length === 0 ? [] : [{ records, end: undefined }]
  }

  /** Sends without waiting for the acknowledgement. */
  add(poll: SentPoll): void {
    if (this.#polls.length === 0) this.#began = performance.now()
    this.#polls.push(poll)
    this.#records += poll.records.length
    this.#send(poll)
  }

  /** What has to be done with a transaction that is due: it is committed, or only begun anew where its end is not yet. */
  async settle(positions: () => readonly SourcePosition[]): Promise<readonly SentPoll[]> {
    if (this.#isOver) return this.commit(positions)
    await this.#until(() => this.#sent())
    return []
  }

  /**
   * Commits what was sent, with the positions that are committable then. Repeats it where Kafka is away, until the task must
   * stop. FencedError where another task has taken over; TaskError where a record is not tolerated.
   */
  commit(positions: () => readonly SourcePosition[]): Promise<readonly SentPoll[]> {
    return this.#end(positions, () => this.#sent())
  }

  /** Drops what was sent, and commits its offsets all the same: the source said that it is not to be written. */
  abort(positions: () => readonly SourcePosition[]): Promise<readonly SentPoll[]> {
    return this.#end(positions, async () => {
      await Promise.all(this.#sending)
      await this.#parts.producer.abort()
    })
  }

  get #isOver(): boolean {
    const { boundary } = this.#parts
    if (boundary.kind === 'poll') return this.#polls.length > 0
    return boundary.kind === 'interval' && (this.dueInMs === 0 || this.#records >= MOST_RECORDS)
  }

  async #end(
    positions: () => readonly SourcePosition[],
    before: () => Promise<void>,
  ): Promise<readonly SentPoll[]> {
    const { writeOffsets, copyOffsets, producer, log } = this.#parts
    if (this.#polls.length === 0) return []
    let written: readonly SourcePosition[] = []
    await this.#until(async () => {
      await before()
      for (const { durable } of this.#polls) durable()
      written = positions()
      await writeOffsets(written)
      await producer.commit()
    })
    const polls = this.#polls
    this.#polls = []
    this.#sending = []
    this.#records = 0
    await copyOffsets(written).catch((error: unknown) =>
      log.warn('offsets were committed, and not copied to the workers’ topic', { error: messageOf(error) }),
    )
    return polls
  }

  #send({ prepared }: SentPoll): void {
    const { pipeline, signal } = this.#parts
    this.#sending.push(
      pipeline.deliver(prepared, signal).catch((error: unknown) => (this.#failure ??= { error })),
    )
  }

  /** All of it was acknowledged. */
  async #sent(): Promise<void> {
    await Promise.all(this.#sending)
    if (this.#failure !== undefined) throw this.#failure.error
  }

  /** Repeats a step, with the transaction begun anew in between. */
  async #until(step: () => Promise<void>): Promise<void> {
    const { log, signal } = this.#parts
    for (let failures = 0; ; failures++) {
      try {
        if (failures > 0) await this.#again()
        await step()
        return
      } catch (error) {
        if (signal.aborted || !this.#passes(error)) throw error
        log.warn('the transaction was not committed; sending it again', { error: messageOf(error) })
        await sleep(backOffMs(failures), undefined, { signal })
      }
    }
  }

  async #again(): Promise<void> {
    await Promise.all(this.#sending)
    await this.#parts.producer.abort()
    this.#sending = []
    this.#failure = undefined
    for (const poll of this.#polls) this.#send(poll)
  }

  /** Where it is not known whether a transaction was committed, the task has to begin where the offsets say. */
  #passes(error: unknown): boolean {
    const { state } = this.#parts.producer
    return error instanceof ConnectError && error.retriable && state !== 'new' && state !== 'fenced'
  }
}
