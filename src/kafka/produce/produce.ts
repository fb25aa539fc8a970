import { ConnectError, TaskError, UnavailableError } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import { topicConfigs } from '../admin.ts'
import type { KafkaClient } from '../client.ts'
import type { Compression } from '../record-batches/compression.ts'
import { errorName, isRetriableCode, kafkaError } from '../errors.ts'
import { ACKNOWLEDGE_WITHIN_MS, type ProduceAnswer, type ProduceEntry } from './produce-api.ts'
import { laneKey, ProduceLane, type RefusalOptions, splitBySize } from './produce-lane.ts'
import { IdempotentScope, type WriteScope } from './write-scope.ts'
import { withoutRecords } from '../record-batches/record-batch-drop.ts'
import { type EncodedBatch, encodeBatches, type OutgoingRows } from '../record-batches/record-batch-encode.ts'
import { retrying } from '../retry.ts'

export type { EncodedBatch, OutgoingRows } from '../record-batches/record-batch-encode.ts'

export interface ProducerOptions {
  readonly log: Logger
  /** Default none. */
  readonly compression?: Compression
  /** How long a batch is tried, from `send` on. Default 120,000. */
  readonly deliveryTimeoutMs?: number
  /** Told at each try that finds no such topic, or not that partition of it; it is tried again all the same. */
  readonly missing?: (topic: string) => void
}

const CODE = { none: 0, messageTooLarge: 10, recordListTooLarge: 18, duplicateSequence: 46 } as const

/**
 * The broker does not know the producer or its sequence (45, 47, 49, 59). What it refused was not written, so it is
 * sent again under a new producer id.
 */
const NEEDS_NEW_IDENTITY = new Set([45, 47, 49, 59])
/** Kafka's default of max.message.bytes, for when its settings may not be read. */
export const DEFAULT_MAX_MESSAGE_BYTES = 1_048_588
const LIMIT_MAX_AGE_MS = 60_000

/**
 * An idempotent producer (acks=all): what it sends is written once and in order, as long as it lives. One request in
 * flight per partition; what is sent in one turn of the event loop goes out together, one request per broker.
 */
export class Producer {
  readonly #client: KafkaClient
  readonly #log: Logger
  readonly #compression: Compression
  readonly #deliveryTimeoutMs: number
  readonly #missing: (topic: string) => void
  readonly #lanes = new Map<string, ProduceLane>()
  readonly #maxBytes = new Map<string, { readonly bytes: number; readonly at: number }>()
  readonly #asking = new Map<string, Promise<number>>()
  readonly #scope: WriteScope
  /** Requests and lookups that are under way, and who waits for there to be none. */
  #underWay = 0
  #whenIdle: (() => void)[] = []
  #scheduled = false
  #closed = false

  constructor(
    client: KafkaClient,
    { log, compression = 'none', deliveryTimeoutMs = 120_000, missing = () => undefined }: ProducerOptions,
    scope: WriteScope = new IdempotentScope(client),
  ) {
    this.#client = client
    this.#scope = scope
    this.#log = log
    this.#compression = compression
    this.#deliveryTimeoutMs = deliveryTimeoutMs
    this.#missing = missing
  }

  /** The largest record batch that a topic takes: its `max.message.bytes`, at most a minute old. */
  async maxMessageBytes(topic: string): Promise<number> {
    const known = this.cachedMaxMessageBytes(topic)
    if (known !== null) return known
    let asking = this.#asking.get(topic)
    if (asking === undefined) {
      asking = this.#askMaxBytes(topic).finally(() => this.#asking.delete(topic))
      this.#asking.set(topic, asking)
    }
    return asking
  }

  /** The same without asking anybody: null where it is not known. */
  cachedMaxMessageBytes(topic: string): number | null {
    const known = this.#maxBytes.get(topic)
    return known !== undefined && performance.now() - known.at < LIMIT_MAX_AGE_MS ? known.bytes : null
  }

