import type { Header, SideName } from '../api/batch.ts'
import { didYouMean } from '../api/did-you-mean.ts'
import { CommandError, DataError } from '../api/errors.ts'
import type { SourceMap, SourceRecord } from '../api/plugins.ts'
import type { Schema, SchemaType, Value } from '../api/schema.ts'
import { stringifyExact } from '../converters/exact-json.ts'
import { fromJson } from '../converters/json/from-json.ts'
import { JsonReading } from '../converters/json/json-reading.ts'
import type { InputData, InputRecord } from '../runtime/dry-run/input-batches.ts'
import { parseLine, valueOfJson } from './avro-lines.ts'
import { type LineFormat, lineReader } from './produce-lines.ts'
import { TOPIC_PARTS } from './record-printer.ts'

export interface InputForm extends Omit<LineFormat, 'format'> {
  /** Each line is a record, as `sluice consume --with all` prints it; else a value, as `sluice produce` takes it. */
  readonly records?: boolean
}

/** What the records of a connector are made with. */
export interface InputShape {
  readonly topic: string
  /** Whether the connector would be given records of a topic. */
  readonly reads: (topic: string) => boolean
  /** The plugins that its keys and values come through; null where they are data from the start (a source). */
  readonly converters: Readonly<Record<SideName, string>> | null
  readonly schemas: Readonly<Record<SideName, Schema | null>>
  /** Of records that do not say: milliseconds since 1970. */
  readonly now: () => bigint
  /** What names the schema of a side, for messages. */
  readonly schemaOption: Readonly<Record<SideName, string>>
}

const TEXT: Schema = { type: 'STRING', optional: false }
/** Converters whose bytes are a text, or any. */
const PLAIN = ['StringConverter', 'ByteArrayConverter']
/** Converters of one type each. */
const TYPED: Readonly<Record<string, SchemaType>> = {
  BooleanConverter: 'BOOLEAN',
  ShortConverter: 'INT16',
  IntegerConverter: 'INT32',
  LongConverter: 'INT64',
  FloatConverter: 'FLOAT32',
  DoubleConverter: 'FLOAT64',
}
const KEYS: readonly string[] = [...TOPIC_PARTS, 'value']

/** Makes records of lines, or of parsed JSON. Throws a DataError that says what is wrong with one. */
export class InputRecords {
  readonly #shape: InputShape
  readonly #read: (line: string) => InputRecord

  /** @throws CommandError where values need a schema and there is none */
  constructor(shape: InputShape, form: InputForm = {}) {
    this.#shape = shape
    this.#requireSchema('value')
    this.#read =
      form.records === true ? (line) => this.record(parseLine(line), line.length) : this.#lineReader(form)
  }

  line(text: string): InputRecord {
    return this.#read(text)
  }

  /** A record that has this value alone. `length`: of the text that it was parsed from. */
  value(json: unknown, length: number): InputRecord {
    return this.#recordOf(null, this.#data('value', json, length))
  }

  /** A record in the form that `--with all` prints. */
  record(json: unknown, length: number): InputRecord {
    if (typeof json !== 'object' || json === null || Array.isArray(json))
      throw new DataError('record.malformed', `It is no object with ${KEYS.join(', ')}.`)
    const parts = json as Readonly<Record<string, unknown>>
    for (const name of Object.keys(parts)) if (!KEYS.includes(name)) throw unknownPart(name)
    const key = this.#data('key', parts['key'] ?? null, length)
    const record = this.#recordOf(key, this.#data('value', parts['value'] ?? null, length))
    const { topic = record.topic } = parts
    if (typeof topic !== 'string') throw new DataError('record.malformed', 'Its topic is no text.')
    if (!this.#shape.reads(topic))
      throw new DataError('record.refused', `The connector does not read topic ${topic}.`)
    const [partition, offset, timestamp] = ['partition', 'offset', 'timestamp'].map((name) =>
      wholeNumber(name, parts[name]),
    )
    return {
      ...{ ...record, topic, headers: headersOf(parts['headers']), offset: offset ?? null },
      ...(partition === undefined ? {} : { partition: Number(partition) }),
      ...(timestamp === undefined ? {} : { timestamp }),
    }
  }

