import { type Field, LOGICAL, type Schema, type Value } from '../../api/schema.ts'
import { isJsonObject, type Json } from '../exact-json.ts'
import { AVRO, isMapEntry, unusableSchema } from './connect-names.ts'
import { defaultFromJson } from './default-value.ts'
import { isRecursive } from './measure-schema.ts'
import { type AvroField, type AvroNode, Kind } from './node.ts'
import { simpleName } from './parse-schema.ts'

const TYPES = {
  [Kind.boolean]: 'BOOLEAN',
  [Kind.int]: 'INT32',
  [Kind.long]: 'INT64',
  [Kind.float]: 'FLOAT32',
  [Kind.double]: 'FLOAT64',
  [Kind.bytes]: 'BYTES',
  [Kind.fixed]: 'BYTES',
  [Kind.string]: 'STRING',
  [Kind.enum]: 'STRING',
  [Kind.array]: 'ARRAY',
  [Kind.map]: 'MAP',
  [Kind.record]: 'STRUCT',
  [Kind.union]: 'STRUCT',
} as const

const LOGICAL_NAMES = {
  decimal: LOGICAL.decimal,
  date: LOGICAL.date,
  'time-millis': LOGICAL.time,
  'timestamp-millis': LOGICAL.timestamp,
} as const

/** The Avro type that a Connect schema was made of, so that untouched fields keep it word for word. */
const origins = new WeakMap<Schema, AvroNode>()

export function originOf(schema: Schema): AvroNode | undefined {
  return origins.get(schema)
}

/**
 * The Connect schema of an Avro type, by the rules of Confluent's AvroData (its defaults: `connect.meta.data` on,
 * `enhanced.avro.schema.support` off). Throws DataError `record.schema` for what Connect has no schema for.
 */
export function toConnect(root: AvroNode): Schema {
  if (isRecursive(root)) throw unusableSchema('it is recursive, and Connect schemas are trees.')
  return connectSchema(root, false, undefined)
}

function connectSchema(node: AvroNode, optional: boolean, field: AvroField | undefined): Schema {
  if (node.kind === Kind.null) throw unusableSchema('Connect has no type for a null outside of a union.')
  if (node.nullIndex >= 0 || node.flat) {
    const inner = node.flat ? node.branches[0]! : node.inner
    const schema = withFieldDefault(connectSchema(inner, optional || !node.flat, undefined), node, field)
    origins.set(schema, node)
    return schema
  }
  const withNull = node.kind === Kind.union && node.branches.some((branch) => branch.kind === Kind.null)
  const schema: Schema = {
    type: connectType(node),
    optional: optional || withNull,
    ...named(node),
    ...parts(node),
    ...parameters(node, field),
    ...ownDefault(node, field),
  }
  if (!optional) origins.set(schema, node)
  return schema
}

function withFieldDefault(inner: Schema, node: AvroNode, field: AvroField | undefined): Schema {
  const json = field?.json['default']
  if (json === undefined) return { ...inner }
  const value = json === null ? null : defaultFromJson(json, node)
  return { ...inner, default: value }
}

function connectType(node: AvroNode): Schema['type'] {
  if (node.kind === Kind.int && node.logical === null) {
    const type = node.attribute(AVRO.type)
    if (type === 'int8') return 'INT8'
    if (type === 'int16') return 'INT16'
  }
  if (node.kind === Kind.array && isMapEntry(node.items!)) return 'MAP'
  return TYPES[node.kind as keyof typeof TYPES]
}

function named(node: AvroNode): Pick<Schema, 'name' | 'version' | 'doc'> {
  const given = node.attribute(AVRO.name)
  const doc = node.attribute(AVRO.doc)
  const version = node.attribute(AVRO.version) ?? (node.logical === null ? undefined : 1)
  const name =
    node.logical === null ? (typeof given === 'string' ? given : typeName(node)) : LOGICAL_NAMES[node.logical]
  return {
    ...(name === undefined ? {} : { name }),
    ...(typeof version === 'number' ? { version } : {}),
    ...(typeof doc === 'string' ? { doc } : {}),
  }
}

