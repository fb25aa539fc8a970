import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { ConnectError, messageOf, TaskError } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import type { SourceRecord, SourceTask } from '../../api/plugins.ts'
import { backOffMs } from '../../kafka/retry.ts'
import { CommandLoop } from '../host/command-loop.ts'
import { WaitLog } from '../host/wait-log.ts'
import type { TaskMetrics } from '../host/task-metrics.ts'
import { IDLE, type Tell } from '../host/stage-tracker.ts'
import { offsetJson, requireSourceMap } from './offset-format.ts'
import { SourceCallbacks } from './source-callbacks.ts'
import type { PreparedPoll, SourcePipeline } from './source-pipeline.ts'
import type { SentPoll, SourceTransactions } from './source-transactions.ts'
import { type SourcePosition, SourcePositions } from './source-positions.ts'

/** How many polled records may wait for their acknowledgement before the task polls again, and how many polls. */
const MOST_RECORDS_IN_FLIGHT = 10_000
const MOST_POLLS_IN_FLIGHT = 100
/** A source that has nothing is asked again after this. */
const EMPTY_PAUSE_MS = 100
/** How often the worker is told that a poll still waits: it may wait for ever, but must not keep the process busy. */
const TELL_MS = 1000
/** How often a task that may have another owner looks whether it has none. */
const OWNER_LOOK_MS = 200
/** Of the time to stop: for a poll to notice, for what is in flight, and for the offsets. */
const SHARE = { poll: 0.2, delivery: 0.3, commit: 0.2 } as const

export interface SourceTaskParts {
  /** For errors: `Connector a, task 0`. */
  readonly who: string
  /** The source's class. */
  readonly plugin: string
  readonly source: SourceTask
  readonly pipeline: Pick<SourcePipeline, 'prepare' | 'deliver'>
  readonly commit: (positions: readonly SourcePosition[]) => Promise<void>
  /** Where records and offsets are written in transactions: then these commit. */
  readonly transactions?: SourceTransactions | undefined
  readonly flushIntervalMs: number
  /** How long `stop` may take, in milliseconds. */
  readonly stopTimeoutMs: number
  readonly log: Logger
  readonly at: Tell
  readonly onFailed: (error: unknown) => void
  /** Told what the task waits for, and null when that is over. */
  readonly onWaits: (reason: string | null) => void
  readonly metrics: TaskMetrics
  /** Aborted when the task must stop. */
  readonly stopping: AbortController
  /** Whether the task is surely nobody else's at the moment; while it is not, it polls nothing and commits nothing. */
  readonly isOwner: () => boolean
}

/**
 * The loop of a source task: poll, prepare, deliver, commit. Pause, resume and stop are commands that run between two
 * rounds. Not polling is the back-pressure.
 */
export class RunningSourceTask {
  readonly #parts: SourceTaskParts
  readonly #positions = new SourcePositions()
  readonly #loop = new CommandLoop()
  readonly #rounds = new Set<Promise<void>>()
  readonly #ended: Promise<void>
  readonly #stopped: Promise<void>
  readonly #wait: WaitLog
  readonly #callbacks: SourceCallbacks
  #polling: Promise<readonly SourceRecord[]> | null = null
  #committing: Promise<void> | null = null
  #inFlight = 0
  #failures = 0
  #paused: boolean
  #failed = false
  #lost = false
  #holds = false
  #lastCommit = performance.now()

