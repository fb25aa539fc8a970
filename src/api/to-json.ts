import type { SinkRecord } from './batch.ts'
import { decimalText } from './decimal-text.ts'
import { type Decimal, isStruct, LOGICAL, type Schema, type Struct, type Value } from './schema.ts'

const rawJson = (JSON as unknown as { rawJSON: (text: string) => unknown }).rawJSON
const DATE_LENGTH = 'YYYY-MM-DD'.length

/**
 * The JSON text of a record (topic, partition, timestamp, key, headers, value) or of a value in it, in one line, for
 * logs and command lines. Nothing is lost: integers and decimals have all their digits; bytes are base64; a date, time
 * or timestamp is ISO 8601 in UTC; a map is an object where its keys are text, else an array of pairs; NaN and the
 * infinities are text. `schema` tells a date or time from a timestamp.
 */
export function toJson(data: SinkRecord | Value | undefined, schema: Schema | null = null): string {
  return JSON.stringify(isRecord(data) ? recordForm(data) : jsonForm(data, schema))
}

/** What `JSON.stringify` writes of a value as `toJson` says. */
export function jsonForm(value: Value | undefined, schema: Schema | null): unknown {
  if (value === null || value === undefined) return null
  if (typeof value === 'number') return numberForm(value)
  if (typeof value === 'bigint') return rawJson(String(value))
  if (typeof value !== 'object') return value
  if (Buffer.isBuffer(value)) return value.toString('base64')
  if (value instanceof Date) return dateForm(value, schema?.name)
  if (Array.isArray(value)) {
    return (value as readonly Value[]).map((item) => jsonForm(item, schema?.valueSchema ?? null))
  }
  if (value instanceof Map) return mapForm(value as ReadonlyMap<Value, Value>, schema)
  return isStruct(value) ? structForm(value, schema) : rawJson(decimalText(value as Decimal))
}

function isRecord(data: SinkRecord | Value | undefined): data is SinkRecord {
  return typeof data === 'object' && data !== null && !isStruct(data as Value) && 'valueSchema' in data
}

function recordForm(record: SinkRecord): unknown {
  return {
    topic: record.topic,
    partition: record.partition,
    timestamp: rawJson(String(record.timestamp)),
    key: jsonForm(record.key, record.keySchema),
    headers: record.headers.map(({ key, value }) => ({ key, value: value?.toString('base64') ?? null })),
    value: jsonForm(record.value, record.valueSchema),
  }
}

function numberForm(value: number): unknown {
  if (!Number.isFinite(value)) return String(value)
  return Object.is(value, -0) ? rawJson('-0') : value
}

function dateForm(value: Date, name: string | undefined): string {
  if (Number.isNaN(value.getTime())) return 'Invalid Date'
  const text = value.toISOString()
  if (name === LOGICAL.date) return text.slice(0, text.indexOf('T'))
  return name === LOGICAL.time ? text.slice(DATE_LENGTH + 1) : text
}

function mapForm(map: ReadonlyMap<Value, Value>, schema: Schema | null): unknown {
  const item = (value: Value) => jsonForm(value, schema?.valueSchema ?? null)
  if (![...map.keys()].every((key) => typeof key === 'string')) {
    return [...map].map(([key, value]) => [jsonForm(key, schema?.keySchema ?? null), item(value)])
  }
  const object = Object.create(null) as Record<string, unknown>
  for (const [key, value] of map) object[key as string] = item(value)
  return object
}

function structForm(value: Struct, schema: Schema | null): unknown {
  const object = Object.create(null) as Record<string, unknown>
  const schemas = new Map(schema?.fields?.map((field) => [field.name, field.schema]))
  for (const [name, item] of Object.entries(value)) object[name] = jsonForm(item, schemas.get(name) ?? null)
  return object
}
