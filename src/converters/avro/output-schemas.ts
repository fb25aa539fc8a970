import { TaskError } from '../../api/errors.ts'
import type { Field, Schema } from '../../api/schema.ts'
import { isJsonObject, type Json, type JsonObject, stringifyExact } from '../exact-json.ts'
import { sameFields } from '../same-schema.ts'
import { extensionOf } from '../schema-extension.ts'
import { avroFieldJson, fromConnect, standaloneJson } from './from-connect.ts'
import type { AvroNode } from './node.ts'
import { DEFAULT_READING, parseSchemaJson, type Reading } from './parse-schema.ts'
import type { RegisteredSchema, SchemaRegistry } from './schema-registry.ts'
import { writerOf, type WriterSchema } from './writer-schema.ts'

/** A schema that is registered for output. */
export interface OutputSchema {
  readonly id: number
  readonly root: AvroNode
  /** The types of the fields that were appended to the writer's, in order. */
  readonly appended: readonly AvroNode[]
}

interface Derived {
  readonly root: AvroNode
  readonly appended: readonly AvroNode[]
  readonly registered: RegisteredSchema
}

interface Entry<T> {
  readonly topic: string
  readonly fields: readonly Field[]
  readonly value: Promise<T>
}

const MAX_ENTRIES = 64

/** The schemas that records are written with, each derived and registered once per topic. */
export class OutputSchemas {
  readonly #client: SchemaRegistry
  readonly #subject: (topic: string, root: AvroNode) => string
  readonly #autoRegister: boolean
  readonly #reading: Reading
  readonly #byWriter = new WeakMap<WriterSchema, Entry<OutputSchema>[]>()
  readonly #bySchema = new WeakMap<Schema, Entry<OutputSchema>[]>()
  readonly #ids = new Map<string, Promise<number>>()

  constructor(
    client: SchemaRegistry,
    subject: (topic: string, root: AvroNode) => string,
    autoRegister: boolean,
    reading = DEFAULT_READING,
  ) {
    this.#client = client
    this.#subject = subject
    this.#autoRegister = autoRegister
    this.#reading = reading
  }

  /** Of records of a writer schema with fields appended: the writer's own schema, untouched fields word for word. */
  ofWriter(topic: string, writer: WriterSchema, fields: readonly Field[]): Promise<OutputSchema> {
    return remembered(this.#byWriter, writer, topic, fields, () =>
      this.#register(topic, derive(writer, fields, this.#reading)),
    )
  }

  /** Of records of a Connect schema; one that came from an Avro schema goes the way of `ofWriter`. */
  ofSchema(topic: string, schema: Schema): Promise<OutputSchema> {
    const { base, fields } = unextended(schema)
    const writer = writerOf(base)
    if (writer !== undefined) return this.ofWriter(topic, writer, fields)
    return remembered(this.#bySchema, schema, topic, [], () => {
      const json = fromConnect(schema)
      const registered = { schema: stringifyExact(json) }
      const root = parseSchemaJson(json, new Map(), this.#reading)
      return this.#register(topic, { root, appended: [], registered })
    })
  }

  async #register(topic: string, { root, appended, registered }: Derived): Promise<OutputSchema> {
    const subject = this.#subject(topic, root)
    const key = `${subject}\n${registered.schema}`
    let id = this.#ids.get(key)
    if (id === undefined) {
      id = this.#idOf(subject, registered)
      this.#ids.set(key, id)
      id.catch(() => this.#ids.delete(key))
    }
    return { id: await id, root, appended }
  }

  /** Looked up before it is registered, so that a reader's rights are enough where nothing changes. */
  async #idOf(subject: string, registered: RegisteredSchema): Promise<number> {
    const id = await this.#client.lookup(subject, registered)
    if (id !== null) return id
    if (this.#autoRegister) return this.#client.register(subject, registered)
    throw new TaskError(
      'schema.unknown',
      `The schema is not registered under subject ${subject}, and auto.register.schemas is false: register it first.`,
    )
  }
}

function remembered<K extends object>(
  all: WeakMap<K, Entry<OutputSchema>[]>,
  key: K,
  topic: string,
  fields: readonly Field[],
  make: () => Promise<OutputSchema>,
): Promise<OutputSchema> {
  let entries = all.get(key)
  if (entries === undefined) all.set(key, (entries = []))
  const known = entries.find((entry) => entry.topic === topic && sameFields(entry.fields, fields))
  if (known !== undefined) return known.value
  const entry = { topic, fields, value: Promise.resolve().then(make) }
  const list = entries
  entry.value.catch(() => {
    const at = list.indexOf(entry)
    if (at >= 0) list.splice(at, 1) // asked again next time
  })
  if (list.length === MAX_ENTRIES) list.shift()
  list.push(entry)
  return entry.value
}

function unextended(schema: Schema): { base: Schema; fields: readonly Field[] } {
  let base = schema
  let fields: readonly Field[] = []
  for (let extension = extensionOf(base); extension !== undefined; extension = extensionOf(base)) {
    fields = [...extension.fields, ...fields]
    base = extension.base
  }
  return { base, fields }
}

function derive(writer: WriterSchema, fields: readonly Field[], reading: Reading): Derived {
  const { root, record } = writer
  const references = writer.references.length > 0 ? { references: writer.references } : {}
  if (fields.length === 0 || record === null) {
    return { root, appended: [], registered: { schema: stringifyExact(root.json), ...references } }
  }
  const json = extendedJson(writer, fields)
  const extended = parseSchemaJson(json, new Map(writer.referenced), reading)
  const appended = extended.record!.fields.slice(record.fields.length).map((field) => field.node)
  return { root: extended, appended, registered: { schema: stringifyExact(json), ...references } }
}

/** The root's JSON with fields at the end of its record. */
function extendedJson({ root, record }: WriterSchema, fields: readonly Field[]): Json {
  const added = fields.map((field) => avroFieldJson(field.name, field.schema))
  const extend = (json: Json): JsonObject => {
    // a record that is only named here is defined in a referenced schema, which stays as it is
    const own = isJsonObject(json) ? json : (standaloneJson(record!) as JsonObject)
    return { ...own, fields: [...(own['fields'] as readonly Json[]), ...added] }
  }
  if (!Array.isArray(root.json)) return extend(root.json)
  return (root.json as readonly Json[]).map((json, i) => (i === root.nullIndex ? json : extend(json)))
}
