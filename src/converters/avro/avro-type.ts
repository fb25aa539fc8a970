import type { Schema } from '../../api/schema.ts'
import { isJsonObject, type Json, type JsonObject, parseExact } from '../exact-json.ts'
import { type AvroNode, Kind, type KindName } from './node.ts'
import { parseSchema, parseSchemaJson } from './parse-schema.ts'
import { toConnect } from './to-connect.ts'

/** A type of an Avro schema, as a plugin reads it. References to named types are replaced by what they name. */
export interface AvroType {
  /** Avro's word: `long`, `record`, `union`, … */
  readonly type: KindName
  /** The full name of a record, enum or fixed; else the word. */
  readonly name: string
  /** What its definition says: `logicalType`, `symbols`, `size`, … Empty where the type is written as a word. */
  readonly attributes: JsonObject
  /** How Connect has its values; null for the type null. */
  readonly connect: Schema | null
  /** Of a record. */
  readonly fields: readonly AvroTypeField[]
  /** Of an array or a map: the type of its values. */
  readonly items: AvroType | null
  /** Of a union. */
  readonly branches: readonly AvroBranch[]
}

export interface AvroTypeField {
  readonly name: string
  readonly type: AvroType
  /** What the schema says of the field: `default`, `doc`, … */
  readonly attributes: JsonObject
}

export interface AvroBranch {
  readonly type: AvroType
  /** Where Connect has the union as a struct: the field of this branch. Null for the type null, and for all of other unions. */
  readonly field: string | null
}

export interface AvroSchema {
  /** The schema as JSON; integers that a double does not hold are bigints. */
  readonly json: Json
  readonly type: AvroType
  readonly schema: Schema
}

/**
 * Reads an Avro schema from its text. `own` is an attribute that is the reader's alone: it is in `type`, and not in
 * `schema`, so that no converter writes it to a schema registry.
 * @throws DataError `schema.invalid` for what is no Avro schema, `record.schema` for what Connect has no schema for
 */
export function readAvroSchema(text: string, own: string): AvroSchema {
  parseSchema(text) // says what is wrong with the text
  const json = parseExact(text)
  const schema = toConnect(parseSchemaJson(without(own, json)))
  return { json, type: typeOf(parseSchemaJson(json)), schema }
}

function typeOf(node: AvroNode): AvroType {
  const isStruct = node.kind === Kind.union && node.nullIndex < 0 && !node.flat
  return {
    type: node.word,
    name: node.name,
    attributes: isJsonObject(node.json) ? node.json : {},
    connect: node.kind === Kind.null ? null : toConnect(node),
    fields: node.fields.map(({ name, node: type, json }) => ({ name, type: typeOf(type), attributes: json })),
    items: node.items === null ? null : typeOf(node.items),
    branches: node.branches.map((branch, i) => ({
      type: typeOf(branch),
      field: isStruct ? (node.branchNames[i] ?? null) : null,
    })),
  }
}

/** Defaults are values: what looks like the attribute there is a key of a map. */
function without(own: string, json: Json | undefined): Json {
  if (Array.isArray(json)) return (json as readonly Json[]).map((item) => without(own, item))
  if (!isJsonObject(json)) return json ?? null
  return Object.fromEntries(
    Object.entries(json)
      .filter(([name]) => name !== own)
      .map(([name, value]) => [name, name === 'default' ? value : without(own, value)]),
  )
}
