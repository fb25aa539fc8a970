import { type Decimal, isStruct, LOGICAL, type Schema, type Struct, type Value } from '../schema.ts'
import { Duration } from './times.ts'

export { Duration }

/**
 * What an expression computes with. int: bigint; double: number; timestamp: Date; decimal: Decimal. Lists and maps keep
 * the schema of what is in them, which tells an int from a double: both are a number in a record.
 */
export type CelValue =
  null | boolean | bigint | number | string | Buffer | Date | Duration | Decimal | CelList | CelMap

export type Kind =
  | 'null'
  | 'bool'
  | 'int'
  | 'double'
  | 'decimal'
  | 'string'
  | 'bytes'
  | 'timestamp'
  | 'duration'
  | 'list'
  | 'map'

interface KindValues {
  readonly null: null
  readonly bool: boolean
  readonly int: bigint
  readonly double: number
  readonly decimal: Decimal
  readonly string: string
  readonly bytes: Buffer
  readonly timestamp: Date
  readonly duration: Duration
  readonly list: CelList
  readonly map: CelMap
}

/** The values that have these kinds. */
export type ValuesOf<K extends readonly Kind[]> = { [I in keyof K]: KindValues[K[I]] }

/** A kind in a sentence. */
export function aKind(kind: StaticKind): string {
  if (kind === 'null') return 'null'
  return kind === 'int' ? 'an int' : `a ${kind}`
}

/** What is known of a value before it is there; `dyn` where nothing is. */
export type StaticKind = Kind | 'dyn'

export class CelList {
  readonly #items: readonly Value[] | readonly CelValue[]
  readonly #isLiteral: boolean
  readonly #schema: Schema | null

  /** `schema` is that of the items; a list that an expression writes out holds what it computes with. */
  constructor(items: readonly Value[], schema: Schema | null, isLiteral?: false)
  constructor(items: readonly CelValue[], schema: null, isLiteral: true)
  constructor(items: readonly Value[] | readonly CelValue[], schema: Schema | null, isLiteral = false) {
    this.#items = items
    this.#isLiteral = isLiteral
    this.#schema = schema
  }

  get size(): number {
    return this.#items.length
  }

  at(index: number): CelValue {
    const item = this.#items[index] ?? null
    return this.#isLiteral ? (item as CelValue) : celValue(item as Value, this.#schema)
  }
}

/** A struct, or a map of a record. Only its own fields are there, whatever they are called. */
export class CelMap {
  readonly #value: Struct | ReadonlyMap<Value, Value>
  readonly #schema: Schema | null

  constructor(value: Struct | ReadonlyMap<Value, Value>, schema: Schema | null) {
    this.#value = value
    this.#schema = schema
  }

  get size(): number {
    return this.#value instanceof Map ? this.#value.size : Object.keys(this.#value).length
  }

  /** Undefined where there is no such field. */
  get(name: CelValue): CelValue | undefined {
    const value = this.#value
    if (value instanceof Map) {
      const map = value as ReadonlyMap<Value, Value>
      const key = mapKey(name, this.#schema)
      return map.has(key) ? celValue(map.get(key) ?? null, this.#schema?.valueSchema ?? null) : undefined
    }
    if (typeof name !== 'string' || !Object.hasOwn(value, name)) return undefined
    return celValue((value as Struct)[name] ?? null, fieldSchema(this.#schema, name))
  }

  /** The names of the fields, or the keys. */
  keys(): readonly CelValue[] {
    return this.#value instanceof Map
      ? Array.from((this.#value as ReadonlyMap<Value, Value>).keys(), (key) =>
          celValue(key, this.#schema?.keySchema ?? null),
        )
      : Object.keys(this.#value)
  }
}

/** Keys of INT8 to INT32 are numbers in a record. */
function mapKey(name: CelValue, schema: Schema | null): Value {
  if (typeof name === 'bigint' && isSmallInt(schema?.keySchema ?? null)) return Number(name)
  return name as Value
}

const fields = new WeakMap<Schema, ReadonlyMap<string, Schema>>()

/** The schema of a field of a struct; null where the schema or the field is unknown. */
export function fieldSchema(schema: Schema | null, name: string): Schema | null {
  if (schema?.fields === undefined) return null
  let known = fields.get(schema)
  if (known === undefined) {
    known = new Map(schema.fields.map((field) => [field.name, field.schema]))
    fields.set(schema, known)
  }
  return known.get(name) ?? null
}

function isSmallInt(schema: Schema | null): boolean {
  return schema !== null && (schema.type === 'INT8' || schema.type === 'INT16' || schema.type === 'INT32')
}

/** A value of a record as an expression sees it. */
export function celValue(value: Value, schema: Schema | null): CelValue {
  if (typeof value === 'number')
    return schema !== null && isSmallInt(schema) && Number.isInteger(value) ? BigInt(value) : value
  if (typeof value !== 'object' || value === null) return value
  if (Buffer.isBuffer(value) || value instanceof Date) return value
  if (Array.isArray(value)) return new CelList(value as readonly Value[], schema?.valueSchema ?? null)
  if (value instanceof Map) return new CelMap(value as ReadonlyMap<Value, Value>, schema)
  return isStruct(value) ? new CelMap(value, schema) : (value as Decimal)
}

export function kindOf(value: CelValue): Kind {
  if (typeof value === 'bigint') return 'int'
  if (typeof value === 'number') return 'double'
  if (typeof value === 'string') return 'string'
  if (typeof value === 'boolean') return 'bool'
  if (value === null) return 'null'
  if (value instanceof Date) return 'timestamp'
  if (value instanceof CelMap) return 'map'
  if (value instanceof CelList) return 'list'
  if (value instanceof Duration) return 'duration'
  return Buffer.isBuffer(value) ? 'bytes' : 'decimal'
}

const KINDS: Readonly<Record<Schema['type'], StaticKind>> = {
  INT8: 'int',
  INT16: 'int',
  INT32: 'int',
  INT64: 'int',
  FLOAT32: 'double',
  FLOAT64: 'double',
  BOOLEAN: 'bool',
  STRING: 'string',
  BYTES: 'bytes',
  ARRAY: 'list',
  MAP: 'map',
  STRUCT: 'map',
}
const TIMES = new Set<string>([LOGICAL.date, LOGICAL.time, LOGICAL.timestamp])

/** The kind that values of a schema have, where they are not null. */
export function kindOfSchema(schema: Schema | null): StaticKind {
  if (schema === null) return 'dyn'
  if (schema.name === LOGICAL.decimal) return 'decimal'
  return TIMES.has(schema.name ?? '') ? 'timestamp' : KINDS[schema.type]
}
