import { setTimeout as sleep } from 'node:timers/promises'
import { ConnectError, DataError, messageOf, TaskError } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import { listOffsets } from '../admin.ts'
import type { KafkaClient } from '../client.ts'
import { ensureLogTopic, type LogTopic } from './compacted-log-topic.ts'
import { type Append, keyedRows } from './compacted-log-rows.ts'
import { Fetcher } from '../fetch/fetch.ts'
import { partitionForKey } from '../produce/partitioner.ts'
import { Producer } from '../produce/produce.ts'
import { type FetchedBatch, offsetOf, timestampOf } from '../record-batches/records.ts'
import { backOffMs, isRetriable } from '../retry.ts'

export interface LogRecord {
  readonly key: string | null
  /** Null deletes the key. Part of a larger buffer: copy what is kept for long. */
  readonly value: Buffer | null
  readonly partition: number
  readonly offset: bigint
  /** Milliseconds since 1970. */
  readonly timestamp: bigint
}

export interface CompactedLogOptions extends LogTopic {
  readonly log: Logger
  /** Every record, in the order of each partition. Must not throw; what it throws is logged and skipped. */
  onRecord(record: LogRecord): void
}

interface Waiter {
  readonly ends: ReadonlyMap<number, bigint>
  resolve(): void
  reject(error: Error): void
}

const MAX_WAIT_MS = 500
/** Somebody at a REST interface waits for it. */
const DELIVERY_TIMEOUT_MS = 30_000

/**
 * State in a compacted topic (decision 8): read from its beginning, then followed; anyone may write to it, and what
 * counts is what was read back, so all processes see the same order. Records without a key are skipped.
 */
export class CompactedLog {
  readonly #client: KafkaClient
  readonly #options: CompactedLogOptions
  readonly #partitions: number
  readonly #producer: Producer
  readonly #fetcher: Fetcher
  /** Per partition: the next offset to read. */
  #positions: bigint[] = []
  #waiters: Waiter[] = []
  #queue: Append[] = []
  #sending = false
  #failure: ConnectError | null = null
  #closed = false
  #following: Promise<void> = Promise.resolve()

