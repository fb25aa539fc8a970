import { isPrimitive } from './avro-schema.ts'
import type { AvroField, AvroSchema, FixedSchema, PrimitiveSchema } from './avro-schema.ts'
import { isJsonArray, isJsonNumber, isJsonObject, javaDouble } from './json.ts'
import type { JsonObject, JsonValue } from './json.ts'

/**
 * The schema with what Confluent's `normalize=true` evens out: further attributes and aliases sorted, an empty doc of
 * a type dropped, defaults written as their type writes them. References to named types keep their identity.
 */
export function normalise(schema: AvroSchema, done = new Map<AvroSchema, AvroSchema>()): AvroSchema {
  const known = done.get(schema)
  if (known !== undefined) return known
  if (schema.type === 'union') {
    return { type: 'union', branches: schema.branches.map((branch) => normalise(branch, done)) }
  }
  const props = sortedProps(schema)
  if (schema.type === 'array') return { type: 'array', items: normalise(schema.items, done), props }
  if (schema.type === 'map') return { type: 'map', values: normalise(schema.values, done), props }
  if (schema.type !== 'record' && schema.type !== 'enum' && schema.type !== 'fixed')
    return { ...schema, props }
  const aliases = schema.aliases.toSorted((a, b) => (a.full < b.full ? -1 : 1))
  const named = { ...schema, doc: schema.doc === '' ? null : schema.doc, aliases, props }
  if (named.type !== 'record') return named
  const record = { ...named, fields: [] as AvroField[] }
  done.set(schema, record)
  for (const field of named.fields) {
    record.fields.push({
      ...field,
      schema: normalise(field.schema, done),
      default: normalDefault(field.schema, field.default),
      aliases: field.aliases.toSorted(),
      props: sorted(field.props),
    })
  }
  return record
}

const sorted = (props: JsonObject): JsonObject => new Map([...props].toSorted(([a], [b]) => (a < b ? -1 : 1)))

/** A primitive's or fixed's logical type comes first, with precision and a scale that is not 0. */
function sortedProps(schema: Exclude<AvroSchema, { type: 'union' }>): JsonObject {
  const rest = sorted(schema.props)
  if (!isScalar(schema) || typeof schema.props.get('logicalType') !== 'string') return rest
  const scale = schema.props.get('scale')
  const first = ['logicalType', 'precision']
  if (!isJsonNumber(scale) || Number(scale.digits) !== 0) first.push('scale')
  const leading = [...schema.props]
    .filter(([key]) => first.includes(key))
    .toSorted(([a], [b]) => first.indexOf(a) - first.indexOf(b))
  return new Map([...leading, ...rest])
}

const isScalar = (schema: AvroSchema): schema is PrimitiveSchema | FixedSchema =>
  schema.type === 'fixed' || isPrimitive(schema.type)

function normalDefault(schema: AvroSchema, value: JsonValue | undefined): JsonValue | undefined {
  if (value === undefined) return undefined
  if (isJsonNumber(value) && (schema.type === 'double' || schema.type === 'float')) {
    return { digits: javaDouble(Number(value.digits)) }
  }
  if (schema.type === 'array' && isJsonArray(value)) {
    return value.map((item) => normalDefault(schema.items, item) ?? null)
  }
  if (schema.type === 'map' && isJsonObject(value)) {
    return new Map([...sorted(value)].map(([key, item]) => [key, normalDefault(schema.values, item) ?? null]))
  }
  if (schema.type === 'union' && schema.branches[0] !== undefined && value !== null) {
    return normalDefault(schema.branches[0], value)
  }
  return value
}
