/** Parsed Avro schemas (Avro specification 1.12), as the registry compares and writes them. */
import type { JsonObject, JsonValue } from './json.ts'

export const PRIMITIVES = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const
export type PrimitiveType = (typeof PRIMITIVES)[number]

export interface AvroName {
  readonly name: string
  /** null in the null namespace. */
  readonly space: string | null
  readonly full: string
}

interface Node {
  /** Attributes that the specification does not reserve (`logicalType`, `connect.*`, …), in their order. */
  readonly props: JsonObject
}
interface NamedNode extends Node {
  readonly name: AvroName
  readonly doc: string | null
  readonly aliases: readonly AvroName[]
}

export interface AvroField {
  readonly name: string
  readonly schema: AvroSchema
  readonly doc: string | null
  /** undefined = none; null is the default `null`. */
  readonly default: JsonValue | undefined
  readonly order: 'ascending' | 'descending' | 'ignore'
  readonly aliases: readonly string[]
  readonly props: JsonObject
}

export interface PrimitiveSchema extends Node {
  readonly type: PrimitiveType
}
export interface RecordSchema extends NamedNode {
  readonly type: 'record'
  /** An `error` of an Avro protocol: a record in every respect but its word. */
  readonly isError: boolean
  /** Filled after its creation, so that a record can refer to itself. */
  readonly fields: AvroField[]
}
export interface EnumSchema extends NamedNode {
  readonly type: 'enum'
  readonly symbols: readonly string[]
  readonly default: string | null
}
export interface FixedSchema extends NamedNode {
  readonly type: 'fixed'
  readonly size: number
}
export interface ArraySchema extends Node {
  readonly type: 'array'
  readonly items: AvroSchema
}
export interface MapSchema extends Node {
  readonly type: 'map'
  readonly values: AvroSchema
}
export interface UnionSchema {
  readonly type: 'union'
  readonly branches: readonly AvroSchema[]
}
export type NamedSchema = RecordSchema | EnumSchema | FixedSchema
export type AvroSchema = PrimitiveSchema | NamedSchema | ArraySchema | MapSchema | UnionSchema

export const isPrimitive = (name: string): name is PrimitiveType =>
  (PRIMITIVES as readonly string[]).includes(name)

/** What tells branches of a union apart: the full name, or the type. */
export function branchName(schema: AvroSchema): string {
  return schema.type === 'record' || schema.type === 'enum' || schema.type === 'fixed'
    ? schema.name.full
    : schema.type
}
