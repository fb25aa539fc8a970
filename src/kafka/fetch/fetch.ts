import { ConnectError, TaskError } from '../../api/errors.ts'
import { askOffsets, type TopicPartition } from '../admin.ts'
import type { KafkaClient } from '../client.ts'
import { chooseApi } from '../connections.ts'
import { brokerError, errorName, isRetriableCode, kafkaError } from '../errors.ts'
import { NO_TOPIC_ID } from '../metadata-api.ts'
import { type FetchPosition, fetchV12, fetchV13, named, type PartitionAnswer } from './fetch-api.ts'
import { FetchPositions, type Position, type StartPosition } from './fetch-positions.ts'
import { leaderless, noOffset } from './fetch-errors.ts'
import { type LongPoll, LongPolls } from './long-polls.ts'
import { startingPoint } from './offset-reset.ts'
import type { FetcherOptions } from './fetcher-options.ts'
import { decodePartition } from '../record-batches/record-batch-decode.ts'
import { emptyBatch, type FetchedBatch } from '../record-batches/records.ts'

export type { StartPosition } from './fetch-positions.ts'
export type { FetchedBatch } from '../record-batches/records.ts'

/** What one broker answered to one request, until `next` takes it. */
interface Arrival {
  readonly leader: number
  readonly asked: ReadonlyMap<string, bigint>
  readonly partitions: readonly PartitionAnswer[]
}

const MIB = 1 << 20
const COMPLAIN_EVERY_MS = 30_000
const RECHECK_MS = 50
const OFFSET_OUT_OF_RANGE = 1
const FETCH_TIMEOUT_MS = 40_000
let fetchers = 0

/**
 * Reads partitions, one batch per partition at a time. One request per broker asks for all of its partitions; when
 * `next` returns, the next request is already on its way. Back-pressure: as long as `next` is not called, at most one
 * answer per broker waits. A partition in which nothing happens costs a request each five seconds; what comes is answered at
 * once all the same. What a new leader, a lost connection or a missing topic causes is waited out, with a
 * warning; `next` throws only what waiting does not fix.
 */
export class Fetcher {
  readonly #client: KafkaClient
  readonly #options: Required<Omit<FetcherOptions, 'purpose'>>
  readonly #purpose: string
  #positions = new FetchPositions([], 0)
  /** Brokers with a request on its way, or an answer that was not taken. A new set with each assignment. */
  #busy = new Set<number>()
  readonly #polls: LongPolls
  #arrived: Arrival[] = []
  /** Where partitions begin for which the reset policy had to be asked; `next` gives them out as batches without rows. */
  #found: FetchedBatch[] = []
  #preparing: Promise<void> | null = null
  #failure: ConnectError | null = null
  #wake: () => void = () => undefined
  #complainedAt = -Infinity
  #closed = false

