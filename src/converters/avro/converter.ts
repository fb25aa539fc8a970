import type { FailRow, Side, SideName } from '../../api/batch.ts'
import type { Converter, ConverterContext, EncodedRows, Slices } from '../../api/converter.ts'
import { ConfigError, ConnectError, DataError, messageOf } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import type { Schema } from '../../api/schema.ts'
import { encodeRows, type WriteRow } from '../encode-rows.ts'
import { sameSchema } from '../same-schema.ts'
import { kindOf } from '../value-columns.ts'
import { AvroRows, HEADER } from './avro-rows.ts'
import { AvroSide } from './avro-side.ts'
import type { AvroConfig } from './config.ts'
import { encodeValue } from './encode.ts'
import { type OutputSchema, OutputSchemas } from './output-schemas.ts'
import { memoryRegistry, mockScope } from './memory-registry.ts'
import { RegistryClient } from './registry-client.ts'
import { RegistryTls } from './registry-tls.ts'
import type { SchemaRegistry } from './schema-registry.ts'
import { SchemaStore } from './schema-store.ts'
import { encodeSpliced, outputOr } from './spliced-rows.ts'
import { subjectName, type SubjectStrategy, subjectStrategy } from './subjects.ts'
import type { WriterSchema } from './writer-schema.ts'

function userInfo(config: AvroConfig): string | null {
  if (config['basic.auth.credentials.source'] !== 'USER_INFO') return null
  const given = config['basic.auth.user.info']
  if (given !== undefined && given.includes(':')) return given
  const message = 'must be user:password where basic.auth.credentials.source is USER_INFO'
  throw new ConfigError([{ path: 'basic.auth.user.info', message }])
}

/** The registry that a configuration names: one by HTTP, or one in memory (`mock://…`). */
function registryOf(config: AvroConfig, { log, outside }: ConverterContext): SchemaRegistry {
  const urls = config['schema.registry.url']
  const scope = mockScope(urls[0] ?? '')
  if (scope !== undefined) return memoryRegistry(scope)
  return new RegistryClient({
    urls,
    userInfo: userInfo(config),
    retries: config['max.retries'],
    retryWaitMs: config['retries.wait.ms'],
    timeoutMs: config['http.read.timeout.ms'],
    normalize: config['normalize.schemas'],
    tls: new RegistryTls(config),
    log,
    outside,
  })
}

/** Confluent's wire format ↔ data. Reading needs the registry once per schema id, writing once per output schema. */
export class AvroConverter implements Converter {
  readonly #store: SchemaStore
  readonly #outputs: OutputSchemas
  readonly #hasty: SchemaStore
  readonly #strategy: SubjectStrategy
  readonly #side: SideName
  readonly #log: Logger

