import { type AvroField, AvroNode, Kind, type KindName, type Logical } from './node.ts'
import { DataError } from '../../api/errors.ts'
import { isJsonObject, type Json, type JsonObject, parseExact } from '../exact-json.ts'
import { MAX_DIGITS } from '../decimals.ts'
import { SCHEMA_LIMITS } from '../limits.ts'
import { measure } from './measure-schema.ts'

/** The named types that a schema may refer to: its own, and those of the schemas it references. */
export type NamedTypes = Map<string, AvroNode>

const PRIMITIVES: ReadonlySet<string> = new Set([
  'null',
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'bytes',
  'string',
])
/** How types are had in Connect, where AvroConverter's keys leave a choice. */
export interface Reading {
  /** A union of one type is that type, as `flatten.singleton.unions` says. */
  readonly flatten: boolean
  /** A union's struct has full names for its named types, as `enhanced.avro.schema.support` says. */
  readonly fullNames: boolean
}

export const DEFAULT_READING: Reading = { flatten: true, fullNames: false }

const NAME = /^[\p{L}_][\p{L}\p{N}_]*$/u

export function invalidSchema(reason: string): DataError {
  return new DataError('schema.invalid', `The Avro schema cannot be used: ${reason}`)
}

/**
 * Parses an Avro schema (specification 1.12) within the limits of `limits.ts`. `named` holds the types of referenced
 * schemas and takes this one's. Throws DataError `schema.invalid`.
 */
export function parseSchema(
  text: string,
  named: NamedTypes = new Map(),
  reading: Reading = DEFAULT_READING,
): AvroNode {
  if (text.length > SCHEMA_LIMITS.text)
    throw invalidSchema(`its text is longer than ${SCHEMA_LIMITS.text} characters.`)
  let json: Json
  try {
    json = parseExact(text)
  } catch (error) {
    throw new DataError('schema.invalid', 'The Avro schema is not valid JSON.', { cause: error })
  }
  return parseSchemaJson(json, named, reading)
}

/** The same, of parsed JSON. */
export function parseSchemaJson(
  json: Json,
  named: NamedTypes = new Map(),
  reading: Reading = DEFAULT_READING,
): AvroNode {
  const root = new SchemaParser(named, reading).parse(json, '', 0)
  measure(root)
  return root
}

class SchemaParser {
  readonly #named: NamedTypes
  readonly #reading: Reading
  #types = 0

  constructor(named: NamedTypes, reading: Reading) {
    this.#named = named
    this.#reading = reading
  }

  parse(json: Json | undefined, namespace: string, depth: number): AvroNode {
    if (depth > SCHEMA_LIMITS.depth)
      throw invalidSchema(`it is nested more than ${SCHEMA_LIMITS.depth} levels deep.`)
    if (++this.#types > SCHEMA_LIMITS.types)
      throw invalidSchema(`it has more than ${SCHEMA_LIMITS.types} types.`)
    if (typeof json === 'string') return this.#word(json, json, namespace)
    if (Array.isArray(json)) return this.#union(json as readonly Json[], namespace, depth)
    if (!isJsonObject(json)) throw invalidSchema('a type is a string, an object or an array.')
    const { type } = json
    switch (type) {
      case 'record':
      case 'error':
        return this.#record(json, namespace, depth)
      case 'enum':
        return this.#enum(json, namespace)
      case 'fixed':
        return this.#fixed(json, namespace)
      case 'array':
      case 'map':
        return this.#collection(type, json, namespace, depth)
      default:
        if (typeof type === 'string') return this.#word(type, json, namespace)
        return this.parse(type, namespace, depth + 1)
    }
  }

  #word(word: string, json: Json, namespace: string): AvroNode {
    if (PRIMITIVES.has(word)) return withLogical(new AvroNode(word as KindName, word, json))
    const full = word.includes('.') || namespace === '' ? word : `${namespace}.${word}`
    const found = this.#named.get(full) ?? this.#named.get(word)
    if (found === undefined) throw invalidSchema(`it names a type "${shown(word)}" that is not defined.`)
    return found
  }

