/**
 * Kafka Connect's schema model (org.apache.kafka.connect.data), not Avro's: the parity of transforms and of
 * JsonConverter needs it. Schemas are immutable and compared by `sameSchema`.
 */
export type SchemaType =
  | 'INT8'
  | 'INT16'
  | 'INT32'
  | 'INT64'
  | 'FLOAT32'
  | 'FLOAT64'
  | 'BOOLEAN'
  | 'STRING'
  | 'BYTES'
  | 'ARRAY'
  | 'MAP'
  | 'STRUCT'

export interface Schema {
  readonly type: SchemaType
  readonly optional: boolean
  /** The default value; absent where there is none (a default of null is `null`). */
  readonly default?: Value
  /** A logical or record name, e.g. `org.apache.kafka.connect.data.Timestamp`. */
  readonly name?: string
  readonly version?: number
  readonly doc?: string
  readonly parameters?: Readonly<Record<string, string>>
  /** STRUCT only. */
  readonly fields?: readonly Field[]
  /** MAP only. */
  readonly keySchema?: Schema
  /** ARRAY and MAP only: the schema of the items. */
  readonly valueSchema?: Schema
}

export interface Field {
  readonly name: string
  readonly schema: Schema
}

/** A record value: an object without prototype, one property per field of its schema. */
export interface Struct {
  [field: string]: Value
}

/** Decimal (`org.apache.kafka.connect.data.Decimal`): unscaled · 10^(−scale). */
export interface Decimal {
  readonly unscaled: bigint
  readonly scale: number
}

/**
 * A Connect value in JavaScript. INT8…INT32 and floats: number; INT64: bigint; BYTES: Buffer; Decimal:
 * `{ unscaled, scale }`; Date, Time and Timestamp: Date; ARRAY: array; MAP: Map; STRUCT: Struct.
 */
export type Value =
  | null
  | number
  | bigint
  | boolean
  | string
  | Buffer
  | Date
  | Decimal
  | readonly Value[]
  | ReadonlyMap<Value, Value>
  | Struct

export const LOGICAL = {
  decimal: 'org.apache.kafka.connect.data.Decimal',
  date: 'org.apache.kafka.connect.data.Date',
  time: 'org.apache.kafka.connect.data.Time',
  timestamp: 'org.apache.kafka.connect.data.Timestamp',
} as const

export const OPTIONAL_STRING: Schema = { type: 'STRING', optional: true, default: null }
export const OPTIONAL_FLOAT64: Schema = { type: 'FLOAT64', optional: true, default: null }

/** A Struct without prototype, so that a field named `__proto__` is a field. */
export function struct(values: Readonly<Record<string, Value>> = {}): Struct {
  // not Object.create(null), which V8 makes a dictionary: seven times slower
  return Object.assign(Object.setPrototypeOf({}, null) as Struct, values)
}

export function isStruct(value: Value): value is Struct {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === null
}