  /**
   * Rows as record batches for `sendEncoded`. A row above the topic's `max.message.bytes` is reported to `tooLarge` with
   * its size, and left out.
   */
  encode(
    outgoing: OutgoingRows,
    maxMessageBytes: number,
    tooLarge: (row: number, size: number) => void,
  ): readonly EncodedBatch[] {
    return encodeBatches(outgoing, maxMessageBytes, this.#compression, tooLarge)
  }

  /** `encode` with what the topic takes, before it returns where that is known, and `sendEncoded`. */
  async send(
    topic: string,
    partition: number,
    outgoing: OutgoingRows,
    tooLarge: (row: number, size: number) => void,
    options: RefusalOptions = {},
  ): Promise<void> {
    const limit = this.cachedMaxMessageBytes(topic) ?? (await this.maxMessageBytes(topic))
    const batches = this.encode(outgoing, limit, tooLarge)
    await this.sendEncoded(topic, partition, batches, options)
  }

  /**
   * Sends batches to one partition, in order; resolves when all in-sync replicas have them. Single rows that Kafka refuses
   * (a time out of bounds, no key in a compacted topic) are reported to `refused`, and the others are sent; where
   * `stopsAtRefused`, only those before the first of them, and nothing else goes to the partition after it. Throws
   * UnavailableError where it could not be delivered in time, TaskError where Kafka refuses it.
   */
  async sendEncoded(
    topic: string,
    partition: number,
    batches: readonly EncodedBatch[],
    options: RefusalOptions = {},
  ): Promise<void> {
    if (this.#closed) throw closedError()
    if (batches.length === 0) return
    const lane = this.#lane(topic, partition)
    const deadline = performance.now() + this.#deliveryTimeoutMs
    await new Promise<void>((resolve, reject) => {
      let left = batches.length
      const settle = (error: ConnectError | null): void => {
        if (error !== null) reject(error)
        else if (--left === 0) resolve()
      }
      for (const batch of batches) lane.queue.push({ batch, deadline, settle, ...options })
      this.#schedule()
    })
  }

  /** Gives up what was not acknowledged. */
  close(): Promise<void> {
    this.#closed = true
    this.failAll(closedError())
    return Promise.resolve()
  }

  /** Gives up what was not acknowledged, and goes on. What is under way may still be written. */
  failAll(error: ConnectError): void {
    for (const lane of this.#lanes.values()) {
      if (lane.queue.length > 0) lane.fail(error)
    }
  }

  /** Resolves when no request is under way. */
  async idle(): Promise<void> {
    if (this.#underWay > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve))
  }

  #lane(topic: string, partition: number): ProduceLane {
    const key = laneKey(topic, partition)
    let lane = this.#lanes.get(key)
    if (lane === undefined)
      this.#lanes.set(key, (lane = new ProduceLane(topic, partition, this.#scope.transactional)))
    return lane
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#sendWaiting()
    })
  }

  /** Sends the head of every lane that waits for nothing, all that go to one broker together. */
  #sendWaiting(): void {
    const unprepared: ProduceLane[] = []
    const byLeader = new Map<number, ProduceLane[]>()
    for (const lane of this.#lanes.values()) {
      if (lane.busy || lane.waiting || lane.stopsAfter === 'nothing' || lane.queue.length === 0) continue
      const tooLate = lane.tooLate()
      if (tooLate !== null) {
        this.#giveUp(lane, tooLate)
        continue
      }
      lane.busy = true
      const leader = this.#client.cachedLeader(lane.topic, lane.partition)
      if (leader === null || !this.#scope.isReady(lane)) unprepared.push(lane)
      else if (byLeader.get(leader)?.push(lane) === undefined) byLeader.set(leader, [lane])
    }
    for (const lane of unprepared) void this.#whileUnderWay(this.#prepare(lane))
    for (const [leader, lanes] of byLeader) {
      for (const together of splitBySize(lanes)) void this.#whileUnderWay(this.#request(leader, together))
    }
  }

  async #whileUnderWay(work: Promise<void>): Promise<void> {
    this.#underWay++
    await work
    if (--this.#underWay === 0) for (const resolve of this.#whenIdle.splice(0)) resolve()
  }

