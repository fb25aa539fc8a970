import { isPrimitive } from './avro-schema.ts'
import type { AvroField, AvroName, AvroSchema, NamedSchema } from './avro-schema.ts'
import { writeJson, writeString } from './json.ts'
import type { JsonObject } from './json.ts'

/**
 * The text by which the registry tells schemas apart and which it stores: what Java Avro's `Schema.toString` writes
 * for the parsed schema, as Confluent's registry does. White space, the order of reserved attributes and redundant
 * namespaces do not count; doc, defaults, aliases and further attributes do.
 *
 * `known` are names that references define; they are written as names.
 */
export function canonicalText(schema: AvroSchema, known: Iterable<string> = []): string {
  return write(schema, null, new Set(known))
}

type Entry = readonly [key: string, json: string]

const object = (entries: readonly Entry[]) =>
  `{${entries.map(([key, json]) => `${writeString(key)}:${json}`).join(',')}}`
const propEntries = (props: JsonObject): Entry[] => [...props].map(([key, value]) => [key, writeJson(value)])

function write(schema: AvroSchema, space: string | null, seen: Set<string>): string {
  switch (schema.type) {
    case 'union':
      return `[${schema.branches.map((branch) => write(branch, space, seen)).join(',')}]`
    case 'array':
      return object([
        ['type', '"array"'],
        ['items', write(schema.items, space, seen)],
        ...propEntries(schema.props),
      ])
    case 'map':
      return object([
        ['type', '"map"'],
        ['values', write(schema.values, space, seen)],
        ...propEntries(schema.props),
      ])
    case 'record':
    case 'enum':
    case 'fixed':
      return writeNamed(schema, space, seen)
    default: {
      const type = writeString(schema.type)
      return schema.props.size === 0 ? type : object([['type', type], ...propEntries(schema.props)])
    }
  }
}

function writeNamed(schema: NamedSchema, space: string | null, seen: Set<string>): string {
  const { name } = schema
  if (seen.has(name.full)) return writeString(qualified(name, space))
  seen.add(name.full)
  const entries: Entry[] = [
    ['type', writeString(schema.type === 'record' && schema.isError ? 'error' : schema.type)],
    ['name', writeString(name.name)],
  ]
  if (name.space !== space) entries.push(['namespace', writeString(name.space ?? '')])
  if (schema.doc !== null) entries.push(['doc', writeString(schema.doc)])
  if (schema.type === 'record') {
    entries.push([
      'fields',
      `[${schema.fields.map((field) => writeField(field, name.space, seen)).join(',')}]`,
    ])
  } else if (schema.type === 'enum') {
    entries.push(['symbols', writeJson(schema.symbols)])
    if (schema.default !== null) entries.push(['default', writeString(schema.default)])
  } else {
    entries.push(['size', String(schema.size)])
  }
  entries.push(...propEntries(schema.props))
  if (schema.aliases.length > 0) {
    entries.push(['aliases', writeJson(schema.aliases.map((alias) => qualified(alias, name.space)))])
  }
  return object(entries)
}

function writeField(field: AvroField, space: string | null, seen: Set<string>): string {
  const entries: Entry[] = [
    ['name', writeString(field.name)],
    ['type', write(field.schema, space, seen)],
  ]
  if (field.doc !== null) entries.push(['doc', writeString(field.doc)])
  if (field.default !== undefined) entries.push(['default', writeJson(field.default)])
  if (field.order !== 'ascending') entries.push(['order', writeString(field.order)])
  if (field.aliases.length > 0) entries.push(['aliases', writeJson(field.aliases)])
  entries.push(...propEntries(field.props))
  return object(entries)
}

function qualified(name: AvroName, space: string | null): string {
  return name.space !== null && name.space === space && !isPrimitive(name.name) ? name.name : name.full
}
