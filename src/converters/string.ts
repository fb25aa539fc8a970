import { isUtf8 } from 'node:buffer'
import { defineConfig, key } from '../api/config.ts'
import type { Converter, ConverterPlugin } from '../api/converter.ts'
import { DataError } from '../api/errors.ts'
import { javaText } from '../api/java-text.ts'
import { isStruct, type Schema, type Value } from '../api/schema.ts'
import { encodeRows } from './encode-rows.ts'
import { converterType } from './own-keys.ts'
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

/** The text of a value, in the form of Java's `toString` where a value is not a text already. */
function textOf(value: Value, schema: Schema | null): string {
  if (typeof value === 'string') return value
  if (holdsBytes(value)) throw new DataError('record.schema', 'StringConverter does not write bytes.')
  return javaText(value, schema)
}

function holdsBytes(value: Value): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (Buffer.isBuffer(value)) return true
  if (Array.isArray(value)) return (value as readonly Value[]).some(holdsBytes)
  if (value instanceof Map) return [...(value as ReadonlyMap<Value, Value>)].flat().some(holdsBytes)
  return isStruct(value) && Object.values(value).some(holdsBytes)
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
    'converter.type': converterType,
    'converter.encoding': key.string({
      doc: 'The encoding of the text. Only UTF-8 is supported.',
      displayName: 'Encoding',
      width: 'MEDIUM',
      default: 'UTF-8',
      importance: 'HIGH',
      check: (name) => (/^utf-?8$/i.test(name) ? undefined : 'Only UTF-8 is supported.'),
    }),
  }),
  open: () => converter,
} satisfies ConverterPlugin
