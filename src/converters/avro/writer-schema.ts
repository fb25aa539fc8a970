import { ConnectError, DataError } from '../../api/errors.ts'
import type { Schema } from '../../api/schema.ts'
import type { Json } from '../exact-json.ts'
import type { AvroNode } from './node.ts'
import type { NamedTypes } from './parse-schema.ts'
import { toConnect } from './to-connect.ts'
import { WalkPlan } from './walk.ts'

/** A referenced schema, as the registry names it. */
export interface SchemaReference {
  readonly name: string
  readonly subject: string
  readonly version: number
}

/** The schema that a record was written with, and all that is derived from it once. */
export class WriterSchema {
  readonly root: AvroNode
  readonly references: readonly SchemaReference[]
  /** The named types of the referenced schemas. */
  readonly referenced: ReadonlyMap<string, AvroNode>
  /** The record inside a root that is a record, or a union of a record alone or with null; null for any other root. */
  readonly record: AvroNode | null
  /** The index of null where the root is nullable; −1 otherwise. */
  readonly rootNull: number
  readonly plan: WalkPlan
  /** Field name → its place in the record. */
  readonly fieldIndex: ReadonlyMap<string, number>

  constructor(
    root: AvroNode,
    references: readonly SchemaReference[] = [],
    referenced: NamedTypes = new Map(),
  ) {
    this.root = root
    this.references = references
    this.referenced = referenced
    this.record = root.record
    this.rootNull = this.record === null ? -1 : root.nullIndex
    this.plan = new WalkPlan(this.record ?? root)
    this.fieldIndex = new Map(this.record?.fields.map((field, i) => [field.name, i]))
  }

  /** The root as the schema writes it. */
  get json(): Json {
    return this.root.json
  }

  #connect: Schema | ConnectError | undefined

  /** The Connect schema. Throws DataError `record.schema` where Connect has none. */
  connect(): Schema {
    this.#connect ??= this.#derive()
    if (this.#connect instanceof ConnectError) {
      throw new DataError(this.#connect.code, this.#connect.message)
    }
    return this.#connect
  }

  #derive(): Schema | ConnectError {
    try {
      const schema = toConnect(this.root)
      writers.set(schema, this)
      return schema
    } catch (error) {
      if (error instanceof ConnectError) return error
      throw error
    }
  }

  readonly #fieldSchemas: (Schema | undefined)[] = []

  fieldSchema(field: number): Schema {
    return (this.#fieldSchemas[field] ??= toConnect(this.record!.fields[field]!.node))
  }
}

const writers = new WeakMap<Schema, WriterSchema>()

/** The writer schema that a record's Connect schema stands for. */
export function writerOf(schema: Schema): WriterSchema | undefined {
  return writers.get(schema)
}