  #union(json: readonly Json[], namespace: string, depth: number): AvroNode {
    const branches = json.map((branch) => this.parse(branch, namespace, depth + 1))
    if (branches.length === 0) throw invalidSchema('a union is empty.')
    if (branches.some((branch) => branch.kind === Kind.union)) throw invalidSchema('a union holds a union.')
    if (new Set(branches.map((branch) => branch.name)).size < branches.length) {
      throw invalidSchema('a union holds a type twice.')
    }
    const node = new AvroNode('union', 'union', json)
    node.branches = branches
    node.branchNames = branches.map((branch) => branchName(branch, this.#reading.fullNames))
    node.flat = branches.length === 1 && this.#reading.flatten
    if (branches.length === 2) node.nullIndex = branches.findIndex((branch) => branch.kind === Kind.null)
    return node
  }

  #record(json: JsonObject, namespace: string, depth: number): AvroNode {
    const node = this.#define('record', json, namespace)
    if (!Array.isArray(json['fields'])) throw invalidSchema(`record "${node.name}" has no fields array.`)
    const names = new Set<string>()
    node.fields = (json['fields'] as readonly Json[]).map((field): AvroField => {
      if (!isJsonObject(field)) throw invalidSchema(`a field of "${node.name}" is not an object.`)
      const name = checkName(field['name'], 'field')
      if (names.has(name)) throw invalidSchema(`record "${node.name}" has field "${name}" twice.`)
      names.add(name)
      return { name, node: this.parse(field['type'], namespaceOf(node.name), depth + 1), json: field }
    })
    return node
  }

  #enum(json: JsonObject, namespace: string): AvroNode {
    const node = this.#define('enum', json, namespace)
    const symbols = json['symbols']
    if (!Array.isArray(symbols)) throw invalidSchema(`enum "${node.name}" has no symbols array.`)
    node.symbols = (symbols as readonly Json[]).map((symbol) => checkName(symbol, 'enum symbol'))
    if (new Set(node.symbols).size < node.symbols.length)
      throw invalidSchema(`enum "${node.name}" has a symbol twice.`)
    return node
  }

  #fixed(json: JsonObject, namespace: string): AvroNode {
    const node = this.#define('fixed', json, namespace)
    const size = json['size']
    if (typeof size !== 'number' || !Number.isInteger(size) || size < 0 || size > 0x7fffffff) {
      throw invalidSchema(`fixed "${node.name}" has no valid size.`)
    }
    node.size = size
    return withLogical(node)
  }

  #collection(word: 'array' | 'map', json: JsonObject, namespace: string, depth: number): AvroNode {
    const node = new AvroNode(word, word, json)
    node.items = this.parse(json[word === 'array' ? 'items' : 'values'], namespace, depth + 1)
    return node
  }

  #define(word: KindName, json: JsonObject, enclosing: string): AvroNode {
    const name = fullName(json, enclosing)
    if (this.#named.has(name)) throw invalidSchema(`it defines the type "${name}" twice.`)
    const node = new AvroNode(word, name, json)
    this.#named.set(name, node)
    return node
  }
}

function branchName(branch: AvroNode, full: boolean): string | null {
  if (branch.kind === Kind.null) return null
  if (branch.kind !== Kind.record && branch.kind !== Kind.enum && branch.kind !== Kind.fixed)
    return branch.word
  return full ? branch.name : simpleName(branch.name)
}

/** The full name of a definition: its own namespace, or that of a dotted name, or the enclosing one. */
function fullName(json: JsonObject, enclosing: string): string {
  const name = json['name']
  if (typeof name !== 'string') throw invalidSchema('a named type has no name.')
  for (const part of name.split('.')) checkName(part, 'type')
  if (name.includes('.')) return name
  const own = json['namespace'] ?? enclosing
  if (typeof own !== 'string') throw invalidSchema(`the namespace of "${name}" is not a string.`)
  if (own !== '') for (const part of own.split('.')) checkName(part, 'namespace')
  return own === '' ? name : `${own}.${name}`
}

export function simpleName(full: string): string {
  return full.slice(full.lastIndexOf('.') + 1)
}

export function namespaceOf(full: string): string {
  return full.slice(0, Math.max(0, full.lastIndexOf('.')))
}

function checkName(name: Json | undefined, what: string): string {
  if (typeof name === 'string' && name.length <= 1024 && NAME.test(name)) return name
  throw invalidSchema(`"${shown(name)}" is not a ${what} name.`)
}

function shown(value: Json | undefined): string {
  return String(typeof value === 'object' ? typeof value : value).slice(0, 60)
}

/** Sets a logical type that Connect has. An unknown or malformed one is ignored, as the specification asks. */
function withLogical(node: AvroNode): AvroNode {
  const word = node.attribute('logicalType')
  const wanted: Partial<Record<KindName, readonly Logical[]>> = {
    bytes: ['decimal'],
    fixed: ['decimal'],
    int: ['date', 'time-millis'],
    long: ['timestamp-millis'],
  }
  const logical = wanted[node.word]?.find((known) => known === word)
  if (logical === undefined) return node
  if (logical === 'decimal') {
    const scale = node.attribute('scale') ?? 0
    const precision = node.attribute('precision')
    if (!isCount(scale) || !isCount(precision) || precision === 0 || scale > precision) return node
    node.scale = scale
    node.precision = precision
  }
  node.logical = logical
  return node
}

function isCount(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_DIGITS
}
