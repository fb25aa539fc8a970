import { type Column, type ColumnFor, type ColumnRequest, MISSING, UNSEEN } from '../api/batch.ts'
import { decimalText } from '../api/decimal-text.ts'
import { DataError } from '../api/errors.ts'
import { type Decimal, isStruct, LOGICAL, type Schema, type Value } from '../api/schema.ts'
import { isDecimal, MAX_DIGITS } from './decimals.ts'

/** The name that Confluent's AvroData gives a union of several types: a struct with one field per branch. */
export const UNION_NAME = 'io.confluent.connect.avro.Union'

const MS_PER_DAY = 86_400_000
const MAX_INT64_DIGITS = 19

/** A column that is being filled. */
export interface ColumnDraft {
  readonly request: ColumnRequest
  readonly field: string
  readonly numbers: Float64Array
  /** Empty but where int64 was asked for. */
  readonly exact: BigInt64Array
  readonly present: Uint8Array
  readonly levels: Int32Array
  readonly strings: (string | null)[]
  readonly values: Value[]
}

const NO_NUMBERS = new Float64Array(0)
const NO_INTEGERS = new BigInt64Array(0)
const NO_BYTES = new Uint8Array(0)
const NO_LEVELS = new Int32Array(0)

/** A column of which every row is missing. */
export function draftColumn(field: string, request: ColumnRequest, length: number): ColumnDraft {
  const isNumber = request === 'float64' || request === 'int64'
  return {
    request,
    field,
    numbers: isNumber ? new Float64Array(length).fill(NaN) : NO_NUMBERS,
    exact: request === 'int64' ? new BigInt64Array(length) : NO_INTEGERS,
    present: isNumber ? new Uint8Array(length) : NO_BYTES,
    levels: typeof request === 'object' ? new Int32Array(length).fill(MISSING) : NO_LEVELS,
    strings: request === 'string' ? new Array<string | null>(length).fill(null) : [],
    values: request === 'value' ? new Array<Value>(length).fill(null) : [],
  }
}

export function finishColumn<R extends ColumnRequest>(draft: ColumnDraft): ColumnFor<R> {
  return columnOf(draft) as ColumnFor<R>
}

function columnOf(draft: ColumnDraft): Column {
  const { request } = draft
  if (request === 'float64') return { type: 'float64', values: draft.numbers, present: draft.present }
  if (request === 'int64')
    return { type: 'float64', values: draft.numbers, present: draft.present, exact: draft.exact }
  if (request === 'string') return { type: 'string', values: draft.strings }
  if (request === 'value') return { type: 'value', values: draft.values }
  return { type: 'category', levels: draft.levels, domain: request.domain }
}

/** Puts a record's value into a row. Throws a DataError where the value cannot be read as what was asked. */
export function setColumn(draft: ColumnDraft, row: number, given: Value, schema: Schema | null): void {
  const { request } = draft
  if (request === 'value') {
    draft.values[row] = given
    return
  }
  const value = schema?.name === UNION_NAME ? branchValue(given) : given
  if (value === null) return
  if (request === 'float64' || request === 'int64') {
    if (request === 'int64') draft.exact[row] = integerOf(value)
    draft.numbers[row] = numberOf(value, schema, draft.field)
    draft.present[row] = 1
    return
  }
  const text = textOf(value, schema, draft.field)
  if (request === 'string') draft.strings[row] = text
  else draft.levels[row] = levelsOf(request.domain).get(text) ?? UNSEEN
}

function branchValue(value: Value): Value {
  if (value === null || !isStruct(value)) return value
  for (const name of Object.keys(value)) {
    const branch = value[name]
    if (branch !== null && branch !== undefined) return branch
  }
  return null
}

/** Date, Time and Timestamp count as the number that their wire form holds: days or milliseconds. */
function rawTime(value: Date, schema: Schema | null): number {
  return schema?.name === LOGICAL.date ? value.getTime() / MS_PER_DAY : value.getTime()
}

function numberOf(value: Value, schema: Schema | null, field: string): number {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint' || typeof value === 'boolean') return Number(value)
  if (value instanceof Date) return rawTime(value, schema)
  if (isDecimal(value)) return Number(decimalText(value))
  throw wrongType(field, 'float64', value, schema)
}

/** Its digits, where it is a whole number of 64 bits; else 0, which no reader takes for the number. */
function integerOf(value: Value): bigint {
  if (typeof value === 'bigint') return BigInt.asIntN(64, value)
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt.asIntN(64, BigInt(value)) : 0n
  return isDecimal(value) ? wholeOf(value) : 0n
}

