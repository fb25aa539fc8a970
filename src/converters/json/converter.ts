import type { FailRow, Side } from '../../api/batch.ts'
import { type ConfigOf, defineConfig, key } from '../../api/config.ts'
import type { Converter, ConverterPlugin, EncodedRows, Slices } from '../../api/converter.ts'
import { DataError, messageOf } from '../../api/errors.ts'
import type { Schema, Value } from '../../api/schema.ts'
import { encodeRows } from '../encode-rows.ts'
import { stringifyExact } from '../exact-json.ts'
import { converterType } from '../own-keys.ts'
import { SlicesSide } from '../slices-side.ts'
import { schemaFromJson, schemaToJson } from './schema-json.ts'
import { fromJson } from './from-json.ts'
import { JsonReading } from './json-reading.ts'
import { parseJson } from './parse-json.ts'
import { type DecimalFormat, toJson } from './to-json.ts'

/** Null where there is none. Throws a DataError. */
function readSchemaContent(text: string): Schema | null {
  if (text.trim() === '') return null
  const bytes = Buffer.from(text)
  return schemaFromJson(parseJson(bytes, 0, bytes.length), new JsonReading(true, bytes.length))
}

function checkSchemaContent(text: string): string | undefined {
  try {
    readSchemaContent(text)
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

const jsonConfig = defineConfig({
  'converter.type': converterType,
  'schemas.enable': key.boolean({
    group: 'Schemas',
    displayName: 'Enable Schemas',
    orderInGroup: 0,
    doc: 'Whether each record is an envelope of exactly a schema and a payload.',
    default: true,
    importance: 'HIGH',
  }),
  'schemas.cache.size': key.int({
    group: 'Schemas',
    displayName: 'Schema Cache Size',
    orderInGroup: 1,
    doc: 'How many schemas are kept parsed.',
    default: 1000,
    importance: 'HIGH',
    check: (n) => (n < 0 ? 'Value must be at least 0' : undefined),
  }),
  'schema.content': key.string({
    group: 'Schemas',
    displayName: 'Schema Content',
    orderInGroup: 2,
    doc: 'The schema of all records that are read, as the `schema` of an envelope. Where it is given and schemas.enable is true, records are read as payloads alone; they are written as ever.',
    optional: true,
    importance: 'HIGH',
    check: checkSchemaContent,
  }),
  'decimal.format': key.string({
    group: 'Serialization',
    displayName: 'Decimal Format',
    orderInGroup: 0,
    doc: 'How Decimals are written: BASE64 (of the unscaled bytes) or NUMERIC. Both are read.',
    default: 'BASE64',
    importance: 'LOW',
    check: (format) => (/^(base64|numeric)$/i.test(format) ? undefined : 'Expected BASE64 or NUMERIC.'),
  }),
  'replace.null.with.default': key.boolean({
    group: 'Serialization',
    displayName: 'Replace null with default',
    orderInGroup: 1,
    doc: 'Whether a null becomes its field default, where there is one.',
    default: true,
    importance: 'LOW',
  }),
})

/** Kafka Connect's JsonConverter: `{"schema", "payload"}` envelopes, or plain JSON without a schema. */
class JsonConverter implements Converter {
  readonly #envelope: boolean
  readonly #format: DecimalFormat
  readonly #useDefault: boolean
  readonly #cacheSize: number
  readonly #given: Schema | null
  readonly #givenSize: number
  /** Schemas by their JSON text, so that equal schemas are one object. */
  readonly #schemas = new Map<string, Schema | null>()
  readonly #texts = new WeakMap<Schema, string>()

  constructor(config: ConfigOf<typeof jsonConfig.keys>) {
    this.#envelope = config['schemas.enable']
    this.#format = config['decimal.format'].toUpperCase() === 'NUMERIC' ? 'NUMERIC' : 'BASE64'
    this.#useDefault = config['replace.null.with.default']
    this.#cacheSize = config['schemas.cache.size']
    const { 'schema.content': content = '' } = config
    this.#given = readSchemaContent(content)
    this.#givenSize = content.length
  }

  decode(_topic: string, slices: Slices): Promise<Side> {
    return Promise.resolve(
      new SlicesSide(slices, (bytes, start, end) => shallow(() => this.#read(bytes, start, end))),
    )
  }

  encode(_topic: string, side: Side, rows: Int32Array, fail: FailRow): Promise<EncodedRows> {
    return Promise.resolve(
      encodeRows(
        side,
        rows,
        fail,
        (out, value, schema) => out.text(this.#textOf(value, schema)),
        (out, schema) => {
          out.text(this.#textOf(null, schema))
          return true
        },
      ),
    )
  }

  #read(bytes: Buffer, start: number, end: number): { schema: Schema | null; value: Value } {
    const json = parseJson(bytes, start, end)
    const reading = new JsonReading(this.#useDefault, end - start + this.#givenSize)
    if (!this.#envelope) return { schema: null, value: fromJson(json, null, reading) }
    if (this.#given !== null) return { schema: this.#given, value: fromJson(json, this.#given, reading) }
    const envelope = json as { schema?: unknown; payload?: unknown } | null
    if (!isEnvelope(envelope)) {
      throw new DataError(
        'record.malformed',
        'JsonConverter with schemas.enable requires "schema" and "payload" fields and may not contain additional ' +
          'fields. If you are trying to deserialize plain JSON data, set schemas.enable=false in your converter configuration.',
      )
    }
    const schema = this.#schemaOf(envelope.schema, end - start)
    return { schema, value: fromJson(envelope.payload, schema, reading) }
  }

  #schemaOf(json: unknown, size: number): Schema | null {
    const text = stringifyExact(json)
    const known = this.#schemas.get(text)
    if (known !== undefined) return known
    const schema = schemaFromJson(json, new JsonReading(true, size))
    if (this.#schemas.size >= this.#cacheSize) this.#schemas.clear()
    this.#schemas.set(text, schema)
    return schema
  }

  #textOf(value: Value, schema: Schema | null): string {
    const payload = stringifyExact(toJson(value, schema, this.#format, this.#useDefault))
    return this.#envelope ? `{"schema":${this.#schemaText(schema)},"payload":${payload}}` : payload
  }

  #schemaText(schema: Schema | null): string {
    if (schema === null) return 'null'
    let text = this.#texts.get(schema)
    if (text === undefined)
      this.#texts.set(schema, (text = stringifyExact(schemaToJson(schema, this.#format))))
    return text
  }
}

/** JSON that is nested beyond what the stack holds is refused like any other malformed record. */
function shallow<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new DataError('record.malformed', 'The JSON is nested too deeply.')
  }
}

function isEnvelope(json: unknown): json is { schema: unknown; payload: unknown } {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return false
  return Object.keys(json).length === 2 && Object.hasOwn(json, 'schema') && Object.hasOwn(json, 'payload')
}

export const jsonConverter = {
  kind: 'converter',
  name: 'JsonConverter',
  aliases: ['org.apache.kafka.connect.json.JsonConverter'],
  version: '1.0.0',
  summary: 'JSON, with or without schemas, as Kafka Connect writes it.',
  config: jsonConfig,
  open: (config) => new JsonConverter(config),
} satisfies ConverterPlugin<typeof jsonConfig.keys>
