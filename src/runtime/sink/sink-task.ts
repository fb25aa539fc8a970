import type { Fetcher, StartPosition } from '../../kafka/fetch/fetch.ts'
import type { FetchedBatch } from '../../kafka/record-batches/records.ts'
import { FencedError, messageOf, UnavailableError } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import type { TopicPartition } from '../../api/plugins.ts'
import { type PartitionOffset, Positions } from './positions.ts'
import { CommandLoop } from '../host/command-loop.ts'
import type { Membership, SuspectRows } from '../host/protocol.ts'
import type { TaskMetrics } from '../host/task-metrics.ts'
import { allowedOffsets } from './allowed-offsets.ts'
import type { Puts } from './puts.ts'
import { passes, type Prepared, type SinkPipeline } from './sink-pipeline.ts'
import type { SinkRequests } from './sink-requests.ts'
import { type Chunk, SuspectChunks } from './suspect-chunks.ts'

/** How many rounds of fetched batches may wait for their acknowledgement while the next one is worked on. */
const MAX_ROUNDS_IN_FLIGHT = 3
/** How many chunks of batches that are taken apart make a round. */
const MOST_PIECES = 100

export interface SinkTaskParts {
  readonly pipeline: SinkPipeline
  readonly fetcher: Fetcher
  readonly requests: SinkRequests
  readonly puts: Puts
  readonly flushIntervalMs: number
  readonly log: Logger
  /** Where each assigned partition goes on; null where nothing was committed. Tries for a while before it throws. */
  readonly startAt: (membership: Membership) => Promise<readonly StartPosition[]>
  readonly commit: (membership: Membership, offsets: readonly PartitionOffset[]) => Promise<void>
  readonly onFailed: (error: unknown) => void
  /** The task has let go of its partitions and waits to be assigned anew. */
  readonly onFenced: () => void
  /** Suspect rows before these offsets are done with. */
  readonly onCleared: (offsets: readonly PartitionOffset[]) => void
  readonly metrics: TaskMetrics
  /** Aborted when the task must stop. */
  readonly stopping: AbortController
}

type Ready = Prepared & { readonly durable: (before?: bigint) => void }

/**
 * The loop of a sink task: fetch, prepare, deliver, commit. Whatever comes from outside (assign, revoke, pause, stop)
 * is a command that runs between two rounds, so nothing ever happens in the middle of a batch. Not fetching is the
 * back-pressure.
 */
export class RunningSinkTask {
  readonly #parts: SinkTaskParts
  readonly #positions = new Positions()
  readonly #loop = new CommandLoop()
  readonly #rounds = new Set<Promise<void>>()
  readonly #ended: Promise<void>
  #membership: Membership | null = null
  /** Whether the fetcher knows where the partitions of the membership begin. */
  #placed = false
  /** Aborted where the batch at work is of no use any more: what waits between two tries ends. */
  #interrupt = new AbortController()
  #paused: boolean
  #failed = false
  #fetching: Promise<readonly FetchedBatch[]> | null = null
  /** Fetched, and not yet put. */
  #waiting: Chunk[] = []
  /** The partitions that the sink has open. */
  #opened: readonly TopicPartition[] | null = null
  #suspects = new SuspectChunks([])
  #lastCommit = performance.now()

  constructor(parts: SinkTaskParts, paused: boolean) {
    this.#parts = parts
    this.#paused = paused
    this.#ended = this.#loop.run(() => this.#next())
  }