  /** Lines as `sluice produce` takes them, in the format that fits the converter. */
  #lineReader(form: InputForm): (line: string) => InputRecord {
    const schema = this.#shape.schemas.value
    const name = this.#shape.converters?.value
    const format = schema !== null ? 'avro' : name !== undefined && PLAIN.includes(name) ? 'text' : 'json'
    const read = lineReader({ ...form, format }, schema)
    const sentAsItIs = format === 'text' || name === 'JsonConverter'
    return (line) => {
      const { key, value } = read(line)
      const keyData = this.#shape.converters === null && key !== null ? textData(key.toString()) : key
      if (value === null) return this.#recordOf(keyData, null)
      if (schema !== null) return this.#recordOf(keyData, { schema, value: value as Value })
      const bytes = value as Buffer
      const data = sentAsItIs ? bytes : this.#data('value', parseLine(bytes.toString()), line.length)
      return this.#recordOf(keyData, data)
    }
  }

  #recordOf(key: InputData, value: InputData): InputRecord {
    const { topic, now } = this.#shape
    return { topic, partition: 0, offset: null, timestamp: now(), headers: [], key, value }
  }

  #data(side: SideName, json: unknown, length: number): InputData {
    if (json === null) return null
    const { schemas, converters } = this.#shape
    this.#requireSchema(side)
    const name = converters?.[side]
    const type = TYPED[name ?? '']
    const schema = schemas[side] ?? (type === undefined ? null : { type, optional: false })
    if (schema !== null) return { schema, value: valueOfJson(json, schema, length) }
    if (name === 'JsonConverter') return Buffer.from(stringifyExact(json))
    if (name !== undefined && PLAIN.includes(name)) return bytesOf(json)
    if (typeof json === 'string') return textData(json)
    return { schema: null, value: fromJson(json, null, new JsonReading(false, length)) }
  }

  #requireSchema(side: SideName): void {
    const { converters, schemas, schemaOption } = this.#shape
    if (converters?.[side] !== 'AvroConverter' || schemas[side] !== null) return
    throw new CommandError(
      'schema.unknown',
      `the ${side} converter is AvroConverter, and no registry is asked: name the Avro schema of the ${side}s with ${schemaOption[side]}`,
    )
  }
}

/** The record of a source that a line stands for. */
export function sourceRecord(record: InputRecord, source: SourceMap, offset: SourceMap): SourceRecord {
  const { topic, timestamp, headers } = record
  const key = sourceData(record.key)
  const value = sourceData(record.value)
  return {
    ...{ topic, partition: null, timestamp, headers },
    ...{ keySchema: key.schema, key: key.value, valueSchema: value.schema, value: value.value },
    ...{ sourcePartition: source, sourceOffset: offset },
  }
}

function sourceData(data: InputData): { readonly schema: Schema | null; readonly value: Value } {
  if (data === null) return { schema: null, value: null }
  return Buffer.isBuffer(data) ? { schema: null, value: data } : data
}

function textData(value: string): InputData {
  return { schema: TEXT, value }
}

/** The bytes that `sluice consume` prints as this JSON. */
function bytesOf(json: unknown): Buffer {
  if (typeof json === 'string') return Buffer.from(json)
  const keys = typeof json === 'object' && json !== null ? Object.keys(json) : []
  const { base64 } = json as { readonly base64?: unknown }
  if (keys.length === 1 && typeof base64 === 'string') return Buffer.from(base64, 'base64')
  return Buffer.from(stringifyExact(json))
}

function headersOf(json: unknown): Header[] {
  if (json === undefined || json === null) return []
  const wrong = new DataError('record.malformed', 'Its headers are no list of {"key": …, "value": …}.')
  if (!Array.isArray(json)) throw wrong
  return json.map((header: unknown) => {
    if (typeof header !== 'object' || header === null) throw wrong
    const { key, value = null } = header as { readonly key?: unknown; readonly value?: unknown }
    if (typeof key !== 'string') throw wrong
    return { key, value: value === null ? null : bytesOf(value) }
  })
}

function wholeNumber(name: string, json: unknown): bigint | undefined {
  if (json === undefined || json === null) return undefined
  if (typeof json === 'bigint' && name !== 'partition') return json
  const isTime = name === 'timestamp' // −1 is none
  const most = name === 'partition' ? 2 ** 31 - 1 : Number.MAX_SAFE_INTEGER
  if (typeof json === 'number' && Number.isInteger(json) && (json >= 0 || isTime) && json <= most)
    return BigInt(json)
  throw new DataError('record.malformed', `Its ${name} is no whole number.`)
}

function unknownPart(name: string): DataError {
  const near = didYouMean(name, KEYS)
  const hint = near === undefined ? `It has ${KEYS.join(', ')}.` : `Did you mean "${near}"?`
  return new DataError('record.malformed', `A record has no "${name}". ${hint}`)
}