  constructor(config: AvroConfig, context: ConverterContext) {
    const { side, log } = context
    const client = registryOf(config, context)
    const strategy = subjectStrategy(config[`${side}.subject.name.strategy`]) ?? 'TopicNameStrategy'
    const reading = {
      flatten: config['flatten.singleton.unions'],
      fullNames: config['enhanced.avro.schema.support'],
    }
    this.#store = new SchemaStore(client, reading)
    this.#hasty = new SchemaStore(client.hasty(), reading)
    this.#strategy = strategy
    this.#side = side
    this.#log = log
    this.#outputs = new OutputSchemas(
      client,
      (topic, root) => subjectName(strategy, topic, side, root),
      config['auto.register.schemas'],
      reading,
    )
  }

  async topicSchema(topic: string): Promise<Schema | null> {
    if (this.#strategy !== 'TopicNameStrategy') return null
    try {
      const latest = await this.#hasty.latest(`${topic}-${this.#side}`)
      return latest?.connect() ?? null
    } catch (error) {
      this.#log.debug('a configuration is not checked against its topic', { topic, error: messageOf(error) })
      return null
    }
  }

  async decode(_topic: string, slices: Slices, fail: FailRow): Promise<Side> {
    const { ids, missing } = this.#readIds(slices, fail)
    if (missing.size > 0) await this.#store.load([...missing])
    const writers: WriterSchema[] = []
    const indexes = new Map<number, number>()
    for (let row = 0; row < slices.length; row++) {
      const id = ids[row]!
      if (id < 0) continue
      let index = indexes.get(id)
      if (index === undefined) {
        const known = this.#store.get(id)
        index = known === undefined || known instanceof ConnectError ? -1 : writers.push(known) - 1
        indexes.set(id, index)
      }
      if (index < 0) fail(row, this.#refusal(id))
      ids[row] = index
    }
    return new AvroSide(new AvroRows(slices, writers, ids))
  }

  /** The schema id of each row (−1 for null and refused rows), and the ids that are not known yet. */
  #readIds(slices: Slices, fail: FailRow): { ids: Int32Array; missing: Set<number> } {
    const { bytes, start, end, length } = slices
    const ids = new Int32Array(length).fill(-1)
    const missing = new Set<number>()
    let last = -1
    for (let row = 0; row < length; row++) {
      const at = start[row]!
      if (at < 0) continue
      if (end[row]! - at < HEADER || bytes[at] !== 0) {
        fail(row, notAvro(bytes, at, end[row]!))
        continue
      }
      const id = (bytes[at + 1]! << 24) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 8) | bytes[at + 4]!
      if (id < 0) {
        fail(row, this.#refusal(id))
        continue
      }
      ids[row] = id
      if (id !== last && this.#store.get(id) === undefined) missing.add(id)
      last = id
    }
    return { ids, missing }
  }

  #refusal(id: number): ConnectError {
    const known = this.#store.get(id)
    if (known instanceof ConnectError) return new DataError(known.code, known.message, { cause: known })
    return new DataError('schema.unknown', `The schema registry does not know the schema id ${id >>> 0}.`)
  }

  async encode(topic: string, side: Side, rows: Int32Array, fail: FailRow): Promise<EncodedRows> {
    if (side instanceof AvroSide) return encodeSpliced(topic, side, rows, this.#outputs, fail)
    const outputs = await this.#outputsOf(topic, side, rows, fail)
    const write: WriteRow = (out, value, schema, row) => {
      const output = outputs.get(row)
      if (output === undefined) {
        if (schema !== null) return // the row failed for its schema
        throw new DataError(
          'record.schema',
          `The record is ${kindOf(value)} without a schema, and Avro needs one: use a converter that gives schemas.`,
        )
      }
      out.byte(0)
      out.raw(idBytes(output.id))
      encodeValue(out, output.root, value, '')
    }
    return encodeRows(side, rows, fail, write, (_, schema) => {
      if (schema.optional) return false
      throw new DataError(
        'record.value',
        `The record is null, and its schema ${schema.name ?? schema.type} is not optional.`,
      )
    })
  }

  /** The output schema of each row that has one. A null registers nothing: it is written as null, whatever its schema is. */
  async #outputsOf(
    topic: string,
    side: Side,
    rows: Int32Array,
    fail: FailRow,
  ): Promise<Map<number, OutputSchema>> {
    const groups: { schema: Schema; rows: number[] }[] = []
    const bySchema = new Map<Schema, { schema: Schema; rows: number[] }>()
    for (const row of rows) {
      const schema = side.value(row, fail) === null ? null : side.schema(row, fail)
      if (schema === null) continue
      let group = bySchema.get(schema) ?? groups.find((other) => sameSchema(other.schema, schema))
      if (group === undefined) groups.push((group = { schema, rows: [] }))
      bySchema.set(schema, group)
      group.rows.push(row)
    }
    const found = new Map<number, OutputSchema>()
    for (const group of groups) {
      const output = await outputOr(
        () => this.#outputs.ofSchema(topic, group.schema),
        Int32Array.from(group.rows),
        fail,
      )
      if (output !== null) for (const row of group.rows) found.set(row, output)
    }
    return found
  }
}

function idBytes(id: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeInt32BE(id)
  return bytes
}

function notAvro(bytes: Buffer, start: number, end: number): DataError {
  const found =
    end - start < HEADER ? `it has only ${end - start} bytes` : `it starts with byte ${bytes[start] ?? 0}`
  return new DataError(
    'record.malformed',
    `The record is not in the Avro wire format of a schema registry: ${found}. Check the converter of this topic.`,
  )
}
