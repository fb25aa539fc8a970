import { DataError } from '../../api/errors.ts'
import { LOGICAL, type Schema, type SchemaType, struct, type Value } from '../../api/schema.ts'
import { DECIMAL_PRECISION, MAX_DIGITS, scaleOf, unscaledFrom } from '../decimals.ts'
import { Fraction } from '../exact-json.ts'
import type { JsonReading } from './json-reading.ts'

export const MS_PER_DAY = 86_400_000
const MAX_DATE = 8.64e15
/** Lists and objects inside one another in a schemaless record, as many as Jackson allows. */
const MAX_DEPTH = 1000
const LONG_MAX = 2n ** 63n - 1n
export const INT_MAX: Partial<Record<SchemaType, number>> = { INT8: 127, INT16: 32_767, INT32: 2_147_483_647 }
const NOT_FINITE: Readonly<Record<string, number>> = { NaN, Infinity, '-Infinity': -Infinity }

function placeOf(path: string): string {
  return path === '' ? 'The payload' : `Field "${path}"`
}

/** What JSON is, for error messages. */
function jsonKind(json: unknown): string {
  if (json === null || json === undefined) return 'null'
  if (Array.isArray(json)) return 'an array'
  if (json instanceof Fraction)
    return Number.isInteger(json.value) && /e/i.test(json.text)
      ? 'a number with an exponent'
      : 'a number with a fraction'
  if (typeof json === 'bigint') return 'a number'
  return typeof json === 'object' ? 'an object' : `a ${typeof json}`
}

function misfit(json: unknown, schema: Schema, path: string): DataError {
  return new DataError(
    'record.value',
    `${placeOf(path)} is ${jsonKind(json)}, which does not fit its type ${schema.name ?? schema.type}.`,
  )
}

/**
 * A Connect value from parsed JSON (numbers may be `Fraction` or bigint). What does not fit its schema is refused,
 * also where Kafka Connect would silently make a zero of it (invariant 5).
 */
export function fromJson(json: unknown, schema: Schema | null, reading: JsonReading, path = ''): Value {
  if (schema === null) return schemaless(json, 0)
  if (json === null || json === undefined) {
    const replacement = reading.defaultOf(schema, json)
    if (replacement !== undefined) return replacement
    if (schema.optional) return null
    throw misfit(json, schema, path)
  }
  const logical = logicalFrom(json, schema, path)
  return logical ?? plainFrom(json, schema, reading, path)
}

function integerOf(json: unknown): number | bigint | undefined {
  if (typeof json === 'bigint') return json
  return typeof json === 'number' && Number.isInteger(json) ? json : undefined
}

function logicalFrom(json: unknown, schema: Schema, path: string): Value | undefined {
  const { name } = schema
  if (name === LOGICAL.decimal && schema.type === 'BYTES') return decimalFrom(json, schema, path)
  if (name !== LOGICAL.date && name !== LOGICAL.time && name !== LOGICAL.timestamp) return undefined
  const time = Number(integerOf(json) ?? NaN) * (name === LOGICAL.date ? MS_PER_DAY : 1)
  if (!(Math.abs(time) <= MAX_DATE)) throw misfit(json, schema, path)
  if (name === LOGICAL.time && (time < 0 || time > MS_PER_DAY))
    throw new DataError(
      'record.value',
      `${placeOf(path)} is a time of ${time} ms, which is not between 0 and ${MS_PER_DAY}.`,
    )
  return new Date(time)
}

function decimalFrom(json: unknown, schema: Schema, path: string): Value {
  const scale = scaleOf(schema)
  if (scale === undefined)
    throw new DataError(
      'schema.invalid',
      schema.parameters?.['scale'] === undefined
        ? 'A Decimal schema has no scale parameter.'
        : `A Decimal schema has the scale "${schema.parameters['scale']}", which is no integer.`,
    )
  const precision = Number(schema.parameters?.[DECIMAL_PRECISION] ?? MAX_DIGITS)
  if (typeof json === 'string') {
    const unscaled = unscaledFrom(base64(json, schema, path), precision)
    if (unscaled !== undefined) return { unscaled, scale }
    throw new DataError('record.malformed', `${placeOf(path)} is a decimal of more than ${precision} digits.`)
  }
  const text = json instanceof Fraction ? json.text : String(integerOf(json) ?? '')
  const unscaled = unscaledOf(text, scale)
  if (unscaled === undefined) throw misfit(json, schema, path)
  return { unscaled, scale }
}

/** The unscaled value of decimal text at a scale; undefined where it does not fit exactly. */
function unscaledOf(text: string, scale: number): bigint | undefined {
  const parts = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text)
  if (parts === null) return undefined
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = parts
  const shift = scale - fraction.length + Number(exponent)
  if (Math.abs(shift) > 10_000) return undefined
  const digits = BigInt(whole + fraction)
  const divisor = 10n ** BigInt(Math.max(0, -shift))
  if (digits % divisor !== 0n) return undefined
  const unscaled = (digits / divisor) * 10n ** BigInt(Math.max(0, shift))
  return sign === '-' ? -unscaled : unscaled
}

