import { isDeepStrictEqual } from 'node:util'
import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { AvroRows } from '../../../src/converters/avro/avro-rows.ts'
import { AvroSide } from '../../../src/converters/avro/avro-side.ts'
import { parseSchema } from '../../../src/converters/avro/parse-schema.ts'
import { WriterSchema } from '../../../src/converters/avro/writer-schema.ts'
import { recordsSide } from '../../../src/converters/records-side.ts'
import {
  type ColumnRequest,
  MISSING,
  OPTIONAL_FLOAT64,
  OPTIONAL_STRING,
  type Side,
  UNSEEN,
} from '../../../src/index.ts'
import { runs } from '../../support/runs.ts'
import { Failures, slicesOf } from '../support.ts'
import { samples } from './arbitraries.ts'
import { avroSide, avscType, record, withHeader } from './support.ts'

const SCHEMA = record({
  year: 'int',
  dep: ['null', 'long'],
  late: ['null', 'boolean'],
  dist: ['double', 'null'],
  ratio: 'float',
  carrier: ['null', 'string'],
  kind: { type: 'enum', name: 'Kind', symbols: ['X', 'Y', 'Z'] },
  day: { type: 'int', logicalType: 'date' },
  price: ['null', { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 }],
  either: ['int', 'string'],
  tags: { type: 'array', items: 'string' },
})

function payload(changes: Record<string, unknown> = {}): Buffer {
  return avscType(SCHEMA).toBuffer({
    year: 1987,
    dep: { long: 1_400n },
    late: { boolean: true },
    dist: { double: 12.25 },
    ratio: 0.5,
    carrier: { string: 'ÄA' },
    kind: 'Y',
    day: 3,
    price: { bytes: Buffer.from([0xff, 0x38]) },
    either: { int: 4 },
    tags: ['t'],
    ...changes,
  })
}

function rows(): { side: AvroSide; failures: Failures } {
  const nothing = { dep: null, late: null, dist: null, carrier: null, price: null, either: { string: '5' } }
  return { side: avroSide(SCHEMA, [payload(), null, payload(nothing)]), failures: new Failures() }
}

function read(field: string, request: ColumnRequest): { values: unknown[]; codes: Record<number, string> } {
  const { side, failures } = rows()
  const column = side.column(field, request, failures, failures.fail)
  const values = column.type === 'category' ? column.levels : column.values
  return { values: Array.from(values), codes: failures.codes() }
}

