import { FencedError, messageOf, UnavailableError } from '../../api/errors.ts'
import type { TopicPartition } from '../../api/plugins.ts'
import { type PartitionOffset, Positions } from './positions.ts'
import { CommandLoop } from '../host/command-loop.ts'
import type { Membership, SuspectRows } from '../host/protocol.ts'
import { Intake } from './intake.ts'
import { OpenPartitions } from './open-partitions.ts'
import { flat, grouped, without } from './partitions.ts'
import { SinkCommits } from './sink-commits.ts'
import { type Ready, Rounds } from './rounds.ts'
import type { SinkTaskParts } from './sink-task-parts.ts'
import { SuspectChunks } from './suspect-chunks.ts'
import { comesAgain } from './troubles.ts'

/** How many rounds of fetched batches may wait for their acknowledgement while the next one is worked on. */
const MAX_ROUNDS_IN_FLIGHT = 3
/** How often a task that holds still looks whether it may go on. */
const OWNER_LOOK_MS = 200
/** How many chunks of batches that are taken apart make a round. */
const MOST_PIECES = 100

/**
 * The loop of a sink task: fetch, prepare, deliver, commit. Whatever comes from outside (assign, revoke, pause, stop)
 * is a command that runs between two rounds, so nothing ever happens in the middle of a batch. Not fetching is the
 * back-pressure.
 */
export class RunningSinkTask {
  readonly #parts: SinkTaskParts
  readonly #positions = new Positions()
  readonly #loop = new CommandLoop()
  readonly #rounds: Rounds
  readonly #ended: Promise<void>
  #membership: Membership | null = null
  /** Assigned, and the fetcher does not know yet where they begin; null where there are none. */
  #unplaced: readonly TopicPartition[] | null = null
  /** Aborted where the batch at work is of no use any more: what waits between two tries ends. */
  #interrupt = new AbortController()
  #paused: boolean
  #failed = false
  readonly #intake: Intake
  readonly #opened: OpenPartitions
  #suspects = new SuspectChunks([])
  readonly #commits: SinkCommits

