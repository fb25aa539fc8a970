import { defineConfig } from '../api/config.ts'
import type { Converter, ConverterPlugin } from '../api/converter.ts'
import { DataError } from '../api/errors.ts'
import type { Schema, SchemaType, Value } from '../api/schema.ts'
import type { ByteWriter } from './byte-writer.ts'
import { encodeRows } from './encode-rows.ts'
import { converterType } from './own-keys.ts'
import { PackedRows } from './packed-rows.ts'
import { SlicesSide } from './slices-side.ts'
import { kindOf } from './value-columns.ts'

/** A type whose values all have the same number of bytes, as Kafka's serializer of its name writes them: big-endian. */
interface FixedType {
  readonly name: string
  readonly type: SchemaType
  readonly size: number
  /** Undefined where the bytes are no value. */
  read(bytes: Buffer): Value | undefined
  /** Whether a value without a schema can be written. */
  fits(value: Value): boolean
  write(bytes: Buffer, value: Value): void
}

const whole = (bits: number) => (value: Value) =>
  typeof value === 'number' && Number.isInteger(value) && Math.abs(value + 0.5) < 2 ** (bits - 1)
const isNumber = (value: Value) => typeof value === 'number'

const TYPES: readonly FixedType[] = [
  {
    name: 'Boolean',
    type: 'BOOLEAN',
    size: 1,
    read: (bytes) => (bytes[0]! > 1 ? undefined : bytes[0] === 1),
    fits: (value) => typeof value === 'boolean',
    write: (bytes, value) => bytes.writeUInt8(Number(value)),
  },
  {
    name: 'Short',
    type: 'INT16',
    size: 2,
    read: (bytes) => bytes.readInt16BE(),
    fits: whole(16),
    write: (bytes, value) => bytes.writeInt16BE(value as number),
  },
  {
    name: 'Integer',
    type: 'INT32',
    size: 4,
    read: (bytes) => bytes.readInt32BE(),
    fits: whole(32),
    write: (bytes, value) => bytes.writeInt32BE(value as number),
  },
  {
    name: 'Long',
    type: 'INT64',
    size: 8,
    read: (bytes) => bytes.readBigInt64BE(),
    fits: (value) => typeof value === 'bigint' && BigInt.asIntN(64, value) === value,
    write: (bytes, value) => bytes.writeBigInt64BE(value as bigint),
  },
  {
    name: 'Float',
    type: 'FLOAT32',
    size: 4,
    read: (bytes) => bytes.readFloatBE(),
    fits: isNumber,
    write: (bytes, value) => bytes.writeFloatBE(value as number),
  },
  {
    name: 'Double',
    type: 'FLOAT64',
    size: 8,
    read: (bytes) => bytes.readDoubleBE(),
    fits: isNumber,
    write: (bytes, value) => bytes.writeDoubleBE(value as number),
  },
]

/** The bytes of one converter's records; another converter's are no such bytes. */
class FixedSide extends SlicesSide {
  of: FixedType | undefined
}

function converterOf(fixed: FixedType): Converter {
  const schema: Schema = { type: fixed.type, optional: true }
  const word = fixed.type.toLowerCase()
  const refused = (found: string): DataError =>
    new DataError(
      'record.schema',
      `${fixed.name}Converter writes ${word} only, and the record is ${found}: use another converter.`,
    )
  const read = (bytes: Buffer, start: number, end: number) => {
    const value = end - start === fixed.size ? fixed.read(bytes.subarray(start, end)) : undefined
    if (value !== undefined) return { schema, value }
    throw new DataError(
      'record.malformed',
      `The record is no ${word}, which has ${fixed.size} bytes: it has ${end - start}. Check the converter of this topic.`,
    )
  }
  const write = (out: ByteWriter, value: Value, given: Schema | null): void => {
    if (given !== null && given.type !== fixed.type) throw refused(given.name ?? given.type)
    if (!fixed.fits(value)) throw refused(kindOf(value))
    out.reserve(fixed.size)
    fixed.write(out.bytes.subarray(out.at), value)
    out.at += fixed.size
  }
  const writeNull = (_: ByteWriter, given: Schema): boolean => {
    // only this one of Kafka Connect's looks at the schema of a null
    if (fixed.type === 'BOOLEAN' && given.type !== fixed.type) throw refused(given.name ?? given.type)
    return false
  }
  return {
    topicSchema: () => Promise.resolve(schema),
    decode(_topic, slices) {
      const side = new FixedSide(slices, read)
      side.of = fixed
      return Promise.resolve(side)
    },
    encode(_topic, side, rows, fail) {
      if (side instanceof FixedSide && side.of === fixed) {
        for (const row of rows) side.value(row, fail) // nothing is passed on that is no such value
        return Promise.resolve(PackedRows.of(side.slices))
      }
      return Promise.resolve(encodeRows(side, rows, fail, write, writeNull))
    },
  }
}

/** BooleanConverter, ShortConverter, IntegerConverter, LongConverter, FloatConverter and DoubleConverter. */
export const fixedSizeConverters: readonly ConverterPlugin[] = TYPES.map((fixed) => {
  const converter = converterOf(fixed)
  return {
    kind: 'converter',
    name: `${fixed.name}Converter`,
    aliases: [`org.apache.kafka.connect.converters.${fixed.name}Converter`],
    version: '1.0.0',
    summary: `One ${fixed.type.toLowerCase()} as Kafka’s ${fixed.name}Serializer writes it: ${fixed.size} byte${fixed.size === 1 ? '' : 's'}, big-endian.`,
    config: defineConfig({ 'converter.type': converterType }),
    open: () => converter,
  }
})
