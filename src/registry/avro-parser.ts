import { aliases, checkName, namedParts, props, shorten, text } from './avro-attributes.ts'
import { branchName, isPrimitive } from './avro-schema.ts'
import type { AvroField, AvroName, AvroSchema, NamedSchema, RecordSchema } from './avro-schema.ts'
import { floatDefault, isValidDefault } from './avro-defaults.ts'
import { invalidSchema } from './errors.ts'
import { isIntegral, isJsonArray, isJsonNumber, isJsonObject, parseJson, writeJson } from './json.ts'
import type { JsonObject, JsonValue } from './json.ts'

/** In characters. */
export const MAX_SCHEMA_LENGTH = 1 << 20
/** JSON nesting; a record in a record in a record … costs three levels each. */
export const MAX_SCHEMA_DEPTH = 300
const MAX_DEFAULT_STEPS = 1_000_000
const MAX_FIXED_SIZE = 0x7fffffff - 8

const SCHEMA_RESERVED = [
  'doc',
  'fields',
  'items',
  'name',
  'namespace',
  'size',
  'symbols',
  'values',
  'type',
  'aliases',
]
const ENUM_RESERVED = [...SCHEMA_RESERVED, 'default']
const FIELD_RESERVED = ['default', 'doc', 'name', 'order', 'type', 'aliases']

/** Named types by full name. */
export type NamedTypes = Map<string, NamedSchema>

export interface ParseOptions {
  /** Types of referenced schemas; those that the text defines are added. */
  readonly names: NamedTypes
  /** False for what a more lenient registry has stored already. */
  readonly validateDefaults: boolean
}

/**
 * Parses and checks the text of an Avro schema by the rules of Java Avro 1.12, except that a name must be defined
 * before it is used and only once, as the specification has it. Throws the error 42201.
 */
export function parseAvroSchema(text: string, options: ParseOptions): AvroSchema {
  if (text.trim() === '') throw invalidSchema('it is empty')
  if (text.length > MAX_SCHEMA_LENGTH) {
    throw invalidSchema(`it has ${text.length} characters; the limit is ${MAX_SCHEMA_LENGTH}`)
  }
  let json: JsonValue
  try {
    json = parseJson(text, MAX_SCHEMA_DEPTH)
  } catch (error) {
    throw invalidSchema(`it is not usable JSON: ${(error as SyntaxError).message}`)
  }
  return new AvroParser(options).parse(json)
}

class AvroParser {
  readonly #options: ParseOptions
  readonly #defaults: { field: AvroField; record: AvroName }[] = []

  constructor(options: ParseOptions) {
    this.#options = options
  }

  parse(json: JsonValue): AvroSchema {
    const schema = this.#schema(json, null)
    // Only now are the fields of recursive records known.
    const budget = { steps: MAX_DEFAULT_STEPS }
    for (const { field, record } of this.#defaults) {
      if (!isValidDefault(field.schema, field.default, budget)) {
        const value = shorten(writeJson(field.default ?? null))
        const type = branchName(field.schema)
        throw invalidSchema(
          `the default ${value} of field ${field.name} in ${record.full} is not a valid ${type}`,
        )
      }
    }
    return schema
  }

  #schema(json: JsonValue, space: string | null): AvroSchema {
    if (typeof json === 'string') return this.#named(json, space)
    if (isJsonArray(json)) return this.#union(json, space)
    if (!isJsonObject(json)) throw invalidSchema(`${shorten(writeJson(json))} is not a schema`)
    const type = text(json, 'type')
    if (type === null) throw invalidSchema(`no type in ${shorten(writeJson(json))}`)
    if (isPrimitive(type)) return { type, props: props(json, SCHEMA_RESERVED) }
    if (type === 'record' || type === 'error') return this.#record(json, space, type === 'error')
    if (type === 'enum') return this.#enum(json, space)
    if (type === 'fixed') return this.#fixed(json, space)
    if (type === 'array') {
      return { type, items: this.#part(json, 'items', space), props: props(json, SCHEMA_RESERVED) }
    }
    if (type === 'map') {
      return { type, values: this.#part(json, 'values', space), props: props(json, SCHEMA_RESERVED) }
    }
    return this.#named(type, space)
  }

  #part(json: JsonObject, key: string, space: string | null): AvroSchema {
    const part = json.get(key)
    if (part === undefined) throw invalidSchema(`no ${key} in ${shorten(writeJson(json))}`)
    return this.#schema(part, space)
  }