  async #prepare(lane: ProduceLane): Promise<void> {
    try {
      await this.#client.leader(lane.topic, lane.partition)
      await this.#scope.prepare(lane)
      lane.busy = false
      this.#schedule()
    } catch (error) {
      lane.busy = false
      this.#failed(lane, kafkaError(error, `Producing to ${lane.topic}-${lane.partition}`))
    }
  }

  async #request(leader: number, lanes: readonly ProduceLane[]): Promise<void> {
    const entries: ProduceEntry[] = lanes.map((lane) => {
      return { topic: lane.topic, partition: lane.partition, bytes: lane.seal() }
    })
    const heads = lanes.map((lane) => lane.queue[0])
    let answers: ReadonlyMap<string, ProduceAnswer> | ConnectError
    try {
      answers = await this.#produce(leader, entries, lanes)
    } catch (error) {
      answers = kafkaError(error, `Producing to broker ${leader}`)
    }
    for (const [i, lane] of lanes.entries()) {
      lane.busy = false
      if (lane.queue[0] !== heads[i]) continue // given up meanwhile
      try {
        if (answers instanceof ConnectError) this.#failed(lane, answers)
        else this.#answered(lane, answers.get(laneKey(lane.topic, lane.partition)))
      } catch (error) {
        this.#giveUp(lane, kafkaError(error, `Producing to ${lane.topic}-${lane.partition}`)) // a caller's callback threw
      }
    }
    this.#schedule()
  }

  async #produce(leader: number, entries: readonly ProduceEntry[], lanes: readonly ProduceLane[]) {
    const connection = await this.#client.connection(leader, 'produce', ACKNOWLEDGE_WITHIN_MS + 10_000)
    for (const lane of lanes) {
      const tooLate = lane.tooLate()
      if (tooLate !== null) throw tooLate
    }
    const answers = await this.#scope.produce(connection, entries)
    return new Map(answers.map((answer) => [laneKey(answer.topic, answer.partition), answer]))
  }

  #answered(lane: ProduceLane, answer: ProduceAnswer | undefined): void {
    const what = `Producing to ${lane.topic}-${lane.partition}`
    if (answer === undefined) {
      this.#failed(lane, new UnavailableError('kafka.unavailable', `${what}: the broker’s answer lacks it`))
    } else if (answer.error === CODE.none || answer.error === CODE.duplicateSequence) {
      this.#acknowledged(lane)
    } else if (NEEDS_NEW_IDENTITY.has(answer.error) && this.#scope.mayRenew(lane)) {
      this.#log.warn(`${what}: Kafka answered ${errorName(answer.error)}; going on with a new producer id`)
      lane.retire()
      this.#retryLater(lane, new UnavailableError('kafka.unavailable', `${what}: ${errorName(answer.error)}`))
    } else if (answer.error === CODE.messageTooLarge || answer.error === CODE.recordListTooLarge) {
      this.#maxBytes.delete(lane.topic) // it was lowered since it was asked for
      const message = `${what}: ${errorName(answer.error)}; max.message.bytes was lowered`
      this.#giveUp(lane, new UnavailableError('kafka.topic', message))
    } else if (!this.#dropRefused(lane, answer)) {
      this.#failed(lane, this.#scope.refusal(what, answer))
    }
  }

  #acknowledged(lane: ProduceLane): void {
    lane.acknowledged()
    if (lane.stopsAfter === null) return
    lane.stopsAfter = 'nothing'
    this.#endStopped(lane)
  }

  /** What waits behind a refused record is given up, after those who wait for the records before it were told. */
  #endStopped(lane: ProduceLane): void {
    const what = `Producing to ${lane.topic}-${lane.partition}`
    setImmediate(() => {
      lane.stopsAfter = null
      const message = `${what}: not sent, because Kafka refused a record before it`
      this.#giveUp(lane, new TaskError('task.tolerance', message), true)
      this.#schedule()
    })
  }

  /** Takes the records that Kafka named out of the head, which goes out again without them. */
  #dropRefused(lane: ProduceLane, { error, refused }: ProduceAnswer): boolean {
    const { batch, refused: report, stopsAtRefused = false } = lane.queue[0]!
    const known = refused.filter(({ record }) => record >= 0 && record < batch.recordCount)
    if (report === undefined || known.length === 0 || isRetriableCode(error)) return false
    const first = Math.min(...known.map(({ record }) => record))
    for (const { record, reason } of known) {
      if (!stopsAtRefused || record === first) report(batch.rows[record]!, `${errorName(error)}: ${reason}`)
    }
    const dropped = new Set(
      stopsAtRefused ? [...Array(batch.recordCount).keys()].slice(first) : known.map(({ record }) => record),
    )
    lane.replace(withoutRecords(batch, dropped, this.#compression))
    if (!stopsAtRefused) return true
    lane.stopsAfter = first === 0 ? 'nothing' : 'head'
    if (first === 0) this.#endStopped(lane)
    return true
  }

  #failed(lane: ProduceLane, error: ConnectError): void {
    this.#client.invalidate(lane.topic)
    if (!error.retriable || this.#closed) {
      this.#giveUp(lane, error)
      return
    }
    if (error.code === 'kafka.topic') this.#missing(lane.topic)
    this.#retryLater(lane, error)
  }

  #giveUp(lane: ProduceLane, error: ConnectError, unsent = false): void {
    lane.fail(error)
    this.#scope.gaveUp(lane, error, unsent)
  }

  #retryLater(lane: ProduceLane, error: ConnectError): void {
    if (lane.queue.length === 0) return
    const wait = lane.backOff()
    if (wait === null) {
      const message = `${error.message}. Gave up after ${this.#deliveryTimeoutMs} ms.`
      this.#giveUp(lane, new UnavailableError(error.code, message))
      return
    }
    this.#log.debug(`${error.message}; trying again`, { topic: lane.topic, partition: lane.partition })
    setTimeout(() => {
      lane.waiting = false
      this.#schedule()
    }, wait)
  }

  async #askMaxBytes(topic: string): Promise<number> {
    let maxBytes = DEFAULT_MAX_MESSAGE_BYTES
    try {
      const configs = await retrying(this.#deliveryTimeoutMs, () => topicConfigs(this.#client, topic))
      maxBytes = Number(configs.get('max.message.bytes') ?? DEFAULT_MAX_MESSAGE_BYTES)
    } catch (error) {
      if (!(error instanceof TaskError)) throw error
      this.#log.warn(`${error.message}; taking ${maxBytes} as its max.message.bytes`)
    }
    this.#maxBytes.set(topic, { bytes: maxBytes, at: performance.now() })
    return maxBytes
  }
}

function closedError(): UnavailableError {
  return new UnavailableError('kafka.unavailable', 'The producer was closed')
}