  constructor(client: KafkaClient, options: FetcherOptions) {
    this.#client = client
    this.#purpose = options.purpose ?? `fetch-${++fetchers}`
    this.#options = {
      maxWaitMs: 500,
      minBytes: 1,
      maxBytes: 16 * MIB,
      maxPartitionBytes: MIB,
      maxInflatedBytes: 64 * MIB,
      ...options,
    }
    this.#polls = new LongPolls(this.#options.maxWaitMs)
  }

  /** Replaces what is read. What was fetched under an earlier assignment and not yet returned is dropped. */
  assign(positions: readonly StartPosition[]): void {
    this.#interrupt()
    this.#positions = new FetchPositions(positions, this.#options.maxPartitionBytes)
    this.#busy = new Set()
    this.#arrived = []
    this.#found = []
    this.#failure = null
    this.#preparing = null
    this.#wake()
  }

  /** Reads these too; what is on its way of the others goes on. */
  add(positions: readonly StartPosition[]): void {
    this.#interrupt()
    this.#positions.add(positions, this.#options.maxPartitionBytes)
    this.#wake()
  }

  /** Reads these no longer; what `next` has given of them and was not looked at yet is no longer current. */
  remove(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) this.#positions.delete(partition)
    this.#found = this.#found.filter((batch) => this.#positions.get(batch) !== undefined)
  }

  /** Whether a batch of the last `next` is still what comes next: its partition was neither removed nor began anew. */
  isCurrent(batch: FetchedBatch): boolean {
    return this.#positions.get(batch)?.offset === batch.nextOffset
  }

  /** Where what can be read of a partition ended when a broker answered last; null where none did yet. */
  endOffset(partition: TopicPartition): bigint | null {
    return this.#positions.get(partition)?.endOffset ?? null
  }

  /**
   * The next batches, at most one per partition; none where nothing came in `maxWaitMs`. A batch may have no rows,
   * only a new `nextOffset`: a position that the reset policy found is one too, because it must be committed, or a
   * restart would find another. Throws TaskError: a corrupt batch, no offset under reset `none`, no permission.
   */
  async next(): Promise<FetchedBatch[]> {
    if (this.#isClosed()) throw new TaskError('task.failed', 'The fetcher was closed')
    const deadline = performance.now() + this.#options.maxWaitMs
    for (;;) {
      this.#throwFailure()
      this.#launch()
      const batches = this.#take()
      if (batches.length > 0) {
        this.#launch()
        return batches
      }
      this.#throwFailure()
      const left = deadline - performance.now()
      if (left <= 0) return []
      await this.#woken(this.#positions.anyWaiting() ? Math.min(left, RECHECK_MS) : left)
      if (this.#isClosed()) return []
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#wake()
    await this.#client.disconnect(this.#purpose)
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure
  }

  #isClosed(): boolean {
    return this.#closed
  }

  /** Ends what a broker may still keep for long: there is something else to ask, and it answers one after the other. */
  #interrupt(): void {
    const free = this.#polls.interrupt()
    for (const leader of free) this.#busy.delete(leader)
    if (free.length > 0) void this.#client.disconnect(this.#purpose)
  }

  async #woken(timeoutMs: number): Promise<void> {
    if (this.#arrived.length > 0 || this.#found.length > 0) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
    this.#wake = () => undefined
  }

  /** Sends a request to every idle broker that leads a partition whose turn it is. */
  #launch(): void {
    const { ready, unprepared } = this.#positions.due((p) => this.#client.cachedLeader(p.topic, p.partition))
    if (unprepared.length > 0) this.#preparing ??= this.#prepare(unprepared, this.#positions)
    for (const [leader, positions] of ready) {
      if (!this.#busy.has(leader)) void this.#request(leader, positions)
    }
  }

  async #request(leader: number, due: readonly Position[]): Promise<void> {
    const positions = this.#positions
    const busy = this.#busy
    const poll = this.#polls.begin(leader)
    busy.add(leader)
    try {
      const asked: FetchPosition[] = due.map((p) => ({ ...p, offset: p.offset ?? 0n }))
      const partitions = await this.#fetch(poll, asked)
      if (positions !== this.#positions || this.#polls.isDropped(poll)) return // assigned anew meanwhile: stale
      this.#polls.answered(partitions.every(({ error, bytes }) => error === 0 && bytes.length === 0))
      const offsets = new Map(asked.map((p) => [FetchPositions.key(p), p.offset]))
      this.#arrived.push({ leader, asked: offsets, partitions })
    } catch (error) {
      if (this.#polls.isDropped(poll)) return
      busy.delete(leader)
      if (positions === this.#positions && !this.#closed) this.#failed(due, error)
    } finally {
      this.#polls.end(poll)
    }
    this.#wake()
  }

  async #fetch(
    { leader, waitMs }: LongPoll,
    partitions: readonly FetchPosition[],
  ): Promise<readonly PartitionAnswer[]> {
    const { minBytes, maxBytes, isolation } = this.#options
    const what = `Fetching from broker ${leader}`
    try {
      const timeout = FETCH_TIMEOUT_MS + this.#polls.longest
      const connection = await this.#client.connection(leader, this.#purpose, timeout)
      const haveIds = partitions.every(({ topicId }) => topicId !== null)
      const api = chooseApi(connection, haveIds ? [fetchV12, fetchV13] : [fetchV12])
      const readCommitted = isolation === 'read_committed'
      const request = { maxWaitMs: waitMs, minBytes, maxBytes, readCommitted, partitions }
      const response = await api.async(connection, request)
      if (response.error !== 0) throw brokerError(response.error, what)
      return api === fetchV13 ? named(response.partitions, partitions) : response.partitions
    } catch (error) {
      throw kafkaError(error, what)
    }
  }

  /** Finds the leaders, and the offsets where there are none, of positions that lack them. */
  async #prepare(unprepared: readonly Position[], positions: FetchPositions): Promise<void> {
    try {
      const answers = await this.#client.metadata([...new Set(unprepared.map((p) => p.topic))])
      if (positions !== this.#positions) return
      const unset: Position[] = []
      for (const position of unprepared) {
        const led = this.#client.cachedLeader(position.topic, position.partition) !== null
        if (!led) this.#failed([position], leaderless(position, answers))
        else this.#identify(position, answers.find(({ topic }) => topic === position.topic)?.id)
        if (led && position.offset === null) unset.push(position)
      }
      if (unset.length > 0) await this.#reset(unset)
    } catch (error) {
      if (positions === this.#positions && !this.#closed) this.#failed(unprepared, error)
    } finally {
      if (positions === this.#positions) this.#preparing = null
      this.#wake()
    }
  }

  /** Whether the topic is the one that the offset is of. Where it was created again, the reset policy says where to begin. */
  #identify(position: Position, id: string = NO_TOPIC_ID): void {
    const { topic, partition, offset, topicId } = position
    const now = id === NO_TOPIC_ID ? null : id
    position.identified = true
    position.topicId = now
    if (topicId === null || now === null || topicId === now || offset === null) return
    position.offset = null
    const { reset } = this.#options
    const going = reset === 'none' ? 'auto.offset.reset is none' : `going on from its ${reset} offset`
    const message = `Topic ${topic} was deleted and created again: offset ${offset} of ${topic}-${partition} is of the old one; ${going}`
    this.#options.log.warn(message, { topic, partition, offset: String(offset) })
  }

  async #reset(unset: readonly Position[]): Promise<void> {
    const { reset, isolation } = this.#options
    if (reset === 'none') throw noOffset(unset)
    const positions = this.#positions
    const offsets = await askOffsets(this.#client, unset, startingPoint(reset, Date.now()), isolation)
    if (positions !== this.#positions) return
    for (const [i, position] of unset.entries()) {
      if (positions.get(position) !== position) continue // removed meanwhile
      position.offset = offsets[i]!
      this.#found.push({
        ...emptyBatch(position.topic, position.partition, position.offset),
        topicId: position.topicId,
      })
    }
  }

  /** What has arrived, decoded. A partition that cannot be decoded fails the call after this one. */
  #take(): FetchedBatch[] {
    if (this.#found.length > 0) return this.#found.splice(0)
    const batches: FetchedBatch[] = []
    for (const { leader, asked, partitions } of this.#arrived.splice(0)) {
      this.#busy.delete(leader)
      for (const answer of partitions) {
        const position = this.#positions.get(answer)
        // Asked again of another leader meanwhile, or moved on: this answer is of no use.
        if (position?.offset !== asked.get(FetchPositions.key(answer)) || position?.offset == null) continue
        if (!position.identified) continue // removed and added again: perhaps of another topic
        if (answer.error === 0) position.endOffset = this.#endOffset(answer)
        const batch = this.#decode(answer, position, position.offset)
        if (batch === null) continue
        position.offset = batch.nextOffset
        batches.push({ ...batch, topicId: position.topicId })
      }
    }
    return batches
  }

  /** What a consumer can read up to, as Kafka counts its lag. */
  #endOffset({ highWatermark, lastStableOffset }: PartitionAnswer): bigint {
    return this.#options.isolation === 'read_committed' && lastStableOffset >= 0n
      ? lastStableOffset
      : highWatermark
  }

  #decode(answer: PartitionAnswer, position: Position, fromOffset: bigint): FetchedBatch | null {
    if (answer.error !== 0) {
      this.#refused(position, answer.error, fromOffset)
      return null
    }
    this.#positions.succeeded(position, answer.bytes.length > 0)
    try {
      const { maxInflatedBytes } = this.#options
      const { batch, neededBytes } = decodePartition(answer, { fromOffset, maxInflatedBytes })
      position.maxBytes = Math.max(this.#options.maxPartitionBytes, neededBytes)
      if (neededBytes > this.#options.maxBytes + maxInflatedBytes) {
        const name = `${answer.topic}-${answer.partition}`
        throw new TaskError(
          'kafka.corrupt',
          `${name}: the batch at offset ${fromOffset} claims ${neededBytes} bytes`,
        )
      }
      return batch
    } catch (error) {
      this.#failure ??= kafkaError(error, `Reading ${answer.topic}-${answer.partition}`)
      return null
    }
  }

  /** A partition's error code in an answer. */
  #refused(position: Position, code: number, offset: bigint): void {
    const { topic, partition } = position
    if (code === OFFSET_OUT_OF_RANGE) {
      const { reset } = this.#options
      const going = reset === 'none' ? 'auto.offset.reset is none' : `going on from the ${reset} offset`
      const message = `Offset ${offset} of ${topic}-${partition} is out of range: records were deleted or the topic was recreated; ${going}`
      this.#options.log.warn(message, { topic, partition, offset: String(offset) })
      position.offset = null
    } else if (isRetriableCode(code)) {
      this.#failed([position], brokerError(code, `Fetching ${topic}-${partition}`))
    } else {
      this.#failure ??= brokerError(code, `Fetching ${topic}-${partition}: ${errorName(code)}`)
    }
  }

  /** Waits a retriable error out, with fresh metadata; keeps any other for `next` to throw. */
  #failed(positions: readonly Position[], error: unknown): void {
    const problem = error instanceof ConnectError ? error : kafkaError(error, 'Fetching')
    if (!problem.retriable) {
      this.#failure ??= problem
      return
    }
    for (const position of positions) {
      this.#client.invalidate(position.topic)
      position.identified = false
      this.#positions.backOff(position)
    }
    const now = performance.now()
    if (now - this.#complainedAt < COMPLAIN_EVERY_MS) return
    this.#complainedAt = now
    this.#options.log.warn(`${problem.message}; trying again until it works`)
  }
}