  #named(name: string, space: string | null): AvroSchema {
    if (isPrimitive(name)) return { type: name, props: new Map() }
    const { names } = this.#options
    const inSpace = space !== null && !name.includes('.') ? names.get(`${space}.${name}`) : undefined
    const schema = inSpace ?? names.get(name)
    if (schema !== undefined) return schema
    throw invalidSchema(
      `"${shorten(name)}" is not a defined name; define it before its use, or add a reference`,
    )
  }

  #union(json: readonly JsonValue[], space: string | null): AvroSchema {
    const seen = new Set<string>()
    const branches = json.map((item) => {
      const branch = this.#schema(item, space)
      if (branch.type === 'union') throw invalidSchema('a union may not directly contain a union')
      const name = branchName(branch)
      if (seen.has(name)) throw invalidSchema(`duplicate in union: ${name}`)
      seen.add(name)
      return branch
    })
    return { type: 'union', branches }
  }

  #record(json: JsonObject, space: string | null, isError: boolean): RecordSchema {
    const common = namedParts(json, space)
    const fields = json.get('fields')
    if (!isJsonArray(fields)) throw invalidSchema(`record ${common.name.full} has no fields`)
    const record: RecordSchema = {
      type: 'record',
      ...common,
      isError,
      fields: [],
      props: props(json, SCHEMA_RESERVED),
    }
    this.#define(record)
    const seen = new Set<string>()
    for (const item of fields) {
      const field = this.#field(item, record)
      if (seen.has(field.name))
        throw invalidSchema(`duplicate field ${field.name} in record ${common.name.full}`)
      seen.add(field.name)
      record.fields.push(field)
    }
    return record
  }

  #field(json: JsonValue, record: RecordSchema): AvroField {
    if (!isJsonObject(json)) throw invalidSchema(`a field of ${record.name.full} is not an object`)
    const name = text(json, 'name')
    if (name === null) throw invalidSchema(`a field of ${record.name.full} has no name`)
    checkName(name)
    const schema = this.#part(json, 'type', record.name.space)
    const order = json.get('order') === undefined ? 'ascending' : text(json, 'order')?.toLowerCase()
    if (order !== 'ascending' && order !== 'descending' && order !== 'ignore') {
      throw invalidSchema(`the order of field ${name} must be ascending, descending or ignore`)
    }
    const given = json.get('default')
    const field: AvroField = {
      name,
      schema,
      doc: text(json, 'doc'),
      default: schema.type === 'float' || schema.type === 'double' ? floatDefault(given) : given,
      order,
      aliases: aliases(json),
      props: props(json, FIELD_RESERVED),
    }
    if (this.#options.validateDefaults && given !== undefined) {
      this.#defaults.push({ field, record: record.name })
    }
    return field
  }

  #enum(json: JsonObject, space: string | null): AvroSchema {
    const common = namedParts(json, space)
    const { full } = common.name
    const list = json.get('symbols')
    if (!isJsonArray(list)) throw invalidSchema(`enum ${full} has no symbols`)
    const symbols = list.map((symbol) => {
      if (typeof symbol !== 'string') throw invalidSchema(`a symbol of enum ${full} is not a string`)
      checkName(symbol)
      return symbol
    })
    if (new Set(symbols).size < symbols.length) throw invalidSchema(`enum ${full} has a duplicate symbol`)
    const fallback = text(json, 'default')
    if (fallback !== null && !symbols.includes(fallback)) {
      throw invalidSchema(`the default ${shorten(fallback)} of enum ${full} is not one of its symbols`)
    }
    return this.#define({
      type: 'enum',
      ...common,
      symbols,
      default: fallback,
      props: props(json, ENUM_RESERVED),
    })
  }

  #fixed(json: JsonObject, space: string | null): AvroSchema {
    const common = namedParts(json, space)
    const given = json.get('size')
    const size = isJsonNumber(given) && isIntegral(given) ? Number(given.digits) : -1
    if (size < 0 || size > MAX_FIXED_SIZE) {
      throw invalidSchema(`fixed ${common.name.full} needs a size between 0 and ${MAX_FIXED_SIZE}`)
    }
    return this.#define({ type: 'fixed', ...common, size, props: props(json, SCHEMA_RESERVED) })
  }

  #define<S extends NamedSchema>(schema: S): S {
    const { full } = schema.name
    if (this.#options.names.has(full)) throw invalidSchema(`can't redefine: ${full}`)
    this.#options.names.set(full, schema)
    return schema
  }
}
