import { defineConfig } from '../api/config.ts'
import type { Converter, ConverterPlugin } from '../api/converter.ts'
import { DataError } from '../api/errors.ts'
import type { Schema } from '../api/schema.ts'
import { encodeRows } from './encode-rows.ts'
import { converterType } from './own-keys.ts'
import { PackedRows } from './packed-rows.ts'
import { SlicesSide } from './slices-side.ts'
import { kindOf } from './value-columns.ts'

const OPTIONAL_BYTES: Schema = { type: 'BYTES', optional: true }

class BytesSide extends SlicesSide {}

function notBytes(found: string): DataError {
  return new DataError(
    'record.schema',
    `ByteArrayConverter writes bytes only, and the record is ${found}: use another converter.`,
  )
}

const converter: Converter = {
  topicSchema: () => Promise.resolve(OPTIONAL_BYTES),

  decode(_topic, slices) {
    const read = (bytes: Buffer, start: number, end: number) => ({
      schema: OPTIONAL_BYTES,
      value: Buffer.from(bytes.subarray(start, end)),
    })
    return Promise.resolve(new BytesSide(slices, read))
  },

  encode(_topic, side, rows, fail) {
    if (side instanceof BytesSide) return Promise.resolve(PackedRows.of(side.slices))
    return Promise.resolve(
      encodeRows(
        side,
        rows,
        fail,
        (out, value, schema) => {
          if (!Buffer.isBuffer(value)) throw notBytes(kindOf(value))
          if (schema !== null && schema.type !== 'BYTES') throw notBytes(schema.type)
          out.raw(value)
        },
        (_, schema) => {
          if (schema.type !== 'BYTES') throw notBytes(schema.type)
          return false
        },
      ),
    )
  },
}

export const byteArrayConverter = {
  kind: 'converter',
  name: 'ByteArrayConverter',
  aliases: ['org.apache.kafka.connect.converters.ByteArrayConverter'],
  version: '1.0.0',
  summary: 'Bytes as they are; nothing is decoded.',
  config: defineConfig({ 'converter.type': converterType }),
  open: () => converter,
} satisfies ConverterPlugin
