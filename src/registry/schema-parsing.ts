import type { AvroSchema } from './avro-schema.ts'
import { parseAvroSchema } from './avro-parser.ts'
import type { NamedTypes } from './avro-parser.ts'
import { canonicalText } from './canonical.ts'
import { normalise } from './normalise.ts'
import { invalidSchema } from './errors.ts'
import type { RegistryState, SchemaContent } from './registry-state.ts'
import type { SchemaReference, SchemaVersion } from './topic-records.ts'

/** A schema of a request, in the form in which it is compared and stored. */
export interface Candidate extends SchemaContent {
  readonly parsed: AvroSchema
}

const MAX_REFERENCES = 1_000

/** Parses schemas with the types of their references, which it finds in the state. */
export class SchemaParsing {
  readonly #state: RegistryState
  readonly #parsed = new WeakMap<SchemaVersion, AvroSchema>()

  constructor(state: RegistryState) {
    this.#state = state
  }

  /** Checks what a client sent; throws 42201. `isNormalised` evens out what Confluent's `normalize=true` does. */
  candidate(content: SchemaContent, isNormalised: boolean): Candidate {
    checkType(content.schemaType)
    const references = content.references.map((reference) => this.#pin(reference))
    const names: NamedTypes = new Map()
    this.#define(references, names, new Set())
    const known = [...names.keys()]
    const parsed = parseAvroSchema(content.schema, { names, validateDefaults: true })
    const schema = canonicalText(isNormalised ? normalise(parsed) : parsed, known)
    return { schemaType: content.schemaType, references, schema, parsed }
  }

  /** A stored schema, which another registry may have let pass under more lenient rules. */
  stored(entry: SchemaVersion): AvroSchema {
    const before = this.#parsed.get(entry)
    if (before !== undefined) return before
    checkType(entry.schemaType)
    const names: NamedTypes = new Map()
    this.#define(entry.references, names, new Set())
    const parsed = parseAvroSchema(entry.schema, { names, validateDefaults: false })
    this.#parsed.set(entry, parsed)
    return parsed
  }

  /** A reference to the latest version (−1) becomes one to that version. */
  #pin(reference: SchemaReference): SchemaReference {
    const versions = this.#state.versions(reference.subject).filter((entry) => !entry.deleted)
    const found =
      reference.version === -1 ? versions.at(-1) : versions.find((v) => v.version === reference.version)
    if (found === undefined) throw missingReference(reference)
    return { ...reference, version: found.version }
  }

  #define(references: readonly SchemaReference[], names: NamedTypes, seen: Set<string>): void {
    for (const reference of references) {
      const key = JSON.stringify([reference.subject, reference.version])
      if (seen.has(key)) continue
      seen.add(key)
      if (seen.size > MAX_REFERENCES) throw invalidSchema(`it has more than ${MAX_REFERENCES} references`)
      const entry = this.#state.version(reference.subject, reference.version)
      if (entry === undefined) throw missingReference(reference)
      this.#define(entry.references, names, seen)
      parseAvroSchema(entry.schema, { names, validateDefaults: false })
    }
  }
}

function checkType(schemaType: string): void {
  if (schemaType === 'AVRO') return
  throw invalidSchema(`the schema type ${schemaType} is not supported; this registry stores AVRO`)
}

const missingReference = ({ name, subject, version }: SchemaReference) =>
  invalidSchema(`no schema reference found for ${name}: subject "${subject}" has no version ${version}`)
