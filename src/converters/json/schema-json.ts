import { DataError } from '../../api/errors.ts'
import type { Field, Schema, SchemaType } from '../../api/schema.ts'
import { fromJson } from './from-json.ts'
import type { JsonReading } from './json-reading.ts'
import { type DecimalFormat, toJson } from './to-json.ts'

/** Kafka Connect's JSON words for its schema types. */
const WORDS: Readonly<Record<SchemaType, string>> = {
  INT8: 'int8',
  INT16: 'int16',
  INT32: 'int32',
  INT64: 'int64',
  FLOAT32: 'float',
  FLOAT64: 'double',
  BOOLEAN: 'boolean',
  STRING: 'string',
  BYTES: 'bytes',
  ARRAY: 'array',
  MAP: 'map',
  STRUCT: 'struct',
}
const TYPES = new Map(Object.entries(WORDS).map(([type, word]) => [word, type as SchemaType]))
const MAX_DEPTH = 64

type Fields = Readonly<Record<string, unknown>>

function invalid(reason: string): DataError {
  return new DataError('schema.invalid', `The JSON record's schema cannot be used: ${reason}`)
}

function isObject(json: unknown): json is Fields {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

/** The schema part of an envelope; null is schemaless. `reading` reads its defaults. Throws DataError `schema.invalid`. */
export function schemaFromJson(json: unknown, reading: JsonReading, depth = 0): Schema | null {
  if (json === null || json === undefined) return null
  if (depth > MAX_DEPTH) throw invalid(`it is nested more than ${MAX_DEPTH} levels deep.`)
  if (!isObject(json)) throw invalid('a schema is an object.')
  const type = TYPES.get(typeof json['type'] === 'string' ? json['type'] : '')
  if (type === undefined) throw invalid("its type is not one of Kafka Connect's.")
  const schema: Schema = {
    type,
    optional: flag(json['optional']),
    ...texts(json),
    ...parts(type, json, reading, depth),
  }
  const given = json['default']
  if (given === null && !schema.optional) throw invalid('its default is null, and it is not optional.')
  return given === undefined || given === null
    ? schema
    : { ...schema, default: fromJson(given, schema, reading) }
}

function flag(json: unknown): boolean {
  if (json === undefined) return false
  if (typeof json === 'boolean') return json
  throw invalid('"optional" is neither true nor false.')
}

const isVersion = (version: unknown): boolean =>
  version === undefined || (typeof version === 'number' && (version | 0) === version)

function texts(json: Fields): Pick<Schema, 'name' | 'version' | 'doc' | 'parameters'> {
  const { name, version, doc, parameters } = json
  const wrong =
    !['string', 'undefined'].includes(typeof (name ?? undefined)) ||
    !isVersion(version ?? undefined) ||
    !['string', 'undefined'].includes(typeof (doc ?? undefined))
  if (wrong) throw invalid('its name, version or doc has a wrong type.')
  return {
    ...(typeof name === 'string' ? { name } : {}),
    ...(typeof version === 'number' ? { version } : {}),
    ...(typeof doc === 'string' ? { doc } : {}),
    ...(parameters === undefined || parameters === null ? {} : { parameters: parametersOf(parameters) }),
  }
}

function parametersOf(json: unknown): Readonly<Record<string, string>> {
  if (!isObject(json)) throw invalid('its parameters are not an object.')
  const found = Object.create(null) as Record<string, string>
  for (const [name, text] of Object.entries(json)) {
    if (typeof text !== 'string') throw invalid(`its parameter ${name} is not a string.`)
    found[name] = text
  }
  return found
}

function parts(
  type: SchemaType,
  json: Fields,
  reading: JsonReading,
  depth: number,
): Pick<Schema, 'fields' | 'keySchema' | 'valueSchema'> {
  const part = (name: string): Schema => {
    const schema = schemaFromJson(json[name], reading, depth + 1)
    if (schema === null) throw invalid(`${type === 'ARRAY' ? 'an array' : 'a map'} has no "${name}".`)
    return schema
  }
  if (type === 'ARRAY') return { valueSchema: part('items') }
  if (type === 'MAP') return { keySchema: part('keys'), valueSchema: part('values') }
  if (type !== 'STRUCT') return {}
  const { fields } = json
  if (!Array.isArray(fields)) throw invalid('a struct has no "fields".')
  const names = new Set<string>()
  return {
    fields: (fields as readonly unknown[]).map((field) => fieldFromJson(field, names, reading, depth)),
  }
}

function fieldFromJson(json: unknown, names: Set<string>, reading: JsonReading, depth: number): Field {
  if (!isObject(json) || typeof json['field'] !== 'string') throw invalid('a field has no name ("field").')
  const name = json['field']
  if (name === '') throw invalid('a field has an empty name ("field").')
  if (names.has(name)) throw invalid(`a struct has field "${name}" twice.`)
  names.add(name)
  const schema = schemaFromJson(json, reading, depth + 1)
  if (schema === null) throw invalid(`field "${name}" has no schema.`)
  return { name, schema }
}

/** A schema as the envelope holds it, with Kafka Connect's words and order of keys. */
export function schemaToJson(schema: Schema, format: DecimalFormat): Fields {
  const { type, name, version, doc, parameters } = schema
  return {
    type: WORDS[type],
    ...(type === 'ARRAY' ? { items: schemaToJson(schema.valueSchema!, format) } : {}),
    ...(type === 'MAP'
      ? { keys: schemaToJson(schema.keySchema!, format), values: schemaToJson(schema.valueSchema!, format) }
      : {}),
    ...(type === 'STRUCT'
      ? { fields: (schema.fields ?? []).map((f) => ({ ...schemaToJson(f.schema, format), field: f.name })) }
      : {}),
    optional: schema.optional,
    ...(name === undefined ? {} : { name }),
    ...(version === undefined ? {} : { version }),
    ...(doc === undefined ? {} : { doc }),
    ...(parameters === undefined ? {} : { parameters: { ...parameters } }),
    ...defaultJson(schema, format),
  }
}

function defaultJson(schema: Schema, format: DecimalFormat): { readonly default?: unknown } {
  const value = schema.default ?? null
  if (value === null) return {}
  return { default: toJson(value, schema, format, false) }
}
