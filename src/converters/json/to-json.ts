import { decimalText } from '../../api/decimal-text.ts'
import { DataError } from '../../api/errors.ts'
import { javaNumber } from '../../api/java-number.ts'
import { isStruct, LOGICAL, type Schema, type Value } from '../../api/schema.ts'
import { isDecimal, scaleOf, unscaledBytes } from '../decimals.ts'
import { rawNumber } from '../exact-json.ts'
import { kindOf } from '../value-columns.ts'
import { INT_MAX, MS_PER_DAY } from './from-json.ts'

export type DecimalFormat = 'BASE64' | 'NUMERIC'

/** The reverse of `fromJson`: what `stringifyExact` can write. Throws DataError `record.value` for a misfit. */
export function toJson(
  value: Value | undefined,
  schema: Schema | null,
  format: DecimalFormat,
  useDefault: boolean,
  path = '',
): unknown {
  if (value === null || value === undefined) {
    if (schema === null) return null
    if (useDefault && (schema.default ?? null) !== null)
      return toJson(schema.default, schema, format, false, path)
    if (schema.optional) return null
    throw unwritable(value, schema, path)
  }
  if (schema !== null && !fits(value, schema)) throw unwritable(value, schema, path)
  if (typeof value === 'number') return numberJson(value, schema)
  if (typeof value !== 'object') return value
  if (Buffer.isBuffer(value)) return value.toString('base64')
  if (value instanceof Date) return value.getTime() / (schema?.name === LOGICAL.date ? MS_PER_DAY : 1)
  if (isDecimal(value)) {
    if (schema === null) {
      const message = `${path === '' ? 'The record' : `Field "${path}"`} is a decimal without a schema, which JSON has no form for.`
      throw new DataError('record.schema', message)
    }
    if (format === 'NUMERIC') return rawNumber(decimalText(value))
    if (value.scale !== scaleOf(schema)) throw otherScale(value.scale, schema, path)
    return unscaledBytes(value.unscaled).toString('base64')
  }
  if (Array.isArray(value)) {
    const items = schema?.valueSchema ?? null
    return (value as readonly Value[]).map((item) => toJson(item, items, format, useDefault, `${path}[]`))
  }
  if (value instanceof Map)
    return mapToJson(value as ReadonlyMap<Value, Value>, schema, format, useDefault, path)
  return structToJson(value as Readonly<Record<string, Value>>, schema, format, useDefault, path)
}

/** Floats keep a fraction, as Jackson writes them: without a schema only that tells them from integers. */
function numberJson(value: number, schema: Schema | null): unknown {
  if (!Number.isFinite(value)) return String(value)
  const float = schema === null || schema.type === 'FLOAT64' || schema.type === 'FLOAT32'
  if (!float) return value
  return rawNumber(javaNumber(value, schema?.type === 'FLOAT32'))
}

/** Whether a value fits its schema, to the last field. @throws DataError `record.value` */
export function checkValue(value: Value | undefined, schema: Schema): void {
  toJson(value, schema, 'BASE64', false)
}

function unwritable(value: Value | undefined, schema: Schema, path: string): DataError {
  const where = path === '' ? 'The record' : `Field "${path}"`
  return new DataError(
    'record.value',
    `${where} is ${kindOf(value)}, which does not fit its type ${schema.name ?? schema.type}.`,
  )
}

/** The bytes of a Decimal have no scale: what reads them takes that of the schema. */
function otherScale(scale: number, schema: Schema, path: string): DataError {
  const where = path === '' ? 'The record' : `Field "${path}"`
  const declared = schema.parameters?.['scale'] ?? 'none'
  return new DataError(
    'record.value',
    `${where} is a decimal of the scale ${scale}, and its schema has the scale ${declared}.`,
  )
}

function fits(value: Exclude<Value, null>, schema: Schema): boolean {
  if (schema.name === LOGICAL.decimal) return isDecimal(value)
  if (schema.name === LOGICAL.date || schema.name === LOGICAL.time || schema.name === LOGICAL.timestamp) {
    return (
      value instanceof Date &&
      Number.isInteger(value.getTime() / (schema.name === LOGICAL.date ? MS_PER_DAY : 1)) &&
      (schema.name !== LOGICAL.time || (value.getTime() >= 0 && value.getTime() <= MS_PER_DAY))
    )
  }
  switch (schema.type) {
    case 'BOOLEAN':
      return typeof value === 'boolean'
    case 'STRING':
      return typeof value === 'string'
    case 'BYTES':
      return Buffer.isBuffer(value)
    case 'INT64':
      return typeof value === 'bigint'
    case 'FLOAT32':
    case 'FLOAT64':
      return typeof value === 'number'
    case 'ARRAY':
      return Array.isArray(value)
    case 'MAP':
      return value instanceof Map
    case 'STRUCT':
      return isStruct(value)
    default:
      return (
        typeof value === 'number' &&
        Number.isInteger(value) &&
        Math.abs(value) <= (INT_MAX[schema.type] ?? 0) + 1
      )
  }
}

function mapToJson(
  map: ReadonlyMap<Value, Value>,
  schema: Schema | null,
  format: DecimalFormat,
  useDefault: boolean,
  path: string,
): unknown {
  const keys = schema?.keySchema ?? null
  const values = schema?.valueSchema ?? null
  const inside = `${path}{}`
  const asObject =
    schema === null ? [...map.keys()].every((k) => typeof k === 'string') : keys?.type === 'STRING'
  if (!asObject) {
    return [...map].map(([k, v]) => [
      toJson(k, keys, format, useDefault, inside),
      toJson(v, values, format, useDefault, inside),
    ])
  }
  const object = Object.create(null) as Record<string, unknown>
  for (const [k, v] of map) {
    if (typeof k !== 'string') throw new DataError('record.value', `A key of map "${path}" is no string.`)
    object[k] = toJson(v, values, format, useDefault, inside)
  }
  return object
}

function structToJson(
  record: Readonly<Record<string, Value>>,
  schema: Schema | null,
  format: DecimalFormat,
  useDefault: boolean,
  path: string,
): unknown {
  const object = Object.create(null) as Record<string, unknown>
  const names = schema === null ? Object.keys(record) : (schema.fields ?? []).map((field) => field.name)
  for (const [i, name] of names.entries()) {
    const field = schema?.fields?.[i]?.schema ?? null
    object[name] = toJson(record[name], field, format, useDefault, path === '' ? name : `${path}.${name}`)
  }
  return object
}
