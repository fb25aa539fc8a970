import type { AvroSchema, EnumSchema, FixedSchema, NamedSchema, RecordSchema } from './avro-schema.ts'
import { invalidSchema } from './errors.ts'

export type IncompatibilityKind =
  | 'NAME_MISMATCH'
  | 'FIXED_SIZE_MISMATCH'
  | 'MISSING_ENUM_SYMBOLS'
  | 'READER_FIELD_MISSING_DEFAULT_VALUE'
  | 'TYPE_MISMATCH'
  | 'MISSING_UNION_BRANCH'
  /** A reader's field that matches two fields of the writer by its name and aliases; Java Avro throws. */
  | 'AMBIGUOUS_FIELD'

export interface Incompatibility {
  readonly kind: IncompatibilityKind
  /** As Java Avro words it. */
  readonly message: string
  /** Where in the reader's schema, as a JSON pointer, e.g. `/fields/1/type`. */
  readonly path: string
}

/** Pairs of nodes to compare: two unions of n branches make n² of them. */
const MAX_PAIRS = 200_000
const MAX_DEPTH = 1_000

const PROMOTIONS: Readonly<Record<string, readonly string[]>> = {
  long: ['int'],
  float: ['int', 'long'],
  double: ['int', 'long', 'float'],
  bytes: ['string'],
  string: ['bytes'],
}

/**
 * What keeps `reader` from reading data of `writer`, by the rules of Java Avro's SchemaCompatibility (schema
 * resolution of the Avro specification, with named types compared by their short names); empty when nothing does.
 * Throws 42201 for a pair that is too complex to compare.
 */
export function incompatibilities(reader: AvroSchema, writer: AvroSchema): readonly Incompatibility[] {
  return new Comparison().compare(reader, writer, [])
}

class Comparison {
  /** A pair under way counts as compatible until proven otherwise, which ends recursion. */
  readonly #known = new Map<AvroSchema, Map<AvroSchema, readonly Incompatibility[]>>()
  #pairs = 0
  #depth = 0

  compare(reader: AvroSchema, writer: AvroSchema, path: readonly string[]): readonly Incompatibility[] {
    let known = this.#known.get(reader)
    if (known === undefined) {
      known = new Map<AvroSchema, readonly Incompatibility[]>()
      this.#known.set(reader, known)
    }
    const before = known.get(writer)
    if (before !== undefined) return before
    if (++this.#pairs > MAX_PAIRS || this.#depth >= MAX_DEPTH) {
      throw invalidSchema('it is too large or too deeply nested to be compared with an earlier version')
    }
    known.set(writer, [])
    this.#depth++
    const found = this.#compareNew(reader, writer, path)
    this.#depth--
    known.set(writer, found)
    return found
  }

  #compareNew(reader: AvroSchema, writer: AvroSchema, path: readonly string[]): readonly Incompatibility[] {
    if (writer.type === 'union') {
      return writer.branches.flatMap((branch, index) => {
        const at = [...path, String(index)]
        if (reader.type !== 'union') return this.compare(reader, branch, at)
        const isReadable = this.compare(reader, branch, []).length === 0
        return isReadable ? [] : missingBranch(branch, at)
      })
    }
    if (reader.type === 'union') {
      const isReadable = reader.branches.some((branch) => this.compare(branch, writer, []).length === 0)
      return isReadable ? [] : missingBranch(writer, path)
    }
    if (reader.type === 'array' && writer.type === 'array') {
      return this.compare(reader.items, writer.items, [...path, 'items'])
    }
    if (reader.type === 'map' && writer.type === 'map') {
      return this.compare(reader.values, writer.values, [...path, 'values'])
    }
    if (reader.type === 'fixed' && writer.type === 'fixed') {
      return [...compareNames(reader, writer, path), ...compareSizes(reader, writer, path)]
    }
    if (reader.type === 'enum' && writer.type === 'enum') {
      return [...compareNames(reader, writer, path), ...compareSymbols(reader, writer, path)]
    }
    if (reader.type === 'record' && writer.type === 'record') {
      return [...compareNames(reader, writer, path), ...this.#compareFields(reader, writer, path)]
    }
    const isReadable = reader.type === writer.type || PROMOTIONS[reader.type]?.includes(writer.type) === true
    return isReadable ? [] : typeMismatch(reader, writer, path)
  }

  #compareFields(reader: RecordSchema, writer: RecordSchema, path: readonly string[]) {
    const written = new Map(writer.fields.map((field) => [field.name, field]))
    return reader.fields.flatMap((field, index) => {
      const at = [...path, 'fields', String(index)]
      const matches = [field.name, ...field.aliases].flatMap((name) => written.get(name) ?? [])
      const match = matches[0]
      if (matches.length > 1) {
        const message = `Reader record field ${field.name} matches multiple fields in writer record schema`
        return [difference('AMBIGUOUS_FIELD', message, at)]
      }
      if (match !== undefined) return this.compare(field.schema, match.schema, [...at, 'type'])
      if (field.default !== undefined) return []
      if (field.schema.type === 'enum' && field.schema.default !== null) {
        return this.compare(field.schema, writer, [...at, 'type'])
      }
      return [difference('READER_FIELD_MISSING_DEFAULT_VALUE', field.name, at)]
    })
  }
}

function compareNames(reader: NamedSchema, writer: NamedSchema, path: readonly string[]) {
  const isSame =
    reader.name.name === writer.name.name ||
    reader.aliases.some(
      (alias) => alias.full === writer.name.full && (alias.space !== null || reader.name.space === null),
    )
  return isSame ? [] : [difference('NAME_MISMATCH', `expected: ${writer.name.full}`, [...path, 'name'])]
}

function compareSizes(reader: FixedSchema, writer: FixedSchema, path: readonly string[]) {
  if (reader.size === writer.size) return []
  const message = `expected: ${writer.size}, found: ${reader.size}`
  return [difference('FIXED_SIZE_MISMATCH', message, [...path, 'size'])]
}

function compareSymbols(reader: EnumSchema, writer: EnumSchema, path: readonly string[]) {
  const known = new Set(reader.symbols)
  const missing = writer.symbols.filter((symbol) => !known.has(symbol)).toSorted()
  if (missing.length === 0 || reader.default !== null) return []
  return [difference('MISSING_ENUM_SYMBOLS', `[${missing.join(', ')}]`, [...path, 'symbols'])]
}

const missingBranch = (writer: AvroSchema, path: readonly string[]) => [
  difference('MISSING_UNION_BRANCH', `reader union lacking writer type: ${writer.type.toUpperCase()}`, path),
]

const typeMismatch = (reader: AvroSchema, writer: AvroSchema, path: readonly string[]) => [
  difference(
    'TYPE_MISMATCH',
    `reader type: ${reader.type.toUpperCase()} not compatible with writer type: ${writer.type.toUpperCase()}`,
    path,
  ),
]

const difference = (
  kind: IncompatibilityKind,
  message: string,
  path: readonly string[],
): Incompatibility => ({
  kind,
  message,
  path: `/${path.join('/')}`,
})