  constructor(parts: SourceTaskParts, paused: boolean) {
    this.#parts = parts
    this.#paused = paused
    this.#callbacks = new SourceCallbacks(parts)
    this.#wait = new WaitLog({ log: parts.log, tell: parts.onWaits })
    this.#stopped = new Promise((resolve) =>
      parts.stopping.signal.addEventListener('abort', () => resolve(), { once: true }),
    )
    this.#ended = this.#loop.run(() => this.#next())
  }

  /** What is in flight goes on, and is committed. */
  pause(): Promise<void> {
    return this.#loop.command(() => {
      this.#paused = true
    })
  }

  resume(): Promise<void> {
    return this.#loop.command(() => {
      this.#paused = false
    })
  }

  /** Waits a while for what is in flight, commits what is durable, and ends the loop. */
  async stop(): Promise<void> {
    const { stopping, stopTimeoutMs } = this.#parts
    stopping.abort()
    await this.#loop.command(async () => {
      this.#loop.end()
      // A poll that does not notice is left behind: what it brings is polled again by the next task.
      const left = this.#polling?.catch(() => undefined) ?? Promise.resolve(undefined)
      await Promise.race([left, pause(stopTimeoutMs * SHARE.poll)])
      await Promise.race([Promise.all(this.#rounds), pause(stopTimeoutMs * SHARE.delivery)])
      const last = this.#parts.transactions === undefined ? this.#commitAll() : this.#endLast()
      await Promise.race([last, pause(stopTimeoutMs * SHARE.commit)])
    })
    await this.#ended
    await this.#callbacks.stop()
  }

  /** Somebody else runs the task: nothing is committed any more. */
  lost(): void {
    this.#lost = true
    this.#parts.stopping.abort()
  }

  #next(): Promise<unknown> {
    if (this.#paused || this.#failed) return this.#idle()
    if (!this.#isOwner()) return this.#loop.woken(OWNER_LOOK_MS)
    return this.#round().catch((error: unknown) => this.#fail(error))
  }

  async #idle(): Promise<void> {
    const { transactions } = this.#parts
    if (transactions === undefined || this.#failed) {
      await this.#loop.woken(this.#parts.flushIntervalMs)
      if (transactions === undefined) void this.#commit()
      return
    }
    await this.#endLast()
    await this.#loop.woken()
  }

  /** Invariant 4: a task that may have another owner holds still. */
  #isOwner(): boolean {
    const isOwner = !this.#lost && this.#parts.isOwner()
    if (this.#holds && isOwner) this.#wait.over()
    if (!isOwner) this.#wait.waits('waiting for the worker to be heard of by its group')
    this.#holds = !isOwner
    return isOwner
  }

  async #round(): Promise<void> {
    const { transactions } = this.#parts
    if (transactions?.isDue === true) {
      await this.#tellCommitted(await transactions.settle(() => this.#positions.committable()))
      return
    }
    const wait = this.#loop.woken(this.#untilCommit())
    if (this.#inFlight >= MOST_RECORDS_IN_FLIGHT || this.#rounds.size >= MOST_POLLS_IN_FLIGHT) {
      await Promise.race([...this.#rounds, wait])
      return
    }
    this.#polling ??= this.#poll()
    const records = await Promise.race([this.#polling, wait])
    if (records === undefined || !this.#isOwner()) return // what was polled waits until it is
    this.#polling = null
    await nextTurn() // a source that always has records at once leaves room for everybody else
    if (transactions !== undefined) {
      await this.#addTo(transactions, records)
      return
    }
    if (records.length === 0) return
    const prepared = await this.#prepare(records)
    if (prepared !== undefined) this.#deliver(records, prepared)
  }

  /** Milliseconds until there is something to commit; begins the commit that is due where there are no transactions. */
  #untilCommit(): number {
    const { transactions, flushIntervalMs } = this.#parts
    if (transactions !== undefined) return Math.min(transactions.dueInMs, flushIntervalMs)
    if (performance.now() - this.#lastCommit >= flushIntervalMs) void this.#commit()
    return this.#lastCommit + flushIntervalMs - performance.now()
  }

  /** A poll, in pieces where the source ends transactions within it. */
  async #addTo(transactions: SourceTransactions, records: readonly SourceRecord[]): Promise<void> {
    for (const piece of transactions.cut(records)) {
      const prepared = await this.#prepare(piece.records)
      if (prepared === undefined) return
      transactions.add({ records: piece.records, prepared, durable: this.#begin(piece.records) })
      if (piece.end === undefined) continue
      if (!this.#isOwner()) return // what is not committed is read again by whoever runs it now
      const committed = await transactions[piece.end](() => this.#positions.committable())
      await this.#tellCommitted(committed, piece.end === 'commit')
    }
  }

  /** A transaction was committed. */
  async #tellCommitted(polls: readonly SentPoll[], delivered = true): Promise<void> {
    if (polls.length === 0) return
    const { metrics } = this.#parts
    metrics.count('commits')
    this.#positions.committed(this.#positions.committable())
    for (const { records, prepared } of polls) {
      if (delivered) metrics.count('records.sent', prepared.batch.states.live)
      await this.#callbacks.records(records, prepared, delivered)
    }
    await this.#callbacks.committed()
  }

  /** Before the task rests or ends. A source that ends its transactions itself has not ended this one. */
  async #endLast(): Promise<void> {
    const { transactions } = this.#parts
    if (transactions === undefined || !transactions.endsAnywhere || this.#failed || !this.#isOwner()) return
    try {
      await this.#tellCommitted(await transactions.commit(() => this.#positions.committable()))
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Never rejects with a retriable error: those are followed by a pause, and nothing polled. */
  async #poll(): Promise<readonly SourceRecord[]> {
    const began = performance.now()
    try {
      const records = await this.#polled()
      this.#failures = 0
      this.#wait.over()
      const left = EMPTY_PAUSE_MS - (performance.now() - began)
      if (records.length === 0 && left > 0) await pause(left)
      return records
    } catch (error) {
      if (this.#parts.stopping.signal.aborted) return []
      const { plugin, who } = this.#parts
      if (!(error instanceof ConnectError && error.retriable)) {
        if (error instanceof ConnectError) throw error
        throw new TaskError('task.failed', `${who}: poll threw: ${messageOf(error)}`, {
          cause: error,
          plugin,
        })
      }
      this.#wait.waits(`waiting for the source: ${error.message}`)
      await pause(backOffMs(this.#failures++), this.#parts.stopping.signal)
      return []
    }
  }

  /** While a poll waits, the worker hears so each second; where the process is kept busy instead, the deadline counts. */
  async #polled(): Promise<readonly SourceRecord[]> {
    const { source, at, who, metrics } = this.#parts
    await at('poll')
    const telling = setInterval(() => void at('poll'), TELL_MS)
    try {
      const records: unknown = await metrics.time('poll', () => source.poll())
      if (records === null || records === undefined) return []
      if (!Array.isArray(records)) throw new TaskError('task.failed', `${who}: poll returned no array.`)
      for (const record of records as readonly SourceRecord[]) {
        requireSourceMap(record.sourcePartition, `${who}: the source partition of a record`)
        requireSourceMap(
          record.sourceOffset,
          `${who}: the source offset of a record of ${offsetJson(record.sourcePartition)}`,
        )
      }
      metrics.count('records.read', records.length)
      return records as readonly SourceRecord[]
    } finally {
      clearInterval(telling)
      void at(IDLE)
    }
  }

  /** Undefined where the task is to stop meanwhile. */
  async #prepare(records: readonly SourceRecord[]): Promise<PreparedPoll | undefined> {
    const { pipeline, stopping, stopTimeoutMs } = this.#parts
    const left = this.#stopped.then(() => pause(stopTimeoutMs * SHARE.poll))
    try {
      return (await Promise.race([pipeline.prepare(records, stopping.signal), left])) ?? undefined
    } catch (error) {
      if (stopping.signal.aborted) return undefined
      throw error
    }
  }

  /** Sends without waiting for the acknowledgement. */
  #deliver(records: readonly SourceRecord[], prepared: PreparedPoll): void {
    const { pipeline, metrics, stopping } = this.#parts
    const durable = this.#begin(records)
    this.#inFlight += records.length
    const round = pipeline
      .deliver(prepared, stopping.signal)
      .then(async () => {
        await this.#callbacks.records(records, prepared, true)
        durable()
        metrics.count('records.sent', prepared.batch.states.live)
      })
      .catch((error: unknown) => this.#fail(error))
      .then(() => {
        this.#inFlight -= records.length
        this.#rounds.delete(round)
      })
    this.#rounds.add(round)
  }

  /** The returned function makes their positions committable. */
  #begin(records: readonly SourceRecord[]): () => void {
    const positions = records.map(({ sourcePartition, sourceOffset }) => {
      return { partition: sourcePartition, offset: sourceOffset }
    })
    return this.#positions.begin(positions)
  }

  /** Invariant 1: only what is durable is committed. One at a time; never rejects. */
  #commit(): Promise<void> {
    this.#lastCommit = performance.now()
    this.#committing ??= this.#commitDurable().finally(() => (this.#committing = null))
    return this.#committing
  }

  async #commitAll(): Promise<void> {
    await this.#committing
    await this.#commit()
  }

  async #commitDurable(): Promise<void> {
    if (!this.#isOwner()) return
    const positions = this.#positions.committable()
    if (positions.length > 0 && !(await this.#write(positions))) return
    await this.#callbacks.committed()
  }

  /** False where the offsets could not be written: they are tried again at the next interval, as in Kafka Connect. */
  async #write(positions: readonly SourcePosition[]): Promise<boolean> {
    const { commit, log, metrics } = this.#parts
    try {
      await metrics.time('commit', () => commit(positions))
    } catch (error) {
      metrics.count('commits.failed')
      log.error('offsets could not be committed; trying again at the next flush', { error: messageOf(error) })
      return false
    }
    metrics.count('commits')
    this.#positions.committed(positions)
    return true
  }

  #fail(error: unknown): void {
    if (this.#failed) return
    this.#failed = true
    this.#parts.onFailed(error)
  }
}

/** A wait that an abort ends early. */
async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { ref: false, ...(signal === undefined ? {} : { signal }) }).catch(
    () => undefined,
  )
}
