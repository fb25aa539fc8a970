import type { Json } from '../exact-json.ts'

/** The kinds of Avro types, as small integers for switches. */
export const Kind = {
  null: 0,
  boolean: 1,
  int: 2,
  long: 3,
  float: 4,
  double: 5,
  bytes: 6,
  string: 7,
  fixed: 8,
  enum: 9,
  array: 10,
  map: 11,
  union: 12,
  record: 13,
} as const
export type KindName = keyof typeof Kind

export type Logical = 'decimal' | 'date' | 'time-millis' | 'timestamp-millis'

export interface AvroField {
  readonly name: string
  readonly node: AvroNode
  /** The field as the schema writes it: type, default, doc, … */
  readonly json: { readonly [name: string]: Json | undefined }
}

/** One type of a parsed Avro schema. One class for all kinds, so that what walks a schema stays monomorphic. */
export class AvroNode {
  readonly kind: number
  readonly word: KindName
  /** The full name of a record, enum or fixed; else the type's word. */
  readonly name: string
  /** The type as the schema defines it. */
  readonly json: Json
  /** `fixed` only: bytes. */
  size = 0
  /** `enum` only. */
  symbols: readonly string[] = []
  /** `record` only. */
  fields: readonly AvroField[] = []
  /** `union` only. */
  branches: readonly AvroNode[] = []
  /** `union` only: the struct field of each branch where Connect has the union as a struct; null for the null branch. */
  branchNames: readonly (string | null)[] = []
  /** A `union` of one type that Connect has as that type. */
  flat = false
  /** `array` and `map` only. */
  items: AvroNode | null = null
  /** `union` of null and one other type: the index of null; −1 for any other union and type. */
  nullIndex = -1
  logical: Logical | null = null
  /** `decimal` only. */
  scale = 0
  precision = 0
  /** The fewest bytes that a value takes. */
  minSize = 0

  constructor(word: KindName, name: string, json: Json) {
    this.kind = Kind[word]
    this.word = word
    this.name = name
    this.json = json
  }

  #symbolIndex: ReadonlyMap<string, number> | undefined

  /** `enum` only: the place of each symbol. */
  get symbolIndex(): ReadonlyMap<string, number> {
    return (this.#symbolIndex ??= new Map(this.symbols.map((symbol, i) => [symbol, i])))
  }

  /** The type that is not null of a union of null and one other type; any other type is itself. */
  get inner(): AvroNode {
    return this.nullIndex < 0 ? this : (this.branches[1 - this.nullIndex] as AvroNode)
  }

  /** The record of a type that Connect has as a struct of its fields, null aside; null for any other type. */
  get record(): AvroNode | null {
    const type = this.flat ? (this.branches[0] as AvroNode) : this.inner
    return type.kind === Kind.record ? type : null
  }

  /** The attribute of the type's definition; undefined where the type is written as a word. */
  attribute(name: string): Json | undefined {
    const { json } = this
    return typeof json === 'object' && json !== null && !Array.isArray(json)
      ? (json as { [name: string]: Json | undefined })[name]
      : undefined
  }
}