function wholeOf({ unscaled, scale }: Decimal): bigint {
  if (scale < -MAX_INT64_DIGITS || scale > MAX_DIGITS) return 0n
  const power = 10n ** BigInt(Math.abs(scale))
  if (scale > 0 && unscaled % power !== 0n) return 0n
  const whole = scale > 0 ? unscaled / power : unscaled * power
  return BigInt.asIntN(64, whole) === whole ? whole : 0n
}

function textOf(value: Value, schema: Schema | null, field: string): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
    return String(value)
  if (value instanceof Date) return String(rawTime(value, schema))
  if (isDecimal(value)) return decimalText(value)
  throw wrongType(field, 'string', value, schema)
}

/** The error of a field that holds something else than was asked for. */
export function wrongType(
  field: string,
  asked: string,
  value: Value | undefined,
  schema: Schema | null,
): DataError {
  const found = schema === null ? kindOf(value) : (schema.name ?? schema.type)
  return new DataError(
    'record.field',
    `Field "${field}" is ${found} and cannot be read as ${asked}: name another field, or convert it first.`,
  )
}

export function missingField(field: string): DataError {
  return new DataError(
    'record.field',
    `The record has no field "${field}": check the name, or send records that have it.`,
  )
}

export function fieldExists(field: string): DataError {
  return new DataError(
    'record.field',
    `The record has a field "${field}" already: choose another name or prefix for the new field.`,
  )
}

export function notAStruct(kind: string): DataError {
  return new DataError(
    'record.schema',
    `The record is ${kind}, not a struct, so it has no fields: use a converter that gives structs.`,
  )
}

/** What a value is, for error messages. */
export function kindOf(value: Value | undefined): string {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'bigint') return 'a long'
  if (typeof value !== 'object') return `a ${typeof value}`
  if (Buffer.isBuffer(value)) return 'bytes'
  if (value instanceof Date) return 'a date'
  if (value instanceof Map) return 'a map'
  if (Array.isArray(value)) return 'an array'
  return isDecimal(value) ? 'a decimal' : 'a struct'
}

const domains = new WeakMap<readonly string[], ReadonlyMap<string, number>>()

/** The level of each string of a domain, kept per domain array. Of strings that occur twice the first counts. */
export function levelsOf(domain: readonly string[]): ReadonlyMap<string, number> {
  let levels = domains.get(domain)
  if (levels === undefined) {
    const made = new Map<string, number>()
    for (const [level, text] of domain.entries()) if (!made.has(text)) made.set(text, level)
    domains.set(domain, (levels = made))
  }
  return levels
}

/** A row of an appended column as a record holds it. Throws a DataError where the schema does not allow it. */
export function columnValue(column: Column, row: number, field: string, schema: Schema): Value {
  const value = rawColumnValue(column, row, field)
  if (value === null) {
    if (schema.optional) return null
    throw new DataError(
      'record.value',
      `The new field "${field}" is missing but not optional: give it a value.`,
    )
  }
  if (typeof value !== 'number' || column.type !== 'float64') return value
  const exact = column.exact?.[row]
  if (exact !== undefined && schema.type === 'INT64' && schema.name === undefined && Number(exact) === value)
    return exact
  return numberAs(value, field, schema)
}

function rawColumnValue(column: Column, row: number, field: string): Value {
  if (column.type === 'float64') return column.present[row] === 1 ? column.values[row]! : null
  if (column.type !== 'category') return column.values[row] ?? null
  const level = column.levels[row]!
  if (level === MISSING) return null
  const text = column.domain[level]
  if (text !== undefined) return text
  throw new DataError(
    'record.value',
    `The new field "${field}" has a level outside its domain: append known levels.`,
  )
}

function numberAs(value: number, field: string, schema: Schema): Value {
  const wrong = () =>
    new DataError(
      'record.value',
      `${value} does not fit the new field "${field}" of type ${schema.name ?? schema.type}.`,
    )
  if (schema.type === 'FLOAT64' || schema.type === 'FLOAT32') return value
  if (!Number.isInteger(value)) throw wrong()
  if (schema.name === LOGICAL.date) return new Date(value * MS_PER_DAY)
  if (schema.name === LOGICAL.time || schema.name === LOGICAL.timestamp) return new Date(value)
  if (schema.type === 'INT64') return BigInt(value)
  if (schema.type === 'INT32' || schema.type === 'INT16' || schema.type === 'INT8') return value
  throw wrong()
}