  /** The partitions of a new generation, and what is known of their rows; replaces what was assigned before. */
  assign(membership: Membership, suspects: readonly SuspectRows[] = []): Promise<void> {
    return this.#loop.command(async () => {
      await this.#close()
      this.#positions.clear()
      this.#suspects = new SuspectChunks(suspects)
      this.#membership = membership
      this.#placed = false
    })
  }

  /** Finishes and commits what is in flight, then lets go of all partitions. */
  revoke(): Promise<void> {
    this.#interrupt.abort()
    return this.#loop.command(() => this.#letGo(true))
  }

  /** Invariant 4: the membership was lost, so somebody else owns the partitions. Nothing is committed. */
  lost(): Promise<void> {
    this.#interrupt.abort()
    return this.#loop.command(() => this.#letGo(false))
  }

  pause(): Promise<void> {
    this.#interrupt.abort()
    return this.#loop.command(async () => {
      this.#paused = true
      await this.#settleAndCommit()
      this.#interrupt = new AbortController()
    })
  }

  resume(): Promise<void> {
    return this.#loop.command(() => {
      this.#paused = false
    })
  }

  /** Finishes, commits, and ends the loop. */
  async stop(): Promise<void> {
    this.#parts.stopping.abort()
    this.#interrupt.abort()
    await this.#loop.command(async () => {
      await this.#letGo(true)
      this.#loop.end()
    })
    await this.#ended
    await this.#parts.pipeline.stop()
  }

  /** After a failure commands still run, so that a failed task can be stopped. */
  #next(): Promise<unknown> {
    if (this.#membership === null || this.#paused || this.#failed) return this.#loop.woken()
    return this.#round().catch((error: unknown) => this.#fail(error))
  }

  async #round(): Promise<void> {
    if (!this.#placed && !(await this.#place())) return
    if (performance.now() - this.#lastCommit >= this.#parts.flushIntervalMs) await this.#commit()
    if (this.#parts.requests.changed) await this.#move()
    const wait = this.#parts.puts.waitMs
    if (wait > 0) {
      await this.#loop.woken(Math.min(wait, this.#parts.flushIntervalMs))
      return
    }
    if (this.#rounds.size >= MAX_ROUNDS_IN_FLIGHT) {
      await Promise.race([...this.#rounds, this.#loop.woken()])
      return
    }
    if (this.#suspects.any && this.#rounds.size > 0) {
      // A further death then repeats nothing that has been delivered: the rows before it are committed.
      await this.#settleAndCommit()
      return
    }
    if (this.#waiting.length === 0 && !(await this.#fetch())) return
    const prepared = await this.#prepare()
    if (prepared.length > 0) this.#deliver(prepared)
    if (prepared.at(-1)?.stop !== undefined) await this.#settleAndCommit()
  }

  /** False where a command is waiting: the fetch goes on meanwhile. */
  async #fetch(): Promise<boolean> {
    this.#fetching ??= this.#parts.fetcher.next()
    const batches = await Promise.race([this.#fetching, this.#loop.woken()])
    if (batches === undefined) return false
    this.#fetching = null
    this.#waiting = batches.flatMap((fetched) => this.#suspects.cut(fetched))
    return true
  }

  /** Begins where the group has committed; false where Kafka does not say at the moment. */
  async #place(): Promise<boolean> {
    const membership = this.#membership
    if (membership === null) return false
    await this.#open(membership)
    try {
      const positions = await this.#parts.startAt(membership)
      this.#clear(positions)
      this.#positions.start(positions)
      await this.#move()
      this.#placed = true
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error
      this.#parts.log.warn('the committed offsets cannot be read; trying on', { error: error.message })
    }
    return this.#placed
  }

  async #open({ partitions }: Membership): Promise<void> {
    if (this.#opened !== null) return
    this.#opened = partitions.flatMap(({ topic, partitions: numbers }) =>
      numbers.map((partition) => ({ topic, partition })),
    )
    this.#parts.requests.assign(this.#opened)
    await this.#parts.pipeline.open(this.#opened)
  }

  async #close(): Promise<void> {
    const opened = this.#opened
    this.#opened = null
    if (opened !== null) await this.#parts.pipeline.close(opened)
  }

  /** Fetches anew, from where the positions and the sink say; what was fetched and not put is fetched again. */
  async #move(): Promise<void> {
    const { requests, fetcher } = this.#parts
    await this.#discardFetch()
    for (const seek of requests.takeSeeks()) this.#positions.seek(seek)
    fetcher.assign(this.#positions.next().filter((each) => !requests.isPaused(each)))
  }

  /** The chunks of one round: all that wait, unless batches were taken apart into many, or the sink refuses one. */
  async #prepare(): Promise<Ready[]> {
    const { signal } = this.#interrupt
    const prepared: Ready[] = []
    const most = this.#suspects.any ? MOST_PIECES : this.#waiting.length
    try {
      for (const chunk of this.#waiting.slice(0, most)) {
        if (signal.aborted || this.#parts.requests.changed) break // it is read again
        const ready = await this.#parts.puts.put(chunk, signal)
        if (ready === undefined) break
        this.#waiting.shift()
        const { topic, partition, nextOffset, topicId } = chunk.fetched
        prepared.push({ ...ready, durable: this.#positions.begin(topic, partition, nextOffset, topicId) })
        if (ready.stop !== undefined) break
      }
    } catch (error) {
      if (!signal.aborted) throw error
    }
    return prepared
  }

  /** Sends a round's batches together, without waiting for their acknowledgement. */
  #deliver(prepared: readonly Ready[]): void {
    const sent = prepared.map(async (each) => {
      const stop = await this.#parts.pipeline.deliver(each)
      each.durable(stop?.offset)
      this.#parts.metrics.count('records.read', each.batch.length)
      if (stop !== undefined) throw stop.error
    })
    const membership = this.#membership
    const round = Promise.all(sent)
      .then(
        () => undefined,
        (error: unknown) => {
          // What was sent for partitions that are gone is read again by their next owner.
          const fail = (): void => {
            if (this.#membership === membership) this.#fail(error)
          }
          void this.#loop.command(fail)
        },
      )
      .then(() => void this.#rounds.delete(round))
    this.#rounds.add(round)
  }

  /**
   * Invariant 1: only what is durable, here and (after flush) outside, is committed, and no more than the sink allows.
   * `closing`: the partitions are given away, and closed before the commit, as in Kafka Connect.
   */
  async #commit(closing = false): Promise<void> {
    const offsets = this.#positions.committable()
    this.#lastCommit = performance.now()
    const membership = this.#membership
    if (offsets.length === 0 || membership === null) return
    const allowed = await this.#allowed(offsets, closing)
    if (closing) await this.#close()
    const { metrics } = this.#parts
    if (allowed.length === 0) {
      metrics.count('commits.skipped')
      return
    }
    try {
      await metrics.time('commit', () => this.#parts.commit(membership, allowed))
      metrics.count('commits')
      this.#positions.committed(allowed)
      this.#clear(allowed)
    } catch (error) {
      metrics.count('commits.failed')
      if (!(error instanceof UnavailableError)) throw error
      this.#parts.log.warn('offsets could not be committed yet', { error: error.message })
    }
  }

  /** What the sink lets be committed; nothing where it could not make it durable for now: then all of it comes again. */
  async #allowed(offsets: readonly PartitionOffset[], closing: boolean): Promise<readonly PartitionOffset[]> {
    const { pipeline, log } = this.#parts
    try {
      await pipeline.flush()
      const allowed = allowedOffsets(offsets, await pipeline.preCommit(offsets), log)
      return this.#positions.forward(allowed)
    } catch (error) {
      if (!passes(error)) throw error
      log.warn('the sink cannot store for now; going back to what is committed', { error: error.message })
      if (closing || this.#failed) return []
      this.#positions.rewind()
      await this.#move()
      return []
    }
  }

  #clear(committed: readonly { topic: string; partition: number; offset: bigint | null }[]): void {
    const cleared = this.#suspects.clear(committed)
    if (cleared.length > 0) this.#parts.onCleared(cleared)
  }

  /** Waits for all acknowledgements, then commits; also after a failure, for what was durable before it. */
  async #settleAndCommit(closing = false): Promise<void> {
    await Promise.all(this.#rounds)
    await this.#commit(closing).catch((error: unknown) => this.#fail(error))
  }

  async #letGo(commit: boolean): Promise<void> {
    if (commit) await this.#settleAndCommit(true)
    await this.#close().catch((error: unknown) => this.#fail(error))
    this.#drop()
    await this.#discardFetch()
    this.#interrupt = new AbortController()
  }

  /** What is on its way belongs to an earlier assignment. */
  async #discardFetch(): Promise<void> {
    await this.#fetching?.catch(() => undefined)
    this.#fetching = null
    this.#waiting = []
    this.#parts.puts.forget()
  }

  #drop(): void {
    this.#membership = null
    this.#parts.fetcher.assign([])
    this.#rounds.clear()
    this.#positions.clear()
  }

  #fail(error: unknown): void {
    if (this.#failed) return
    // Invariant 4: a fenced owner stops and never retries; the worker joins the group anew. So it does after Kafka was
    // away for longer than a delivery is tried: what is committed is where to go on, however long it took.
    const away = error instanceof UnavailableError && error.code.startsWith('kafka.')
    if (error instanceof FencedError || away) {
      this.#parts.log.warn('this task lets go of its partitions and joins its group again', {
        error: messageOf(error),
      })
      this.#drop()
      this.#parts.onFenced()
      return
    }
    this.#failed = true
    this.#parts.fetcher.assign([])
    this.#parts.onFailed(error)
  }
}