function base64(json: string, schema: Schema, path: string): Buffer {
  const bytes = Buffer.from(json, 'base64')
  if (bytes.toString('base64') !== json) throw misfit(json, schema, path) // Jackson wants the padding, and no bit beyond
  return bytes
}

function plainFrom(json: unknown, schema: Schema, reading: JsonReading, path: string): Value {
  switch (schema.type) {
    case 'BOOLEAN':
      if (typeof json === 'boolean') return json
      break
    case 'STRING':
      if (typeof json === 'string') return json
      break
    case 'BYTES':
      if (typeof json === 'string') return base64(json, schema, path)
      break
    case 'FLOAT32':
    case 'FLOAT64':
      return floatFrom(json, schema, path)
    case 'ARRAY':
      if (!Array.isArray(json)) break
      return json.map((item: unknown) => fromJson(item, schema.valueSchema!, reading, `${path}[]`))
    case 'MAP':
      return mapFrom(json, schema, reading, path)
    case 'STRUCT':
      return structFrom(json, schema, reading, path)
    default:
      return integerFrom(json, schema, path)
  }
  throw misfit(json, schema, path)
}

function integerFrom(json: unknown, schema: Schema, path: string): Value {
  const integer = integerOf(json)
  if (integer === undefined) throw misfit(json, schema, path)
  if (schema.type === 'INT64') {
    const long = BigInt(integer)
    if (long <= LONG_MAX && long >= -LONG_MAX - 1n) return long
  } else {
    const max = INT_MAX[schema.type] ?? 0
    if (integer <= max && integer >= -max - 1) return Number(integer) + 0 // JSON has a −0, and an integer has not
  }
  throw misfit(json, schema, path)
}

function floatFrom(json: unknown, schema: Schema, path: string): Value {
  const value = json instanceof Fraction ? json.value : integerOf(json)
  if (value !== undefined && Number.isFinite(Number(value))) {
    return schema.type === 'FLOAT32' ? Math.fround(Number(value)) : Number(value)
  }
  // as Kafka Connect writes them
  if (typeof json === 'string' && Object.hasOwn(NOT_FINITE, json)) return NOT_FINITE[json]!
  throw misfit(json, schema, path)
}

function entriesOf(json: unknown): [string, unknown][] | undefined {
  if (typeof json !== 'object' || json === null || Array.isArray(json) || json instanceof Fraction)
    return undefined
  return Object.entries(json)
}

function mapFrom(json: unknown, schema: Schema, reading: JsonReading, path: string): Value {
  const keys = schema.keySchema!
  const values = schema.valueSchema!
  const map = new Map<Value, Value>()
  const entries = entriesOf(json)
  if (keys.type === 'STRING') {
    if (entries === undefined) throw misfit(json, schema, path)
    for (const [name, item] of entries) map.set(name, fromJson(item, values, reading, `${path}{}`))
    return map
  }
  if (!Array.isArray(json)) throw misfit(json, schema, path)
  for (const pair of json as readonly unknown[]) {
    if (!Array.isArray(pair) || pair.length !== 2) throw misfit(pair, schema, path)
    const [key, item] = pair as [unknown, unknown]
    map.set(fromJson(key, keys, reading, `${path}{}`), fromJson(item, values, reading, `${path}{}`))
  }
  return map
}

function structFrom(json: unknown, schema: Schema, reading: JsonReading, path: string): Value {
  if (entriesOf(json) === undefined) throw misfit(json, schema, path)
  const given = json as Readonly<Record<string, unknown>>
  const record = struct()
  reading.charge(schema.fields?.length ?? 0)
  for (const { name, schema: field } of schema.fields ?? []) {
    const item = Object.hasOwn(given, name) ? given[name] : undefined
    record[name] = fromJson(item, field, reading, path === '' ? name : `${path}.${name}`)
  }
  return record
}

/** Without a schema integers are INT64 (bigint) and other numbers FLOAT64; objects are structs. */
function schemaless(json: unknown, depth: number): Value {
  if (json === null || json === undefined) return null
  if (typeof json === 'boolean' || typeof json === 'string') return json
  if (json instanceof Fraction) {
    if (Number.isFinite(json.value)) return json.value
    throw new DataError(
      'record.value',
      `The JSON number ${json.text.slice(0, 40)} is out of the range of a double.`,
    )
  }
  const integer = integerOf(json)
  if (integer !== undefined) return longOf(BigInt(integer))
  if (depth >= MAX_DEPTH)
    throw new DataError('record.malformed', `The JSON is nested more than ${MAX_DEPTH} levels deep.`)
  if (Array.isArray(json)) return json.map((item: unknown) => schemaless(item, depth + 1))
  const record = struct()
  for (const [name, item] of Object.entries(json)) record[name] = schemaless(item, depth + 1)
  return record
}

function longOf(integer: bigint): bigint {
  if (integer <= LONG_MAX && integer >= -LONG_MAX - 1n) return integer
  throw new DataError('record.value', 'A JSON number is out of the range of a long.')
}
