import { ConnectError, DataError } from '../../api/errors.ts'
import { DEFAULT_READING, type NamedTypes, parseSchema, type Reading } from './parse-schema.ts'
import type { RegisteredSchema, SchemaRegistry } from './schema-registry.ts'
import { type SchemaReference, WriterSchema } from './writer-schema.ts'

/** How long an id that the registry did not know is not asked for again, in milliseconds. */
const UNKNOWN_FOR_MS = 5_000
const MAX_UNKNOWN = 10_000
const MAX_REFERENCES = 200
/** Look-ups under way at once, where a batch has many ids (as broken records do). */
const CONCURRENCY = 8

/** Writer schemas by id. A schema never changes under its id, so each is asked for once; so is one that is unusable. */
export class SchemaStore {
  readonly #client: SchemaRegistry
  readonly #reading: Reading
  readonly #known = new Map<number, WriterSchema | ConnectError>()
  readonly #unknownUntil = new Map<number, number>()
  readonly #loading = new Map<number, Promise<void>>()

  constructor(client: SchemaRegistry, reading = DEFAULT_READING) {
    this.#client = client
    this.#reading = reading
  }

  /** A schema that was loaded; an error where its records cannot be read; undefined where it was not loaded. */
  get(id: number): WriterSchema | ConnectError | undefined {
    const known = this.#known.get(id)
    if (known !== undefined) return known
    const until = this.#unknownUntil.get(id)
    return until !== undefined && until > performance.now() ? unknownId(id) : undefined
  }

  /** Loads ids. Throws where the registry cannot be asked; an id that it does not know is no such case. */
  async load(ids: readonly number[]): Promise<void> {
    const queue = [...ids]
    const work = async () => {
      for (let id = queue.pop(); id !== undefined; id = queue.pop()) await this.#loadOnce(id)
    }
    await Promise.all(Array.from({ length: Math.min(CONCURRENCY, ids.length) }, work))
  }

  /** The newest schema of a subject, asked for anew each time; null where there is none. Throws where it is unusable. */
  async latest(subject: string): Promise<WriterSchema | null> {
    const registered = await this.#client.schemaVersion(subject, 'latest')
    return registered === null ? null : this.#writer(registered)
  }

  #loadOnce(id: number): Promise<void> {
    if (this.get(id) !== undefined) return Promise.resolve()
    let loading = this.#loading.get(id)
    if (loading === undefined) {
      loading = this.#load(id).finally(() => this.#loading.delete(id))
      this.#loading.set(id, loading)
    }
    return loading
  }

  async #load(id: number): Promise<void> {
    const registered = await this.#client.schemaById(id)
    if (registered === null) {
      if (this.#unknownUntil.size >= MAX_UNKNOWN) this.#unknownUntil.clear()
      this.#unknownUntil.set(id, performance.now() + UNKNOWN_FOR_MS)
      return
    }
    try {
      this.#known.set(id, await this.#writer(registered))
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      this.#known.set(id, new DataError(error.code, `Schema ${id}: ${error.message}`, { cause: error }))
    }
  }

  async #writer(registered: RegisteredSchema): Promise<WriterSchema> {
    const { schemaType = 'AVRO', references = [] } = registered
    if (schemaType !== 'AVRO')
      throw new DataError('schema.invalid', `it is a ${schemaType} schema, not an Avro one.`)
    const named: NamedTypes = new Map()
    await this.#resolve(references, named, new Set())
    const referenced = new Map(named)
    return new WriterSchema(parseSchema(registered.schema, named, this.#reading), references, referenced)
  }

  /** Parses referenced schemas, and first those that they reference, into one set of named types. */
  async #resolve(
    references: readonly SchemaReference[],
    named: NamedTypes,
    done: Set<string>,
  ): Promise<void> {
    for (const { subject, version } of references) {
      const name = `${subject}/${version}`
      if (done.has(name)) continue
      done.add(name)
      if (done.size > MAX_REFERENCES) throw new DataError('schema.invalid', 'it references too many schemas.')
      const found = await this.#client.schemaVersion(subject, version)
      if (found === null) {
        throw new DataError(
          'schema.unknown',
          `it references version ${version} of subject ${subject}, which is unknown.`,
        )
      }
      await this.#resolve(found.references ?? [], named, done)
      parseSchema(found.schema, named, this.#reading)
    }
  }
}

function unknownId(id: number): DataError {
  return new DataError(
    'schema.unknown',
    `The schema registry does not know the schema id ${id}: check that the record was written with this registry.`,
  )
}
