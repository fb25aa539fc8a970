import type { BatchOrigin, Header } from '../../api/batch.ts'
import type { EncodedRows, Slices } from '../../api/converter.ts'
import { decodeHeaders } from '../../kafka/record-batches/headers.ts'
import { type FetchedBatch, offsetOf, timestampOf } from '../../kafka/record-batches/records.ts'
import { rawRows } from './raw-rows.ts'

/**
 * Where a batch's records came from: a Kafka fetch (`FetchOrigin`, for sinks) or a poll (`source/poll-origin.ts`).
 * Batch, delivery, error policy and dead letters ask it, and need not know which of the two it is.
 */
export interface Origin extends BatchOrigin {
  readonly length: number
  /** What `RecordBatch` says of where its records were read. */
  readonly topic: string
  readonly partition: number
  offset(row: number): bigint
  /** A record as it came: what holds until a transform says otherwise. */
  targetTopic(row: number): string
  /** −1: the key decides. */
  targetPartition(row: number): number
  timestamp(row: number): bigint
  headers(row: number): readonly Header[]
  /** Raw header sections; null where headers are objects only. */
  readonly rawHeaders: Slices | null
  /** Keys and values as they came, for dead letters. */
  readonly keys: EncodedRows
  readonly values: EncodedRows
  /** The times with which records go out: `baseTimestamp` and whole milliseconds after it. */
  readonly baseTimestamp: bigint
  readonly timestampDelta: (row: number) => number
  /** The time with which a record goes out that has this one. */
  outgoingTime(timestamp: bigint): bigint
  /** Chooses the partition of records without a key: they stay together. */
  readonly keyless: number
  /** As dead letters and the log name the place of a record. */
  coordinates(row: number): Coordinates
}

export interface Coordinates {
  readonly topic: string
  readonly partition: number | string
  readonly offset: string
}

/** Records of one partition that one fetch brought; nothing is decoded before somebody asks. */
export class FetchOrigin implements Origin {
  readonly kind = 'fetch'
  readonly length: number
  readonly topic: string
  readonly partition: number
  readonly keyless: number
  readonly rawHeaders: Slices
  readonly baseTimestamp: bigint
  readonly timestampDelta: (row: number) => number
  readonly #fetched: FetchedBatch

  constructor(fetched: FetchedBatch) {
    this.#fetched = fetched
    this.length = fetched.length
    this.topic = fetched.topic
    this.partition = fetched.partition
    this.keyless = fetched.partition
    this.rawHeaders = fetched.headers
    this.baseTimestamp = fetched.baseTimestamp
    const { timestampDeltas } = fetched
    this.timestampDelta = (row) => timestampDeltas[row]!
  }

  get keys(): EncodedRows {
    return rawRows(this.#fetched.keys)
  }

  get values(): EncodedRows {
    return rawRows(this.#fetched.values)
  }

  offset(row: number): bigint {
    return offsetOf(this.#fetched, row)
  }

  targetTopic(): string {
    return this.topic
  }

  targetPartition(): number {
    return this.partition
  }

  timestamp(row: number): bigint {
    return timestampOf(this.#fetched, row)
  }

  outgoingTime(timestamp: bigint): bigint {
    return timestamp
  }

  headers(row: number): readonly Header[] {
    const { bytes, start, end } = this.rawHeaders
    return decodeHeaders(bytes, start[row]!, end[row]!)
  }

  place(row: number): string {
    return `${this.topic}-${this.partition}@${this.offset(row)}`
  }

  coordinates(row: number): Coordinates {
    return { topic: this.topic, partition: this.partition, offset: String(this.offset(row)) }
  }
}