describe('Avro columns', () => {
  it('read every numeric kind as float64, nulls as missing', () => {
    expect(read('year', 'float64').values).to.deep.equal([1987, NaN, 1987])
    expect(read('dep', 'float64').values).to.deep.equal([1400, NaN, NaN])
    expect(read('late', 'float64').values).to.deep.equal([1, NaN, NaN])
    expect(read('dist', 'float64').values).to.deep.equal([12.25, NaN, NaN])
    expect(read('ratio', 'float64').values).to.deep.equal([0.5, NaN, 0.5])
    expect(read('day', 'float64').values).to.deep.equal([3, NaN, 3])
    expect(read('price', 'float64').values).to.deep.equal([-2, NaN, NaN])
  })

  it('tell a NaN from a missing value', () => {
    const side = avroSide(SCHEMA, [payload({ dist: { double: NaN } }), payload({ dist: null })])
    const failures = new Failures()
    expect([...side.column('dist', 'float64', failures, failures.fail).present]).to.deep.equal([1, 0])
  })

  it('round a long beyond 2^53 to the nearest double as float64, and keep it exact as a value', () => {
    const longs = [2n ** 53n + 1n, -(2n ** 63n), 2n ** 63n - 1n, 2n ** 49n]
    const side = avroSide(
      SCHEMA,
      longs.map((n) => payload({ dep: { long: n } })),
    )
    const failures = new Failures()
    const numbers = side.column('dep', 'float64', failures, failures.fail)
    expect([...numbers.values]).to.deep.equal(longs.map(Number))
    expect(side.column('dep', 'value', failures, failures.fail).values).to.deep.equal(longs)
    expect(side.column('dep', 'string', failures, failures.fail).values).to.deep.equal(longs.map(String))
  })

  it('read strings, and numbers as their decimal text', () => {
    expect(read('carrier', 'string').values).to.deep.equal(['ÄA', null, null])
    expect(read('year', 'string').values).to.deep.equal(['1987', null, '1987'])
    expect(read('dist', 'string').values).to.deep.equal(['12.25', null, null])
    expect(read('kind', 'string').values).to.deep.equal(['Y', null, 'Y'])
    expect(read('price', 'string').values).to.deep.equal(['-2.00', null, null])
    expect(read('either', 'string').values).to.deep.equal(['4', null, '5'])
  })

  it('read categories of strings, enums and numbers by their domain', () => {
    expect(read('carrier', { domain: ['AA', 'ÄA'] }).values).to.deep.equal([1, MISSING, MISSING])
    expect(read('carrier', { domain: ['AA'] }).values).to.deep.equal([UNSEEN, MISSING, MISSING])
    expect(read('carrier', { domain: [] }).values).to.deep.equal([UNSEEN, MISSING, MISSING])
    expect(read('kind', { domain: ['Z', 'Y', 'Y'] }).values).to.deep.equal([1, MISSING, 1])
    expect(read('kind', { domain: ['Z'] }).values).to.deep.equal([UNSEEN, MISSING, UNSEEN])
    expect(read('year', { domain: ['1986', '1987'] }).values).to.deep.equal([1, MISSING, 1])
  })

  it('fail rows whose type cannot be read as asked, naming field and type', () => {
    const { side, failures } = rows()
    side.column('carrier', 'float64', failures, failures.fail)
    expect(failures.codes()).to.deep.equal({ 0: 'record.field' })
    expect(failures.errors.get(0)?.message).to.match(/"carrier".*STRING.*float64/)
    expect(read('tags', 'string').codes).to.deep.equal({ 0: 'record.field', 2: 'record.field' })
    expect(read('either', 'float64').codes).to.deep.equal({ 2: 'record.field' })
  })

  it('fail rows for a field that does not exist, unless it is optional', () => {
    expect(read('nope', 'float64').codes).to.deep.equal({ 0: 'record.field', 2: 'record.field' })
    const { side, failures } = rows()
    const column = side.column('nope', 'string', failures, failures.fail, true)
    expect(failures.codes()).to.deep.equal({})
    expect(column.values).to.deep.equal([null, null, null])
  })

  it('do not touch rows that are not live', () => {
    const { side, failures } = rows()
    const column = side.column('carrier', 'float64', { isLive: (row) => row === 1 }, failures.fail)
    expect(failures.codes()).to.deep.equal({})
    expect([...column.present]).to.deep.equal([0, 0, 0])
  })

  it('look up by schema where a batch has several', () => {
    const other = record({ carrier: 'string', dep: 'int' }, 'Other')
    const writers = [SCHEMA, other].map((schema) => new WriterSchema(parseSchema(JSON.stringify(schema))))
    const second = avscType(other).toBuffer({ carrier: 'BB', dep: 7 })
    const slices = slicesOf([payload(), second, payload(), second].map((bytes) => withHeader(bytes)))
    const side = new AvroSide(new AvroRows(slices, writers, Int32Array.of(0, 1, 0, 1)))
    const failures = new Failures()
    expect([...side.column('dep', 'float64', failures, failures.fail).values]).to.deep.equal([
      1400, 7, 1400, 7,
    ])
    expect(side.column('carrier', 'string', failures, failures.fail).values).to.deep.equal([
      'ÄA',
      'BB',
      'ÄA',
      'BB',
    ])
    side.column('year', 'float64', failures, failures.fail)
    expect(failures.codes()).to.deep.equal({ 1: 'record.field', 3: 'record.field' })
  })

  it('of records that are no structs fail', () => {
    const side = avroSide('"string"', [avscType('string').toBuffer('text')])
    const failures = new Failures()
    side.column('year', 'float64', failures, failures.fail)
    expect(failures.codes()).to.deep.equal({ 0: 'record.schema' })
  })

  it('of appended fields are read like any other', () => {
    const { side, failures } = rows()
    const domain = ['no', 'yes']
    const longer = side.append(
      [
        { name: 'label', schema: OPTIONAL_STRING },
        { name: 'p', schema: OPTIONAL_FLOAT64 },
      ],
      [
        { type: 'category', levels: Int32Array.of(1, 0, MISSING), domain },
        { type: 'float64', values: Float64Array.of(0.5, 0, 1), present: Uint8Array.of(1, 1, 0) },
      ],
      failures,
      failures.fail,
    )
    expect(longer.column('label', 'string', failures, failures.fail).values).to.deep.equal([
      'yes',
      null,
      null,
    ])
    expect([...longer.column('p', 'float64', failures, failures.fail).values]).to.deep.equal([0.5, NaN, NaN])
    expect([...longer.column('year', 'float64', failures, failures.fail).values]).to.deep.equal([
      1987,
      NaN,
      1987,
    ])
    expect(failures.codes()).to.deep.equal({})
  })

  it('equal those of the plain form, failures included, for any schema and request', () => {
    const requests: ColumnRequest[] = ['float64', 'string', 'value', { domain: ['1', 'A', 'true', '', 'B'] }]
    fc.assert(
      fc.property(samples, fc.constantFrom(...requests), ({ schema, values }, request) => {
        const type = avscType(schema)
        const encoded = avroSide(
          schema,
          values.map(({ avsc }) => type.toBuffer(avsc)),
        )
        const none = new Failures()
        const schemas = values.map((_, row) => encoded.schema(row, none.fail))
        const plain = recordsSide(
          schemas,
          values.map(({ connect }) => connect),
        )
        for (const { name } of [...(schemas[0]?.fields ?? []), { name: 'absent' }]) {
          const read = (side: Side) => {
            const failures = new Failures()
            const column = side.column(name, request, failures, failures.fail)
            const messages = [...failures.errors].map(([row, error]) => [row, error.code, error.message])
            return { column, messages }
          }
          expect(isDeepStrictEqual(read(encoded), read(plain)), name).to.equal(true)
        }
        expect(none.codes()).to.deep.equal({})
      }),
      { numRuns: runs(100, 300) },
    )
  })
})