  constructor(parts: SinkTaskParts, paused: boolean) {
    this.#parts = parts
    const { pipeline, requests, commit, metrics, log, transactions } = parts
    const [atomic, command] = [transactions !== undefined, this.#loop.command.bind(this.#loop)]
    const failed = (error: unknown): Promise<void> | void => this.#roundFailed(error)
    this.#rounds = new Rounds({ pipeline, transactions, metrics, failed, command })
    this.#opened = new OpenPartitions(pipeline, requests)
    this.#intake = new Intake(parts.fetcher, parts.puts)
    const onCommitted = (offsets: readonly PartitionOffset[]): void => this.#onCommitted(offsets)
    const positions = this.#positions
    this.#commits = new SinkCommits({ pipeline, positions, commit, onCommitted, metrics, log, atomic })
    metrics.follow(() =>
      positions.origins().map((each) => ({ ...each, endOffset: parts.fetcher.endOffset(each) })),
    )
    this.#paused = paused
    this.#ended = this.#loop.run(() => this.#next())
  }

  /**
   * The partitions of a new generation, and what is known of their rows. They replace what was assigned before; of a
   * cooperative member they only add to it, and what stays goes on (what is given up was revoked before).
   */
  assign(membership: Membership, suspects: readonly SuspectRows[] = []): Promise<void> {
    return this.#loop.command(async () => {
      const before = this.#membership
      this.#membership = membership
      this.#suspects = new SuspectChunks(suspects)
      if (membership.cooperative === true && before !== null) {
        const gone = without(this.#partitions, flat(membership.partitions))
        if (gone.length > 0) await this.#giveUp(membership)
        const coming = without(flat(membership.partitions), this.#partitions)
        if (coming.length > 0) this.#unplaced = [...(this.#unplaced ?? []), ...coming]
        return
      }
      this.#rounds.forget()
      await this.#abort()
      await this.#opened.close()
      this.#positions.clear()
      this.#unplaced = flat(membership.partitions)
    })
  }

  /** Finishes and commits what is in flight, then lets go of all partitions, or of all but those of `keep`. */
  revoke(keep?: Membership): Promise<void> {
    this.#interrupt.abort()
    return this.#loop.command(() =>
      keep === undefined || this.#membership === null ? this.#letGo(true) : this.#giveUp(keep),
    )
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
      if (this.#rounds.isDangling && this.#isAtWork()) await this.#comeAgain()
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
    if (this.#unplaced !== null && !(await this.#place(this.#unplaced))) return
    if (this.#commits.isDue(this.#parts.flushIntervalMs)) {
      await (this.#parts.transactions === undefined ? this.#commit() : this.#settleAndCommit())
      if (this.#unplaced !== null || !this.#isAtWork()) return
    }
    if (!this.#parts.isOwner()) {
      await this.#settleAndCommit()
      await this.#loop.woken(OWNER_LOOK_MS)
      return
    }
    if (this.#parts.requests.changed) await this.#move()
    const wait = this.#parts.puts.waitMs
    if (wait > 0) {
      await this.#loop.woken(Math.min(wait, this.#parts.flushIntervalMs))
      return
    }
    if (this.#rounds.size >= MAX_ROUNDS_IN_FLIGHT) {
      await this.#rounds.one(this.#loop.woken())
      return
    }
    if (this.#suspects.any && this.#rounds.size > 0) {
      // A further death then repeats nothing that has been delivered: the rows before it are committed.
      await this.#settleAndCommit()
      return
    }
    if (this.#intake.size === 0 && !(await this.#fetch())) return
    if (!this.#parts.isOwner()) return
    const prepared = await this.#prepare()
    if (prepared.length > 0 && !this.#parts.isOwner()) {
      // Its process, or its worker's, was stopped meanwhile, and others may have these records.
      await this.#settleAndCommit()
      if (this.#isAtWork()) await this.#comeAgain()
      return
    }
    if (prepared.length > 0) this.#rounds.deliver(prepared)
    if (prepared.at(-1)?.stop !== undefined) await this.#settleAndCommit()
  }

  /** False where a command is waiting, or a transaction is due to end, also where no more comes. */
  #fetch(): Promise<boolean> {
    const due = Math.max(1, this.#commits.dueIn(this.#parts.flushIntervalMs))
    const interrupted = this.#loop.woken(this.#rounds.isUnfinished ? due : Infinity)
    return this.#intake.fetch(interrupted, (batch) => this.#suspects.cut(batch))
  }

  /** Begins where the group has committed; false where Kafka does not say at the moment, and nothing else is read. */
  async #place(coming: readonly TopicPartition[]): Promise<boolean> {
    const membership = this.#membership
    if (membership === null) return false
    await this.#opened.open(coming)
    try {
      await this.#parts.transactions?.begin()
      const positions = await this.#parts.startAt({ ...membership, partitions: grouped(coming) })
      this.#onCommitted(positions)
      this.#positions.start(positions)
      if (without(this.#partitions, coming).length > 0) this.#parts.fetcher.add(positions)
      else await this.#move()
      this.#unplaced = null
    } catch (error) {
      if (!(error instanceof UnavailableError)) throw error
      this.#parts.log.warn('the committed offsets cannot be read; retrying', { error: error.message })
    }
    return this.#unplaced === null
  }

  /** Fetches anew, from where the positions and the sink say; what was fetched and not put is fetched again. */
  async #move(): Promise<void> {
    const { requests, fetcher } = this.#parts
    await this.#intake.discard()
    for (const seek of requests.takeSeeks()) this.#positions.seek(seek)
    fetcher.assign(this.#positions.next().filter((each) => !requests.isPaused(each)))
  }

  /** The chunks of one round: all that wait, unless batches were taken apart into many, or the sink refuses one. */
  async #prepare(): Promise<Ready[]> {
    const { requests } = this.#parts
    const ready: Ready[] = []
    if (requests.changed) return ready
    const most = this.#suspects.any ? MOST_PIECES : this.#intake.size
    await this.#intake.put(most, this.#interrupt.signal, ({ fetched }, prepared) => {
      const { topic, partition, nextOffset, topicId } = fetched
      ready.push({ ...prepared, durable: this.#positions.begin(topic, partition, nextOffset, topicId) })
      return !requests.changed
    })
    return ready
  }

  /** What was sent before a record that is not tolerated is committed; after anything else the transaction is aborted. */
  async #roundFailed(error: unknown): Promise<void> {
    if (!this.#rounds.isLost) {
      this.#fail(error)
      return
    }
    await this.#parts.transactions?.abort()
    await this.#rounds.settle() // others tell of the same trouble, and one may tell more
    const { trouble } = this.#rounds
    if (!comesAgain(trouble)) {
      this.#fail(trouble)
      return
    }
    this.#parts.log.warn('a transaction was aborted; its records come again', { error: messageOf(trouble) })
    await this.#comeAgain()
  }

  async #commit(): Promise<void> {
    const membership = this.#membership
    if (
      membership === null ||
      this.#rounds.isLost ||
      (await this.#commits.commit(membership)) ||
      this.#failed
    )
      return
    await this.#comeAgain()
  }

  /** What the sink was given and is not committed is fetched again. */
  async #comeAgain(): Promise<void> {
    if (this.#parts.transactions === undefined) {
      this.#positions.rewind()
      await this.#move()
      return
    }
    this.#rounds.forget()
    await this.#abort()
    await this.#intake.discard()
    this.#parts.fetcher.assign([])
    this.#unplaced = this.#partitions
  }

  /** Ends a transaction as if nothing had been sent: what is known of positions is of no use any more. */
  async #abort(): Promise<void> {
    if (this.#parts.transactions === undefined) return
    await this.#rounds.abort()
    this.#positions.clear()
  }

  /** A task that has failed leaves no transaction open: readers would wait for its end. */
  async #endTransaction(): Promise<void> {
    await this.#settleAndCommit()
    if (this.#rounds.isDangling) await this.#abort()
  }

  #onCommitted(offsets: readonly { topic: string; partition: number; offset: bigint | null }[]): void {
    const cleared = this.#suspects.clear(offsets)
    if (cleared.length > 0) this.#parts.onCleared(cleared)
  }

  /** Waits for all acknowledgements, then commits; also after a failure, for what was durable before it. */
  async #settleAndCommit(): Promise<void> {
    await this.#rounds.settle()
    await this.#commit().catch((error: unknown) => this.#fail(error))
  }

  async #letGo(commit: boolean): Promise<void> {
    if (commit) await this.#settleAndClose(this.#opened.all)
    await this.#opened.close().catch((error: unknown) => this.#fail(error))
    await this.#abort()
    this.#drop()
    await this.#intake.discard()
    this.#interrupt = new AbortController()
  }

  /**
   * Gives up the partitions that are not in `keep`: what is in flight of them is delivered, they are closed and committed,
   * under the generation of `keep`, and nothing of them is left behind. The others go on where they are.
   */
  async #giveUp(keep: Membership): Promise<void> {
    this.#membership = keep
    const gone = without(this.#partitions, flat(keep.partitions))
    this.#intake.skip(gone)
    const stored = await this.#settleAndClose(gone)
    await this.#opened.close(gone).catch((error: unknown) => this.#fail(error))
    this.#interrupt = new AbortController()
    this.#positions.forget(gone)
    this.#parts.requests.remove(gone)
    this.#unplaced = this.#unplaced && without(this.#unplaced, gone)
    // What the sink has forgotten may have been of the others too.
    if ((!stored || this.#rounds.isDangling) && this.#isAtWork()) await this.#comeAgain()
  }

  /** False where the sink could not store what it has. */
  async #settleAndClose(partitions: readonly TopicPartition[]): Promise<boolean> {
    await this.#rounds.settle()
    const membership = this.#membership
    if (membership === null) return true
    if (this.#rounds.isLost) return true // nothing can be committed
    const close = (): Promise<void> => this.#opened.close(partitions)
    return this.#commits.commit(membership, { partitions, close }).catch((error: unknown) => {
      this.#fail(error)
      return true
    })
  }

  /** All that are assigned, and not given up yet. */
  get #partitions(): readonly TopicPartition[] {
    const [opened, unplaced] = [this.#opened.all, this.#unplaced ?? []]
    return [...opened, ...without(unplaced, opened)]
  }

  /** A failure, or Kafka, may have ended its work while a method waited. */
  #isAtWork(): boolean {
    return this.#membership !== null && !this.#failed
  }

  #drop(): void {
    this.#membership = null
    this.#unplaced = null
    this.#parts.fetcher.assign([])
    this.#rounds.forget()
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
      void this.#loop.command(() => this.#abort())
      this.#parts.onFenced()
      return
    }
    this.#failed = true
    this.#parts.fetcher.assign([])
    if (this.#parts.transactions !== undefined) void this.#loop.command(() => this.#endTransaction())
    this.#parts.onFailed(error)
  }
}