  private constructor(client: KafkaClient, options: CompactedLogOptions, partitions: number) {
    const { log, topic } = options
    this.#client = client
    this.#options = { ...options, log: log.child({ topic }) }
    this.#partitions = partitions
    this.#producer = new Producer(client, { log, deliveryTimeoutMs: DELIVERY_TIMEOUT_MS })
    this.#fetcher = new Fetcher(client, {
      isolation: 'read_committed',
      reset: 'earliest',
      log,
      minBytes: 1,
      maxWaitMs: MAX_WAIT_MS,
    })
  }

  /**
   * Creates the topic where it is missing (a TaskError where one exists that does not fit), reads it to its present
   * end, and follows it from then on.
   */
  static async open(client: KafkaClient, options: CompactedLogOptions): Promise<CompactedLog> {
    const opened = new CompactedLog(client, options, await ensureLogTopic(client, options))
    try {
      opened.#positions = await listOffsets(client, opened.#all(), 'earliest')
      opened.#fetcher.assign(
        opened.#positions.map((offset, partition) => ({ topic: options.topic, partition, offset })),
      )
      opened.#following = opened.#follow()
      await opened.readToEnd()
      return opened
    } catch (error) {
      await opened.close()
      throw error
    }
  }

  /**
   * Writes a record to the partition of its key (as Java's producer does) and resolves when it was read back, after
   * `onRecord` for it. Rejects where the broker did not take it. Appends keep their order. After `until`
   * (performance.now()) nothing is sent: whoever may write only for a time gives it.
   */
  append(key: string, value: string | Buffer | null, until = Infinity): Promise<void> {
    const refusal = this.#refusal()
    if (refusal !== null) return Promise.reject(refusal)
    const keyBytes = Buffer.from(key, 'utf8')
    return new Promise((resolve, reject) => {
      this.#queue.push({
        key: keyBytes,
        value: typeof value === 'string' ? Buffer.from(value, 'utf8') : value,
        partition: partitionForKey(keyBytes, this.#partitions),
        until,
        resolve,
        reject,
      })
      void this.#drain()
    })
  }

  /** Resolves when everything that was in the topic at the time of the call was handed to `onRecord`. */
  async readToEnd(): Promise<void> {
    await this.#readTo(this.#all())
  }

  /** Stops following and appending; what waits is rejected. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#rejectAll(this.#refusal() ?? new Error('closed'))
    await Promise.all([this.#fetcher.close(), this.#producer.close(), this.#following])
  }

  #all(): { topic: string; partition: number }[] {
    const { topic } = this.#options
    return Array.from({ length: this.#partitions }, (_, partition) => ({ topic, partition }))
  }

  #refusal(): ConnectError | null {
    if (this.#failure !== null) return this.#failure
    if (!this.#closed) return null
    return new TaskError('kafka.protocol', `The log in topic ${this.#options.topic} was closed`)
  }

  /** Sends what is queued, all that came while the last send was under way at once. */
  async #drain(): Promise<void> {
    if (this.#sending) return
    this.#sending = true
    while (this.#queue.length > 0) {
      const byPartition = Map.groupBy(this.#queue.splice(0), ({ partition }) => partition)
      await Promise.all([...byPartition].map(([partition, appends]) => this.#send(partition, appends)))
    }
    this.#sending = false
  }

  async #send(partition: number, appends: readonly Append[]): Promise<void> {
    const { topic } = this.#options
    const rest = new Set(appends)
    const tooBig = (row: number, size: number): void => {
      const append = appends[row]
      if (append === undefined) return
      rest.delete(append)
      append.reject(tooLarge(topic, append, size))
    }
    const until = Math.min(...appends.map((append) => append.until))
    try {
      await this.#producer.send(topic, partition, keyedRows(appends), tooBig, { until })
      void this.#confirm(partition, rest)
    } catch (error) {
      for (const append of rest) append.reject(asError(error))
    }
  }

  async #confirm(partition: number, appends: ReadonlySet<Append>): Promise<void> {
    try {
      await this.#readTo([{ topic: this.#options.topic, partition }])
      for (const append of appends) append.resolve()
    } catch (error) {
      for (const append of appends) append.reject(asError(error))
    }
  }

  /** Waits until the partitions were read up to where they end now (their high watermark, open transactions included). */
  async #readTo(partitions: { topic: string; partition: number }[]): Promise<void> {
    const ends = await listOffsets(this.#client, partitions, 'latest')
    const wanted = new Map(partitions.map(({ partition }, index) => [partition, ends[index] ?? 0n]))
    if (this.#isReadTo(wanted)) return
    const refusal = this.#refusal()
    if (refusal !== null) throw refusal
    await new Promise<void>((resolve, reject) => this.#waiters.push({ ends: wanted, resolve, reject }))
  }

  #isReadTo(ends: ReadonlyMap<number, bigint>): boolean {
    return [...ends].every(([partition, end]) => (this.#positions[partition] ?? 0n) >= end)
  }

  async #follow(): Promise<void> {
    let failures = 0
    while (!this.#isClosed()) {
      try {
        for (const batch of await this.#fetcher.next()) this.#take(batch)
        if (failures > 0) this.#options.log.info('the topic can be read again')
        failures = 0
      } catch (error) {
        if (this.#isClosed()) return
        if (!isRetriable(error)) {
          this.#fail(error)
          return
        }
        if (failures === 0) {
          this.#options.log.warn('the topic cannot be read; retrying', { reason: messageOf(error) })
        }
        await sleep(backOffMs(failures++))
      }
    }
  }

  #take(batch: FetchedBatch): void {
    for (let row = 0; row < batch.length; row++) {
      const { keys, values, partition } = batch
      if (keys.start[row]! < 0) continue
      const key = keys.bytes.toString('utf8', keys.start[row], keys.end[row])
      const value = values.start[row]! < 0 ? null : values.bytes.subarray(values.start[row], values.end[row])
      const record = {
        key,
        value,
        partition,
        offset: offsetOf(batch, row),
        timestamp: timestampOf(batch, row),
      }
      try {
        this.#options.onRecord(record)
      } catch (error) {
        this.#options.log.error('a record could not be taken over', { key, reason: messageOf(error) })
      }
    }
    this.#positions[batch.partition] = batch.nextOffset
    const reached = this.#waiters.filter(({ ends }) => this.#isReadTo(ends))
    if (reached.length === 0) return
    this.#waiters = this.#waiters.filter((waiter) => !reached.includes(waiter))
    for (const waiter of reached) waiter.resolve()
  }

  #fail(error: unknown): void {
    const { log, topic } = this.#options
    log.error('the topic cannot be read any more', { reason: messageOf(error) })
    this.#failure =
      error instanceof ConnectError
        ? error
        : new TaskError('kafka.protocol', `Reading topic ${topic}: ${messageOf(error)}`, { cause: error })
    this.#rejectAll(this.#failure)
  }

  #rejectAll(error: Error): void {
    for (const waiter of this.#waiters.splice(0)) waiter.reject(error)
    for (const append of this.#queue.splice(0)) append.reject(error)
  }

  #isClosed(): boolean {
    return this.#closed
  }
}

function tooLarge(topic: string, { key }: Append, size: number): DataError {
  return new DataError(
    'record.too-large',
    `The record '${key.toString('utf8')}' has ${size} bytes, more than topic ${topic} takes (max.message.bytes)`,
  )
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new TaskError('kafka.protocol', messageOf(error))
}
