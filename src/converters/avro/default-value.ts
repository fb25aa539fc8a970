import { LOGICAL, type Schema, struct, type Value } from '../../api/schema.ts'
import { isDecimal, unscaledBytes, unscaledFrom } from '../decimals.ts'
import { isJsonObject, type Json } from '../exact-json.ts'
import { isMapEntry, unusableSchema } from './connect-names.ts'
import { type AvroNode, Kind } from './node.ts'

const MS_PER_DAY = 86_400_000

/** The Connect value of a default as an Avro schema writes it in JSON: a union's belongs to its first branch. */
export function defaultFromJson(json: Json, node: AvroNode): Value {
  if (node.kind === Kind.union) return unionDefault(json, node)
  if (json === null) return null
  switch (node.kind) {
    case Kind.boolean:
      if (typeof json === 'boolean') return json
      break
    case Kind.int:
    case Kind.long:
      if (typeof json === 'number' || typeof json === 'bigint') return integerDefault(json, node)
      break
    case Kind.float:
    case Kind.double:
      if (typeof json === 'number' || typeof json === 'bigint') return Number(json)
      break
    case Kind.string:
    case Kind.enum:
      if (typeof json === 'string') return json
      break
    case Kind.bytes:
    case Kind.fixed:
      if (typeof json === 'string') return bytesDefault(json, node)
      break
    default:
      return nestedDefault(json, node)
  }
  throw wrongDefault(node)
}

function wrongDefault(node: AvroNode) {
  return unusableSchema(`a default does not fit its type ${node.name}.`)
}

function unionDefault(json: Json, node: AvroNode): Value {
  const first = node.branches[0]!
  if (node.nullIndex >= 0) return json === null ? null : defaultFromJson(json, node.inner)
  if (first.kind === Kind.null) return null
  if (node.flat) return defaultFromJson(json, first)
  const union = struct()
  for (const [i, name] of node.branchNames.entries()) {
    if (name !== null) union[name] = i === 0 ? defaultFromJson(json, first) : null
  }
  return union
}

function integerDefault(json: number | bigint, node: AvroNode): Value {
  if (!Number.isInteger(Number(json))) throw wrongDefault(node)
  if (node.logical === 'date') return new Date(Number(json) * MS_PER_DAY)
  if (node.logical !== null) return new Date(Number(json))
  return node.kind === Kind.long ? BigInt(json) : Number(json)
}

function bytesDefault(json: string, node: AvroNode): Value {
  const bytes = Buffer.from(json, 'latin1')
  if (node.logical !== 'decimal') return bytes
  const unscaled = unscaledFrom(bytes, node.precision)
  if (unscaled === undefined) throw wrongDefault(node)
  return { unscaled, scale: node.scale }
}

function nestedDefault(json: Json, node: AvroNode): Value {
  const items = node.items
  if (node.kind === Kind.array && Array.isArray(json)) {
    const values = (json as readonly Json[]).map((item) => defaultFromJson(item, items!))
    if (!isMapEntry(items!)) return values
    return new Map((values as { key: Value; value: Value }[]).map((entry) => [entry.key, entry.value]))
  }
  if (!isJsonObject(json)) throw wrongDefault(node)
  if (node.kind === Kind.map) {
    return new Map(Object.entries(json).map(([name, item]) => [name, defaultFromJson(item ?? null, items!)]))
  }
  const record = struct()
  for (const field of node.fields) {
    const item = json[field.name] ?? field.json['default'] ?? null
    record[field.name] = defaultFromJson(item, field.node)
  }
  return record
}

/** A Connect default as an Avro schema writes it. */
export function defaultToJson(value: Value, schema: Schema): Json {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'bigint') return value
  if (Buffer.isBuffer(value)) return value.toString('latin1')
  if (value instanceof Date) return value.getTime() / (schema.name === LOGICAL.date ? MS_PER_DAY : 1)
  if (isDecimal(value)) return unscaledBytes(value.unscaled).toString('latin1')
  if (Array.isArray(value)) {
    return (value as readonly Value[]).map((item) => defaultToJson(item, schema.valueSchema ?? schema))
  }
  if (value instanceof Map) {
    const entries = [...(value as ReadonlyMap<Value, Value>)]
    if (schema.keySchema?.type !== 'STRING' || schema.keySchema.optional) {
      return entries.map(([k, v]) => ({
        key: defaultToJson(k, schema.keySchema ?? schema),
        value: defaultToJson(v, schema.valueSchema ?? schema),
      }))
    }
    return Object.fromEntries(
      entries.map(([k, v]) => [
        typeof k === 'string' ? k : '',
        defaultToJson(v, schema.valueSchema ?? schema),
      ]),
    )
  }
  const record = value as Readonly<Record<string, Value>>
  return Object.fromEntries(
    (schema.fields ?? []).map((field) => [
      field.name,
      defaultToJson(record[field.name] ?? null, field.schema),
    ]),
  )
}
