import { defineConfig } from '../api/config.ts'
import type { Converter, ConverterPlugin } from '../api/converter.ts'
import { DataError } from '../api/errors.ts'
import type { Schema } from '../api/schema.ts'
import { encodeRows } from './encode-rows.ts'
import { PackedRows } from './packed-rows.ts'
import { SlicesSide } from './slices-side.ts'
import { kindOf } from './value-columns.ts'

const OPTIONAL_BYTES: Schema = { type: 'BYTES', optional: true }

class BytesSide extends SlicesSide {}

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
      encodeRows(side, rows, fail, (out, value) => {
        if (!Buffer.isBuffer(value)) {
          throw new DataError(
            'record.schema',
            `ByteArrayConverter writes bytes only, and the record is ${kindOf(value)}: use another converter.`,
          )
        }
        out.raw(value)
      }),
    )
  },
}

export const byteArrayConverter = {
  kind: 'converter',
  name: 'ByteArrayConverter',
  aliases: ['org.apache.kafka.connect.converters.ByteArrayConverter'],
  version: '1.0.0',
  summary: 'Bytes as they are; nothing is decoded.',
  config: defineConfig({}),
  open: () => converter,
} satisfies ConverterPlugin
