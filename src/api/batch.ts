import type { ConnectError } from './errors.ts'
import type { Field, Schema, Value } from './schema.ts'

/** Numbers of one field. `values[row]` is NaN where the field is missing; `present` tells a missing from a NaN. */
export interface Float64Column {
  readonly type: 'float64'
  readonly values: Float64Array
  /** 1 where the record has a value, 0 where it is null or absent. */
  readonly present: Uint8Array
  /** The whole numbers that `values` rounds, to the last digit; of use where `Number(exact[row])` is `values[row]`. */
  readonly exact?: BigInt64Array
}

/** Strings of one field as numbers of a domain. */
export interface CategoryColumn {
  readonly type: 'category'
  /** `levels[row]` is an index into `domain`, or MISSING, or UNSEEN. */
  readonly levels: Int32Array
  readonly domain: readonly string[]
}

/** Strings of one field; null where missing. */
export interface StringColumn {
  readonly type: 'string'
  readonly values: readonly (string | null)[]
}

/** Any values of one field, as a record holds them. */
export interface ValueColumn {
  readonly type: 'value'
  readonly values: readonly Value[]
}

/** What the numbers of a tensor are (names of the Open Inference Protocol). */
export type TensorType = 'UINT8' | 'INT64' | 'FP32' | 'FP64'

/** A tensor per row, all of one shape, one after the other; what transforms make for models, never read from records. */
export interface TensorColumn {
  readonly type: 'tensor'
  readonly datatype: TensorType
  /** Of one row. */
  readonly shape: readonly number[]
  readonly data: Uint8Array | BigInt64Array | Float32Array | Float64Array
  /** As in Float64Column. */
  readonly exact?: BigInt64Array
}

export const MISSING = -1
export const UNSEEN = -2

export type Column = Float64Column | CategoryColumn | StringColumn | ValueColumn

/** What a model can be given. */
export type ModelColumn = Column | TensorColumn

/**
 * What a transform asks a field to be read as. A category names its domain; numbers become their decimal text; int64 is
 * float64 with `exact`.
 */
export type ColumnRequest = 'float64' | 'int64' | 'string' | 'value' | { readonly domain: readonly string[] }

export type ColumnFor<R extends ColumnRequest> = R extends 'float64' | 'int64'
  ? Float64Column
  : R extends 'string'
    ? StringColumn
    : R extends 'value'
      ? ValueColumn
      : CategoryColumn

/** Called with each row that turns out to be unreadable; the row is failed with the error. */
export type FailRow = (row: number, error: ConnectError) => void

/**
 * The keys or the values of a batch: `encoded` (bytes, schema, appended columns) or `records`. A side is immutable;
 * what changes it returns a new one. Rows that cannot be read are reported to `fail` and hold a placeholder.
 */
export interface Side {
  readonly length: number
  /** True where the record has no key, or is a tombstone. */
  isNull(row: number): boolean
  /** The schema of a row; null for schemaless data. */
  schema(row: number, fail: FailRow): Schema | null
  /** The decoded value of a row, appended fields included. */
  value(row: number, fail: FailRow): Value
  /**
   * One top-level field of every live row, decoded without the rest of the record. A null side gives a missing
   * value; a field that the schema does not have fails the row, except where `optional` is set (then missing).
   */
  column<R extends ColumnRequest>(
    field: string,
    request: R,
    rows: LiveRows,
    fail: FailRow,
    optional?: boolean,
  ): ColumnFor<R>
  /** The side with fields added at the end of every non-null record. A name that exists already fails the row. */
  append(fields: readonly Field[], columns: readonly Column[], rows: LiveRows, fail: FailRow): Side
}

/** Which rows are still records (neither dropped nor failed). */
export interface LiveRows {
  isLive(row: number): boolean
}

export interface Header {
  readonly key: string
  readonly value: Buffer | null
}

/** A sink record as an object: made only when somebody asks for one. */
export interface SinkRecord {
  readonly topic: string
  readonly partition: number
  /** Milliseconds since 1970, or −1 where the record has none. */
  readonly timestamp: bigint
  readonly headers: readonly Header[]
  readonly keySchema: Schema | null
  readonly key: Value
  readonly valueSchema: Schema | null
  readonly value: Value
}

export type SideName = 'key' | 'value'

/** Where a batch's records came from. */
export interface BatchOrigin {
  /** `fetch`: from a partition of a topic, for a sink. `poll`: from outside of Kafka, by a source. */
  readonly kind: 'fetch' | 'poll'
  /** Where a record was read, in words for messages: `flights-3@17`, or a source's own partition and offset. */
  place(row: number): string
}

/**
 * Records on their way from the fetch or poll that brought them to the commit. Its length and order never change until
 * delivery (invariant 3); each row is a record, dropped, or failed with its error. Batches are immutable but for
 * those row states, which all batches that derive from one another share.
 */
export interface RecordBatch extends LiveRows {
  readonly length: number
  /** Where the records were read; no transform changes it. */
  readonly origin: BatchOrigin
  /** The topic and partition that were fetched; of a poll: empty, and −1. */
  readonly sourceTopic: string
  readonly sourcePartition: number
  /** The offset in the topic; of a poll: how many records the task polled before. */
  sourceOffset(row: number): bigint

  /** The topic a record is on its way to; where it was fetched, or what its source said, until a transform routes it. */
  topic(row: number): string
  timestamp(row: number): bigint
  headers(row: number): readonly Header[]
  isNull(side: SideName, row: number): boolean
  schema(side: SideName, row: number): Schema | null
  value(side: SideName, row: number): Value
  record(row: number): SinkRecord
  /** The same records with row states of their own: who reads them there fails and drops nothing here. */
  detached(): RecordBatch

  /** One field of all live rows as typed arrays; a row that cannot be read fails alone. */
  column<R extends ColumnRequest>(side: SideName, field: string, request: R, optional?: boolean): ColumnFor<R>
  /** The batch with fields added at the end of every non-null record of a side. */
  append(side: SideName, fields: readonly Field[], columns: readonly Column[]): RecordBatch
  /** The batch with other records; undefined drops a row. Same length and order. Rows not live are ignored. */
  withRecords(records: readonly (SinkRecord | undefined)[]): RecordBatch
  /** The batch with other keys or values, and their schemas (null for schemaless data); rows not live are ignored. */
  withData(side: SideName, schemas: readonly (Schema | null)[], values: readonly Value[]): RecordBatch
  /** The batch on its way to other topics; undefined leaves a row where it was going. */
  withTopics(topics: readonly (string | undefined)[]): RecordBatch
  /** The batch with other timestamps, one per row. */
  withTimestamps(timestamps: BigInt64Array): RecordBatch
  /** The batch with other headers in the place of all those it has; undefined leaves a row its own. */
  withHeaders(headers: readonly (readonly Header[] | undefined)[]): RecordBatch
  /** The batch with a header more, of UTF-8 text, after those that a record has; a missing value adds none to a row. */
  withHeader(key: string, column: StringColumn | CategoryColumn): RecordBatch

  /** Drops a row: it is not delivered, and its offset is committed. */
  drop(row: number): void
  /** Fails a row: it follows `errors.tolerance`. The first failure of a row stays. */
  fail(row: number, error: ConnectError): void
  failure(row: number): ConnectError | undefined
}
