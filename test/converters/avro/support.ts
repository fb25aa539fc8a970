import avro from 'avsc'
import { AvroRows } from '../../../src/converters/avro/avro-rows.ts'
import { AvroSide } from '../../../src/converters/avro/avro-side.ts'
import { parseSchema } from '../../../src/converters/avro/parse-schema.ts'
import { WriterSchema } from '../../../src/converters/avro/writer-schema.ts'
import { slicesOf } from '../support.ts'

export type AvscValue = unknown

/** avsc with exact longs (bigint) and every union wrapped: the independent implementation. */
const LongType = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (n: bigint) => {
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(n)
    return bytes
  },
  fromJSON: BigInt,
  toJSON: Number,
  isValid: (n: unknown) => typeof n === 'bigint',
  compare: (a: bigint, b: bigint) => (a === b ? 0 : a < b ? -1 : 1),
})

const WORDS = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string']

/** A schema without logical types: avsc would take its own long for `{type: 'long', …}`. */
function plainTypes(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(plainTypes)
  if (typeof schema !== 'object' || schema === null) return schema
  const { type, items, values, fields, ...rest } = schema as Record<string, unknown>
  if (typeof type === 'string' && WORDS.includes(type) && !('name' in rest)) return type
  return {
    ...rest,
    type: plainTypes(type),
    ...(items === undefined ? {} : { items: plainTypes(items) }),
    ...(values === undefined ? {} : { values: plainTypes(values) }),
    ...(Array.isArray(fields) ? { fields: fields.map(plainTypes) } : {}),
  }
}

export function avscType(schema: unknown): avro.Type {
  return avro.Type.forSchema(plainTypes(schema) as avro.Schema, {
    registry: { long: LongType },
    wrapUnions: 'always',
  })
}

export function withHeader(payload: Uint8Array, id = 1): Buffer {
  const header = Buffer.alloc(5)
  header.writeInt32BE(id, 1)
  return Buffer.concat([header, payload])
}

/** A side of payloads of one schema, without a registry. */
export function avroSide(schema: unknown, payloads: readonly (Uint8Array | null)[]): AvroSide {
  const writer = new WriterSchema(parseSchema(typeof schema === 'string' ? schema : JSON.stringify(schema)))
  const slices = slicesOf(payloads.map((payload) => (payload === null ? null : withHeader(payload))))
  const which = Int32Array.from(payloads, (payload) => (payload === null ? -1 : 0))
  return new AvroSide(new AvroRows(slices, [writer], which))
}

export function record(fields: Record<string, unknown>, name = 'Row'): object {
  return {
    type: 'record',
    name,
    fields: Object.entries(fields).map(([field, type]) => ({ name: field, type })),
  }
}

/** What avsc reads of a record's bytes, as plain objects. */
export function readBack(schema: unknown, bytes: Uint8Array): unknown {
  return plainOf(avscType(schema).fromBuffer(Buffer.from(bytes)))
}

function plainOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value
  if (Array.isArray(value)) return value.map(plainOf)
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plainOf(item)]))
}
