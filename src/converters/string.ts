import { isUtf8 } from 'node:buffer'
import { defineConfig, key } from '../api/config.ts'
import type { Converter, ConverterPlugin } from '../api/converter.ts'
import { decimalText } from '../api/decimal-text.ts'
import { DataError } from '../api/errors.ts'
import { javaNumber } from '../api/java-number.ts'
import { isStruct, type Schema, type SchemaType, type Value } from '../api/schema.ts'
import { isDecimal } from './decimals.ts'
import { encodeRows } from './encode-rows.ts'
import { guarded } from './records-side.ts'
import { PackedRows } from './packed-rows.ts'
import { SlicesSide } from './slices-side.ts'

const OPTIONAL_TEXT: Schema = { type: 'STRING', optional: true }

class StringSide extends SlicesSide {}

function checkUtf8(bytes: Buffer, start: number, end: number): Buffer {
  const slice = bytes.subarray(start, end)
  if (isUtf8(slice)) return slice
  throw new DataError(
    'record.malformed',
    'The record is not valid UTF-8: use ByteArrayConverter for other bytes.',
  )
}

const INTEGERS: readonly (SchemaType | undefined)[] = ['INT8', 'INT16', 'INT32']

/** The text of a value, in the form of Java's `toString` where a value is not a text already. */
function textOf(value: Value | undefined, schema: Schema | null): string {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'string') return value
  if (typeof value === 'number')
    return INTEGERS.includes(schema?.type) ? String(value) : javaNumber(value, schema?.type === 'FLOAT32')
  if (typeof value !== 'object') return String(value)
  if (isDecimal(value)) return decimalText(value)
  if (value instanceof Date) return value.toISOString()
  if (Buffer.isBuffer(value)) throw new DataError('record.schema', 'StringConverter does not write bytes.')
  if (Array.isArray(value)) {
    const items = (value as readonly Value[]).map((item) => textOf(item, schema?.valueSchema ?? null))
    return `[${items.join(', ')}]`
  }
  if (value instanceof Map) {
    const entries = [...(value as ReadonlyMap<Value, Value>)]
    const { keySchema = null, valueSchema = null } = schema ?? {}
    return `{${entries.map(([k, v]) => `${textOf(k, keySchema)}=${textOf(v, valueSchema)}`).join(', ')}}`
  }
  if (!isStruct(value)) throw new DataError('record.schema', 'StringConverter cannot write this value.')
  const schemas = new Map(schema?.fields?.map((field) => [field.name, field.schema]))
  const fields = Object.entries(value).filter(([, v]) => v !== null)
  return `Struct{${fields.map(([name, v]) => `${name}=${textOf(v, schemas.get(name) ?? null)}`).join(',')}}`
}

const converter: Converter = {
  topicSchema: () => Promise.resolve(OPTIONAL_TEXT),

  decode(_topic, slices) {
    const read = (bytes: Buffer, start: number, end: number) => ({
      schema: OPTIONAL_TEXT,
      value: checkUtf8(bytes, start, end).toString('utf8'),
    })
    return Promise.resolve(new StringSide(slices, read))
  },

  encode(_topic, side, rows, fail) {
    if (side instanceof StringSide) {
      const { bytes, start, end } = side.slices
      for (const row of rows) {
        if (start[row]! >= 0) guarded(row, fail, () => checkUtf8(bytes, start[row]!, end[row]!))
      }
      return Promise.resolve(PackedRows.of(side.slices))
    }
    return Promise.resolve(
      encodeRows(side, rows, fail, (out, value, schema) => out.text(textOf(value, schema))),
    )
  },
}

export const stringConverter = {
  kind: 'converter',
  name: 'StringConverter',
  aliases: ['org.apache.kafka.connect.storage.StringConverter'],
  version: '1.0.0',
  summary: 'Text in UTF-8.',
  config: defineConfig({
    'converter.type': key.string({
      doc: 'Ignored. Kafka Connect itself sets it: key, value or header.',
      optional: true,
      importance: 'LOW',
      ignored: 'A converter is for keys where it is named as key.converter, and else for values.',
    }),
    'converter.encoding': key.string({
      doc: 'The encoding of the text. Only UTF-8 is supported.',
      default: 'UTF-8',
      importance: 'HIGH',
      check: (name) => (/^utf-?8$/i.test(name) ? undefined : 'Only UTF-8 is supported.'),
    }),
  }),
  open: () => converter,
} satisfies ConverterPlugin
