import type { SchemaReference } from './writer-schema.ts'

/** A schema as a registry holds it. */
export interface RegisteredSchema {
  readonly schema: string
  readonly schemaType?: string
  readonly references?: readonly SchemaReference[]
}

/** What a converter asks of a schema registry: one that is reached by HTTP, or one in memory. */
export interface SchemaRegistry {
  /** The same registry, for questions that can stay without an answer: nothing is repeated, no request takes long. */
  hasty(): SchemaRegistry
  /** A schema by id; null where the registry does not know it. */
  schemaById(id: number): Promise<RegisteredSchema | null>
  /** A version of a subject; null where the registry does not know it. */
  schemaVersion(subject: string, version: number | 'latest'): Promise<RegisteredSchema | null>
  /** The id of a schema under a subject; null where it is not registered there. */
  lookup(subject: string, schema: RegisteredSchema): Promise<number | null>
  /** Registers a schema under a subject. A TaskError where the registry refuses it. */
  register(subject: string, schema: RegisteredSchema): Promise<number>
}
