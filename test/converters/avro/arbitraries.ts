import fc from 'fast-check'
import { type Struct, struct, type Value } from '../../../src/index.ts'
import { unicodeText } from '../../support/unicode-text.ts'

/** A random Avro schema with a value of it, in avsc's form and as the Connect value that it must become. */
export interface Sample {
  readonly schema: unknown
  readonly value: fc.Arbitrary<{ avsc: unknown; connect: Value }>
}

const text = unicodeText({ maxLength: 40 })
const long = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.bigInt({ min: -200n, max: 200n }),
)
const int = fc.oneof(fc.integer(), fc.integer({ min: -200, max: 200 }))
const double = fc.double()
const float = fc.float()
const rawBytes = fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes))
const MS_PER_DAY = 86_400_000

function same<T extends Value>(arbitrary: fc.Arbitrary<T>): Sample['value'] {
  return arbitrary.map((value) => ({ avsc: value, connect: value }))
}

export const PRIMITIVES: readonly Sample[] = [
  { schema: 'boolean', value: same(fc.boolean()) },
  { schema: 'int', value: same(int) },
  { schema: 'long', value: same(long) },
  { schema: 'float', value: same(float) },
  { schema: 'double', value: same(double) },
  { schema: 'string', value: same(text) },
  { schema: 'bytes', value: same(rawBytes) },
  {
    schema: { type: 'int', logicalType: 'date' },
    value: fc
      .integer({ min: -100_000, max: 100_000 })
      .map((days) => ({ avsc: days, connect: new Date(days * MS_PER_DAY) })),
  },
  {
    schema: { type: 'long', logicalType: 'timestamp-millis' },
    value: fc
      .bigInt({ min: -(2n ** 52n), max: 2n ** 52n })
      .map((ms) => ({ avsc: ms, connect: new Date(Number(ms)) })),
  },
  {
    schema: { type: 'bytes', logicalType: 'decimal', precision: 30, scale: 3 },
    value: fc.bigInt({ min: -(2n ** 90n), max: 2n ** 90n }).map((unscaled) => ({
      avsc: shortest(unscaled),
      connect: { unscaled, scale: 3 },
    })),
  },
]

/** Two's complement by hex digits: not how the code under test does it. */
function shortest(n: bigint): Buffer {
  for (let bytes = 1; ; bytes++) {
    if (n >= -(1n << BigInt(8 * bytes - 1)) && n < 1n << BigInt(8 * bytes - 1)) {
      const unsigned = n < 0n ? n + (1n << BigInt(8 * bytes)) : n
      return Buffer.from(unsigned.toString(16).padStart(bytes * 2, '0'), 'hex')
    }
  }
}

let names = 0
const fresh = (prefix: string) => `${prefix}${++names}`

/** What a wrapped union of avsc calls a branch. */
function branchOf(schema: unknown): string {
  if (typeof schema === 'string') return schema
  const { type, name } = schema as { type: string; name?: string }
  return name ?? type
}

function nullable({ schema, value }: Sample): Sample {
  const wrap = value.map(({ avsc, connect }) => ({ avsc: { [branchOf(schema)]: avsc }, connect }))
  return { schema: ['null', schema], value: fc.oneof(fc.constant({ avsc: null, connect: null }), wrap) }
}

function arrayOf({ schema, value }: Sample): Sample {
  return {
    schema: { type: 'array', items: schema },
    value: fc.array(value, { maxLength: 4 }).map((items) => ({
      avsc: items.map((item) => item.avsc),
      connect: items.map((item) => item.connect),
    })),
  }
}

function mapOf({ schema, value }: Sample): Sample {
  const keys = fc.oneof(text, fc.constant('key')).filter((key) => key !== '__proto__')
  return {
    schema: { type: 'map', values: schema },
    value: fc
      .uniqueArray(fc.tuple(keys, value), { selector: ([key]) => key, maxLength: 4 })
      .map((entries) => ({
        avsc: Object.fromEntries(entries.map(([key, item]) => [key, item.avsc])),
        // avsc writes an object's keys in JavaScript's order: integers first
        connect: new Map(
          Object.keys(Object.fromEntries(entries)).map((key) => [
            key,
            entries.find(([k]) => k === key)![1].connect,
          ]),
        ),
      })),
  }
}

export function recordOf(samples: readonly Sample[]): Sample {
  return {
    schema: {
      type: 'record',
      name: fresh('Record'),
      fields: samples.map(({ schema }, i) => ({ name: `f${i}`, type: schema })),
    },
    value: fc.tuple(...samples.map((sample) => sample.value)).map((values) => {
      const connect: Struct = struct()
      const avsc: Record<string, unknown> = {}
      for (const [i, value] of values.entries()) {
        connect[`f${i}`] = value.connect
        avsc[`f${i}`] = value.avsc
      }
      return { avsc, connect }
    }),
  }
}

function unionOf(): Sample {
  const schema = ['int', 'null', 'string', { type: 'array', items: 'double' }]
  const of = (branch: string, avsc: unknown, connect: Value) => ({
    avsc: { [branch]: avsc },
    connect: struct({ int: null, string: null, array: null, [branch]: connect }),
  })
  return {
    schema,
    value: fc.oneof(
      fc.constant({ avsc: null, connect: null }),
      int.map((n) => of('int', n, n)),
      text.map((s) => of('string', s, s)),
      fc.array(double, { maxLength: 3 }).map((a) => of('array', a, a)),
    ),
  }
}

function enumOf(): Sample {
  const symbols = ['A', 'B', 'C2']
  return { schema: { type: 'enum', name: fresh('Enum'), symbols }, value: same(fc.constantFrom(...symbols)) }
}

function fixedOf(): Sample {
  const value = fc.uint8Array({ minLength: 5, maxLength: 5 }).map((bytes) => Buffer.from(bytes))
  return { schema: { type: 'fixed', name: fresh('Fixed'), size: 5 }, value: same(value) }
}

/** A random record schema of some depth; each draw has names of its own. */
export function sample(depth: number): fc.Arbitrary<Sample> {
  const leaf: fc.Arbitrary<Sample> = fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...PRIMITIVES) },
    fc.constant(null).map(enumOf),
    fc.constant(null).map(fixedOf),
    fc.constant(null).map(unionOf),
  )
  const any: fc.Arbitrary<Sample> =
    depth === 0 ? leaf : fc.oneof({ weight: 3, arbitrary: leaf }, arrayAndMap(depth), sample(depth - 1))
  const field = fc.oneof(any, any.filter(({ schema }) => !Array.isArray(schema)).map(nullable))
  return fc.array(field, { minLength: 1, maxLength: 6 }).map(recordOf)
}

function arrayAndMap(depth: number): fc.Arbitrary<Sample> {
  const inner = fc.oneof(fc.constantFrom(...PRIMITIVES), sample(depth - 1))
  return fc.oneof(
    inner.map(arrayOf),
    inner.map(mapOf),
    fc
      .constantFrom(...PRIMITIVES)
      .map(nullable)
      .map(arrayOf),
  )
}

/** A schema and several of its values. */
export const samples = sample(2).chain(({ schema, value }) =>
  fc.array(value, { minLength: 1, maxLength: 5 }).map((values) => ({ schema, values })),
)
