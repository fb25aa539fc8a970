import { LOGICAL, type Schema } from '../../api/schema.ts'
import { type Json, type JsonObject } from '../exact-json.ts'
import { sameSchema } from '../same-schema.ts'
import { AVRO, unusableSchema } from './connect-names.ts'
import { defaultToJson } from './default-value.ts'
import { type AvroNode, Kind } from './node.ts'
import { namespaceOf } from './parse-schema.ts'
import { originOf } from './to-connect.ts'

type Draft = Record<string, Json | undefined>

const WORDS = {
  INT8: 'int',
  INT16: 'int',
  INT32: 'int',
  INT64: 'long',
  FLOAT32: 'float',
  FLOAT64: 'double',
  BOOLEAN: 'boolean',
  STRING: 'string',
  BYTES: 'bytes',
} as const

const LOGICAL_WORDS: Readonly<Record<string, string>> = {
  [LOGICAL.date]: 'date',
  [LOGICAL.time]: 'time-millis',
  [LOGICAL.timestamp]: 'timestamp-millis',
}

/**
 * The Avro schema of a Connect schema, by the rules of Confluent's AvroData. What came from an Avro schema keeps that
 * schema. Throws DataError `record.schema` for what Avro cannot say.
 */
export function fromConnect(schema: Schema): Json {
  return new AvroSchemaWriter().type(schema, false)
}

/** A field of a record schema: an optional one is nullable with default null, so that it stays compatible. */
export function avroFieldJson(name: string, schema: Schema, doc?: string): JsonObject {
  return new AvroSchemaWriter().field(name, schema, doc)
}

/** An Avro type as JSON with every type it refers to defined inside: it stands alone. */
export function standaloneJson(node: AvroNode): Json {
  return new AvroSchemaWriter().node(node)
}

class AvroSchemaWriter {
  /** Full names that are defined already, and the schema they were defined for. */
  readonly #defined = new Map<string, AvroNode | Schema>()

  type(schema: Schema, asBranch: boolean): Json {
    const origin = originOf(schema)
    if (origin !== undefined)
      return this.node(asBranch ? (origin.flat ? origin.branches[0]! : origin.inner) : origin)
    if (schema.type === 'STRUCT' && schema.name === AVRO.union) return this.#union(schema)
    const json = this.#bare(schema)
    if (!schema.optional || asBranch) return json
    return (schema.default ?? null) === null ? ['null', json] : [json, 'null']
  }

  field(name: string, schema: Schema, doc: string | undefined): JsonObject {
    const json: Draft = { name, type: this.type(schema, false) }
    if (doc !== undefined) json['doc'] = doc
    const value = schema.default ?? null
    if (value !== null) json['default'] = defaultToJson(value, schema)
    else if (schema.optional) json['default'] = null
    return json
  }

  /** An Avro type as it was written, with full names; a second use of a named type is its name. */
  node(node: AvroNode): Json {
    if (node.kind === Kind.union) return node.branches.map((branch) => this.node(branch))
    if (node.kind === Kind.array) return { ...(node.json as JsonObject), items: this.node(node.items!) }
    if (node.kind === Kind.map) return { ...(node.json as JsonObject), values: this.node(node.items!) }
    if (node.kind !== Kind.record && node.kind !== Kind.enum && node.kind !== Kind.fixed) return node.json
    if (this.#defined.has(node.name)) return this.#again(node.name, node)
    this.#defined.set(node.name, node)
    const nested = this.#defined.size > 1
    const json: Draft = { ...(node.json as JsonObject), ...splitName(node.name) }
    if (namespaceOf(node.name) === '') json['namespace'] = nested ? '' : undefined
    if (node.kind === Kind.record) {
      json['fields'] = node.fields.map((field) => ({ ...field.json, type: this.node(field.node) }))
    }
    return json
  }

  #again(name: string, definition: AvroNode | Schema): string {
    const defined = this.#defined.get(name)
    if (defined !== undefined && sameDefinition(defined, definition)) return name
    throw unusableSchema(`it has two different types called "${name}". Rename one of them.`)
  }