function typeName(node: AvroNode): string | undefined {
  if (node.kind === Kind.union) return AVRO.union
  if (node.kind !== Kind.record && node.kind !== Kind.enum) return undefined
  return node.name === AVRO.defaultName ? undefined : node.name
}

function parts(node: AvroNode): Pick<Schema, 'fields' | 'keySchema' | 'valueSchema'> {
  if (node.kind === Kind.record) {
    return {
      fields: node.fields.map((f): Field => ({ name: f.name, schema: connectSchema(f.node, false, f) })),
    }
  }
  if (node.kind === Kind.union) return { fields: unionFields(node) }
  if (node.kind === Kind.map) {
    return {
      keySchema: { type: 'STRING', optional: false },
      valueSchema: connectSchema(node.items!, false, undefined),
    }
  }
  if (node.kind !== Kind.array) return {}
  const items = node.items!
  if (!isMapEntry(items)) return { valueSchema: connectSchema(items, false, undefined) }
  const part = (name: string) => items.fields.find((field) => field.name === name)!.node
  return {
    keySchema: connectSchema(part('key'), false, undefined),
    valueSchema: connectSchema(part('value'), false, undefined),
  }
}

function unionFields(union: AvroNode): readonly Field[] {
  const fields: Field[] = []
  const names = new Set<string>()
  for (const [i, name] of union.branchNames.entries()) {
    if (name === null) continue
    if (names.has(name)) {
      throw unusableSchema(`two branches of a union are called "${name}".`)
    }
    names.add(name)
    fields.push({ name, schema: connectSchema(union.branches[i]!, true, undefined) })
  }
  return fields
}

function parameters(node: AvroNode, field: AvroField | undefined): Pick<Schema, 'parameters'> {
  const found: Record<string, string> = Object.create(null) as Record<string, string>
  if (node.logical === 'decimal') {
    found['scale'] = String(node.scale)
    if (node.precision !== 64) found[AVRO.precision] = String(node.precision)
  }
  if (node.kind === Kind.fixed) found[AVRO.fixedSize] = String(node.size)
  if (node.kind === Kind.enum) enumParameters(node, found)
  if (node.kind === Kind.record) docParameters(node, found)
  const given = node.attribute(AVRO.parameters)
  if (isJsonObject(given)) copyTexts(given, '', found)
  if (isJsonObject(node.json)) copyTexts(node.json, AVRO.anyProperty, found)
  if (hasFieldDefault(node, field)) found[AVRO.fieldDefault] = 'true'
  return Object.keys(found).length === 0 ? {} : { parameters: found }
}

function enumParameters(node: AvroNode, found: Record<string, string>): void {
  const doc = node.attribute('doc')
  const fallback = node.attribute('default')
  if (typeof doc === 'string') found[AVRO.enumDoc + simpleName(node.name)] = doc
  if (typeof fallback === 'string') found[AVRO.enumDefault + simpleName(node.name)] = fallback
  found[AVRO.enum] = node.name
  for (const symbol of node.symbols) found[`${AVRO.enum}.${symbol}`] = symbol
}

function docParameters(node: AvroNode, found: Record<string, string>): void {
  const doc = node.attribute('doc')
  if (typeof doc === 'string') found[AVRO.recordDoc] = doc
  for (const field of node.fields) {
    const fieldDoc = field.json['doc']
    if (typeof fieldDoc === 'string') found[AVRO.fieldDoc + field.name] = fieldDoc
  }
}

function copyTexts(
  from: { readonly [name: string]: Json | undefined },
  prefix: string,
  to: Record<string, string>,
) {
  for (const [name, text] of Object.entries(from)) {
    if (name.startsWith(prefix) && typeof text === 'string') to[name] = text
  }
}

function hasFieldDefault(node: AvroNode, field: AvroField | undefined): boolean {
  return (field?.json['default'] ?? undefined) !== undefined && node.attribute(AVRO.default) === undefined
}

function ownDefault(node: AvroNode, field: AvroField | undefined): { readonly default?: Value } {
  const json = field?.json['default'] ?? node.attribute(AVRO.default)
  return json === undefined || json === null ? {} : { default: defaultFromJson(json, node) }
}
