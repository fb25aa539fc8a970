import type { RegisteredSchema, SchemaRegistry } from './schema-registry.ts'

const MOCK_URL = /^mock:\/\/([\w.-]+)$/

/** The scope of `mock://scope`; undefined for any other URL. */
export function mockScope(url: string): string | undefined {
  return MOCK_URL.exec(url)?.[1]
}

/**
 * A schema registry in the memory of this process: ids from 1 on, one per schema text, and versions by subject. It takes
 * every schema, whatever a subject had before.
 */
export class MemoryRegistry implements SchemaRegistry {
  readonly #schemas: RegisteredSchema[] = []
  readonly #ids = new Map<string, number>()
  /** The ids of a subject's versions, the first version first. */
  readonly #subjects = new Map<string, number[]>()

  hasty(): SchemaRegistry {
    return this
  }

  schemaById(id: number): Promise<RegisteredSchema | null> {
    return Promise.resolve(this.#schemas[id - 1] ?? null)
  }

  schemaVersion(subject: string, version: number | 'latest'): Promise<RegisteredSchema | null> {
    const id = this.#subjects.get(subject)?.at(version === 'latest' ? -1 : version - 1)
    return Promise.resolve(id === undefined ? null : (this.#schemas[id - 1] ?? null))
  }

  lookup(subject: string, schema: RegisteredSchema): Promise<number | null> {
    const id = this.#ids.get(keyOf(schema))
    const isThere = id !== undefined && this.#subjects.get(subject)?.includes(id) === true
    return Promise.resolve(isThere ? id : null)
  }

  register(subject: string, schema: RegisteredSchema): Promise<number> {
    const key = keyOf(schema)
    const id = this.#ids.get(key) ?? this.#schemas.push(schema)
    this.#ids.set(key, id)
    const versions = this.#subjects.get(subject) ?? []
    if (!versions.includes(id)) this.#subjects.set(subject, [...versions, id])
    return Promise.resolve(id)
  }
}

function keyOf({ schema, schemaType = 'AVRO', references = [] }: RegisteredSchema): string {
  return JSON.stringify([schemaType, schema, references])
}

const registries = new Map<string, MemoryRegistry>()

/** The registry of `mock://scope`: all converters of this process that name the scope share it. */
export function memoryRegistry(scope: string): MemoryRegistry {
  let registry = registries.get(scope)
  if (registry === undefined) registries.set(scope, (registry = new MemoryRegistry()))
  return registry
}

/** Forgets a scope and what it holds. */
export function dropMemoryRegistry(scope: string): void {
  registries.delete(scope)
}
