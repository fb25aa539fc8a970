import { DataError } from '../api/errors.ts'
import type { Schema, Value } from '../api/schema.ts'
import { isStruct } from '../api/schema.ts'
import { toJson } from '../api/to-json.ts'
import { Fraction, stringifyExact } from '../converters/exact-json.ts'
import { parseLine, valueOfLine } from './avro-lines.ts'

export interface LineFormat {
  readonly format: 'avro' | 'json' | 'text'
  readonly key?: string
  readonly keySeparator?: string
  readonly null?: string
}

/** A line as a record: text that is sent as it is, or a value that Avro encodes. */
export interface LineRecord {
  readonly key: Buffer | null
  readonly value: Buffer | Value
}

/** Reads lines as the options say. Throws a DataError that says what is wrong with the line. */
export function lineReader(options: LineFormat, schema: Schema | null): (line: string) => LineRecord {
  const { format, key, keySeparator } = options
  const nothing = options.null ?? (format === 'text' ? undefined : 'null')
  return (line) => {
    const at = keySeparator === undefined ? -1 : line.indexOf(keySeparator)
    if (keySeparator !== undefined && at < 0)
      throw new DataError('record.malformed', `It has no ${JSON.stringify(keySeparator)} behind a key.`)
    const text = line.slice(at < 0 ? 0 : at + (keySeparator?.length ?? 0))
    const separated = at < 0 ? null : Buffer.from(line.slice(0, at))
    if (text === nothing) return { key: separated, value: null }
    if (format === 'text') return { key: separated, value: Buffer.from(text) }
    if (schema === null) {
      const json = parseLine(text)
      return { key: key === undefined ? separated : jsonKey(json, key), value: Buffer.from(text) }
    }
    const value = valueOfLine(text, schema)
    return { key: key === undefined ? separated : fieldKey(value, schema, key), value }
  }
}

function jsonKey(json: unknown, name: string): Buffer | null {
  const isObject = typeof json === 'object' && json !== null && Object.hasOwn(json, name)
  if (!isObject) throw noField(name)
  const field = (json as Readonly<Record<string, unknown>>)[name]
  if (field === null) return null
  if (field instanceof Fraction) return Buffer.from(field.text)
  return Buffer.from(typeof field === 'string' ? field : stringifyExact(field))
}

function fieldKey(value: Value, schema: Schema, name: string): Buffer | null {
  const field = isStruct(value) && Object.hasOwn(value, name) ? value[name] : undefined
  if (field === undefined) throw noField(name)
  if (field === null) return null
  const fieldSchema = schema.fields?.find((each) => each.name === name)?.schema ?? null
  return Buffer.from(typeof field === 'string' ? field : toJson(field, fieldSchema).replace(/^"|"$/g, ''))
}

function noField(name: string): DataError {
  return new DataError('record.field', `It has no field "${name}" to take as key.`)
}