  #union(schema: Schema): Json {
    const branches = (schema.fields ?? []).map((field) => this.type(field.schema, true))
    return schema.optional ? ['null', ...branches] : branches
  }

  #bare(schema: Schema): Json {
    const json = this.#plain(schema)
    if (typeof json === 'string') return json
    const draft: Draft = { ...json }
    if (schema.doc !== undefined) draft[AVRO.doc] = schema.doc
    if (schema.version !== undefined) draft[AVRO.version] = schema.version
    if (schema.parameters !== undefined) draft[AVRO.parameters] = { ...schema.parameters }
    if ((schema.default ?? null) !== null && schema.parameters?.[AVRO.fieldDefault] === undefined) {
      draft[AVRO.default] = defaultToJson(schema.default ?? null, schema)
    }
    if (schema.name !== undefined) draft[AVRO.name] = schema.name
    for (const [name, text] of Object.entries(schema.parameters ?? {})) {
      if (name.startsWith(AVRO.anyProperty)) draft[name] = text
    }
    return Object.keys(draft).length === 1 && typeof draft['type'] === 'string' ? draft['type'] : draft
  }

  #plain(schema: Schema): JsonObject | string {
    switch (schema.type) {
      case 'STRUCT':
        return this.#record(schema)
      case 'ARRAY':
        return { type: 'array', items: this.type(partOf(schema.valueSchema), false) }
      case 'MAP':
        return this.#map(schema)
      case 'INT8':
      case 'INT16':
        return { type: 'int', [AVRO.type]: schema.type.toLowerCase() }
      case 'STRING':
        return schema.parameters?.[AVRO.enum] === undefined ? { type: 'string' } : this.#enum(schema)
      case 'BYTES':
        return schema.name === LOGICAL.decimal ? decimalJson(schema) : { type: 'bytes' }
      default: {
        const logical = LOGICAL_WORDS[schema.name ?? '']
        const type = WORDS[schema.type]
        return logical === undefined ? { type } : { type, logicalType: logical }
      }
    }
  }

  #record(schema: Schema): JsonObject | string {
    const name = this.#name(schema.name, AVRO.defaultName, schema)
    if (name === null) return this.#again(schema.name ?? '', schema)
    const fields = (schema.fields ?? []).map((f) =>
      this.field(f.name, f.schema, schema.parameters?.[AVRO.fieldDoc + f.name]),
    )
    const doc = schema.parameters?.[AVRO.recordDoc]
    return { type: 'record', ...splitName(name), ...(doc === undefined ? {} : { doc }), fields }
  }

  #map(schema: Schema): JsonObject {
    const keys = partOf(schema.keySchema)
    const values = partOf(schema.valueSchema)
    if (keys.type === 'STRING' && !keys.optional) return { type: 'map', values: this.type(values, false) }
    const name = this.#name(undefined, `${AVRO.namespace}.${AVRO.mapEntry}`, schema)!
    return {
      type: 'array',
      items: {
        type: 'record',
        ...splitName(name),
        fields: [this.field('key', keys, undefined), this.field('value', values, undefined)],
        [AVRO.internalType]: AVRO.mapEntry,
      },
    }
  }

  #enum(schema: Schema): JsonObject | string {
    const parameters = schema.parameters ?? {}
    const name = parameters[AVRO.enum] ?? ''
    if (this.#defined.has(name)) return this.#again(name, schema)
    this.#defined.set(name, schema)
    const symbols = Object.keys(parameters).filter((p) => p.startsWith(`${AVRO.enum}.`))
    return { type: 'enum', ...splitName(name), symbols: symbols.map((p) => parameters[p] ?? '') }
  }

  /** A name of the schema's own (null where it is defined already), or a numbered one for a schema without. */
  #name(given: string | undefined, fallback: string, schema: Schema): string | null {
    let name = given ?? fallback
    for (let n = 2; given === undefined && this.#defined.has(name); n++) name = `${fallback}${n}`
    if (this.#defined.has(name)) return null
    this.#defined.set(name, schema)
    return name
  }
}

/** Whether two uses of a name mean one type; a use may be optional or have a default of its own. */
function sameDefinition(a: AvroNode | Schema, b: AvroNode | Schema): boolean {
  if (a === b) return true
  if ('kind' in a || 'kind' in b) return false
  return sameSchema({ ...a, optional: false, default: null }, { ...b, optional: false, default: null })
}

function splitName(full: string): { namespace?: string; name: string } {
  const namespace = namespaceOf(full)
  return namespace === '' ? { name: full } : { namespace, name: full.slice(namespace.length + 1) }
}

function partOf(schema: Schema | undefined): Schema {
  if (schema === undefined) throw unusableSchema('an array or map does not say what it holds.')
  return schema
}

function decimalJson(schema: Schema): JsonObject {
  const scale = Number(schema.parameters?.['scale'] ?? NaN)
  const precision = Number(schema.parameters?.[AVRO.precision] ?? 64)
  if (!Number.isInteger(scale)) throw unusableSchema('a Decimal has no scale parameter.')
  return { type: 'bytes', scale, precision, logicalType: 'decimal' }
}
