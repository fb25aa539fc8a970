import { expect } from 'chai'
import { describe, it } from 'mocha'
import { fromConnect } from '../../../src/converters/avro/from-connect.ts'
import { parseSchema } from '../../../src/converters/avro/parse-schema.ts'
import { toConnect } from '../../../src/converters/avro/to-connect.ts'
import { ConnectError, LOGICAL, type Schema, struct } from '../../../src/index.ts'
import { record } from './support.ts'

const connect = (schema: unknown): Schema => toConnect(parseSchema(JSON.stringify(schema)))

/** A field's Connect schema. */
const field = (type: unknown, more: object = {}): Schema | undefined =>
  connect({ type: 'record', name: 'R', fields: [{ name: 'f', type, ...more }] }).fields?.[0]?.schema

/** A copy that does not know the Avro schema it came from. */
const copy = (schema: Schema): Schema => structuredClone(schema)

describe('A Connect schema of an Avro one', () => {
  it('has the record’s full name, docs as parameters and fields in order', () => {
    expect(
      connect({
        type: 'record',
        name: 'Row',
        namespace: 'a.b',
        doc: 'd',
        fields: [
          { name: 'x', type: 'int', doc: 'fd' },
          { name: 'y', type: ['null', 'string'] },
        ],
      }),
    ).to.deep.equal({
      type: 'STRUCT',
      optional: false,
      name: 'a.b.Row',
      parameters: Object.assign(Object.create(null) as object, {
        'io.confluent.connect.avro.record.doc': 'd',
        'io.confluent.connect.avro.field.doc.x': 'fd',
      }),
      fields: [
        { name: 'x', schema: { type: 'INT32', optional: false } },
        { name: 'y', schema: { type: 'STRING', optional: true } },
      ],
    })
  })

  it('takes logical types that Connect has, and leaves microseconds a number', () => {
    const named = (type: unknown) => [field(type)?.type, field(type)?.name, field(type)?.version]
    expect(named({ type: 'int', logicalType: 'date' })).to.deep.equal(['INT32', LOGICAL.date, 1])
    expect(named({ type: 'int', logicalType: 'time-millis' })).to.deep.equal(['INT32', LOGICAL.time, 1])
    expect(named({ type: 'long', logicalType: 'timestamp-millis' })).to.deep.equal([
      'INT64',
      LOGICAL.timestamp,
      1,
    ])
    expect(named({ type: 'long', logicalType: 'timestamp-micros' })).to.deep.equal([
      'INT64',
      undefined,
      undefined,
    ])
    const decimal = field({ type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 })
    expect({ ...decimal?.parameters }).to.deep.equal({ scale: '2', 'connect.decimal.precision': '9' })
  })

  it('makes enums strings and fixed bytes that remember what they were', () => {
    const kind = field({ type: 'enum', name: 'Kind', symbols: ['A', 'B'], default: 'A' })
    expect([kind?.type, kind?.name]).to.deep.equal(['STRING', 'Kind'])
    expect({ ...kind?.parameters }).to.deep.equal({
      'io.confluent.connect.avro.enum.default.Kind': 'A',
      'io.confluent.connect.avro.Enum': 'Kind',
      'io.confluent.connect.avro.Enum.A': 'A',
      'io.confluent.connect.avro.Enum.B': 'B',
    })
    const id = field({ type: 'fixed', name: 'Id', size: 3 })
    expect([id?.type, { ...id?.parameters }]).to.deep.equal(['BYTES', { 'connect.fixed.size': '3' }])
  })

  it('makes a union of several types a struct of optional branches', () => {
    const union = field(['null', 'int', record({ a: 'int' }, 'x.In')])
    expect([union?.type, union?.name, union?.optional]).to.deep.equal([
      'STRUCT',
      'io.confluent.connect.avro.Union',
      true,
    ])
    expect(union?.fields?.map((f) => [f.name, f.schema.type, f.schema.optional])).to.deep.equal([
      ['int', 'INT32', true],
      ['In', 'STRUCT', true],
    ])
    expect(() => field([record({}, 'x.In'), record({}, 'y.In')])).to.throw(ConnectError, /two branches/)
  })

  it('honours connect.name, version, doc, parameters, default and type', () => {
    const schema = field({
      type: 'int',
      'connect.type': 'int8',
      'connect.name': 'my.Byte',
      'connect.version': 3,
      'connect.doc': 'd',
      'connect.parameters': { p: 'q' },
      'connect.default': 7,
    })
    expect({ ...schema, parameters: { ...schema?.parameters } }).to.deep.equal({
      type: 'INT8',
      optional: false,
      name: 'my.Byte',
      version: 3,
      doc: 'd',
      parameters: { p: 'q' },
      default: 7,
    })
  })

  it('takes defaults of every type', () => {
    expect(field('long', { default: 5 })?.default).to.equal(5n)
    expect(field('bytes', { default: '\u0001ÿ' })?.default).to.deep.equal(Buffer.from([1, 255]))
    expect(field({ type: 'int', logicalType: 'date' }, { default: 1 })?.default).to.deep.equal(
      new Date(86_400_000),
    )
    expect(field({ type: 'array', items: 'long' }, { default: [1, 2] })?.default).to.deep.equal([1n, 2n])
    expect(field({ type: 'map', values: 'int' }, { default: { a: 1 } })?.default).to.deep.equal(
      new Map([['a', 1]]),
    )
    expect(field(record({ a: 'int' }, 'In'), { default: { a: 4 } })?.default).to.deep.equal(struct({ a: 4 }))
    expect(field(['null', 'int'], { default: null })).to.deep.equal({
      type: 'INT32',
      optional: true,
      default: null,
    })
    expect(field(['int', 'null'], { default: 9 })).to.deep.equal({
      type: 'INT32',
      optional: true,
      default: 9,
    })
    expect(() => field('int', { default: 'x' })).to.throw(ConnectError, /default/)
  })

  it('reads arrays of MapEntry as maps', () => {
    const entry = record({ key: 'int', value: 'string' }, 'io.confluent.connect.avro.MapEntry')
    const map = field({ type: 'array', items: entry })
    expect([map?.type, map?.keySchema?.type, map?.valueSchema?.type]).to.deep.equal([
      'MAP',
      'INT32',
      'STRING',
    ])
  })

  it('does not exist for a null of its own', () => {
    expect(() => field('null')).to.throw(ConnectError, /null/)
  })
})

describe('An Avro schema of a Connect one', () => {
  it('keeps what came from Avro word for word, with full names', () => {
    const avro = {
      type: 'record',
      name: 'Row',
      namespace: 'a.b',
      aliases: ['Old'],
      fields: [
        { name: 'e', type: { type: 'enum', name: 'E', symbols: ['X'], extra: 1 }, order: 'ignore' },
        { name: 'f', type: ['null', 'E'], default: null },
      ],
    }
    const schema = connect(avro)
    const [first, second] = schema.fields ?? []
    const own: Schema = { type: 'STRUCT', optional: false, name: 'my.Own', fields: [second!, first!] }
    expect(fromConnect(own)).to.deep.equal({
      type: 'record',
      namespace: 'my',
      name: 'Own',
      fields: [
        {
          name: 'f',
          type: ['null', { type: 'enum', namespace: 'a.b', name: 'E', symbols: ['X'], extra: 1 }],
          default: null,
        },
        { name: 'e', type: 'a.b.E' },
      ],
      'connect.name': 'my.Own',
    })
  })

  it('has Confluent’s names, unions and defaults', () => {
    const schema: Schema = {
      type: 'STRUCT',
      optional: false,
      fields: [
        { name: 'b', schema: { type: 'INT8', optional: false } },
        { name: 'o', schema: { type: 'STRING', optional: true } },
        { name: 'd', schema: { type: 'INT64', optional: true, default: 5n } },
        { name: 't', schema: { type: 'INT64', optional: false, name: LOGICAL.timestamp, version: 1 } },
        {
          name: 'm',
          schema: {
            type: 'MAP',
            optional: false,
            keySchema: { type: 'INT32', optional: false },
            valueSchema: { type: 'STRING', optional: true },
          },
        },
      ],
    }
    expect(fromConnect(schema)).to.deep.equal({
      type: 'record',
      namespace: 'io.confluent.connect.avro',
      name: 'ConnectDefault',
      fields: [
        { name: 'b', type: { type: 'int', 'connect.type': 'int8' } },
        { name: 'o', type: ['null', 'string'], default: null },
        { name: 'd', type: [{ type: 'long', 'connect.default': 5n }, 'null'], default: 5n },
        {
          name: 't',
          type: {
            type: 'long',
            logicalType: 'timestamp-millis',
            'connect.version': 1,
            'connect.name': LOGICAL.timestamp,
          },
        },
        {
          name: 'm',
          type: {
            type: 'array',
            items: {
              type: 'record',
              namespace: 'io.confluent.connect.avro',
              name: 'MapEntry',
              fields: [
                { name: 'key', type: 'int' },
                { name: 'value', type: ['null', 'string'], default: null },
              ],
              'connect.internal.type': 'MapEntry',
            },
          },
        },
      ],
    })
  })

  it('numbers records without a name, and refuses two different ones of a name', () => {
    const inner: Schema = { type: 'STRUCT', optional: false, fields: [] }
    const row = (a: Schema, b: Schema): Schema => ({
      type: 'STRUCT',
      optional: false,
      name: 'Row',
      fields: [
        { name: 'a', schema: a },
        { name: 'b', schema: b },
      ],
    })
    const json = JSON.stringify(fromConnect(row(inner, copy(inner))))
    expect(json).to.contain('"ConnectDefault"').and.contain('"ConnectDefault2"')
    const named = { ...inner, name: 'In' }
    expect(() => fromConnect(row(named, { ...named, fields: [{ name: 'x', schema: inner }] }))).to.throw(
      ConnectError,
      /called "In"/,
    )
    expect(JSON.stringify(fromConnect(row(named, { ...named })))).to.contain('{"name":"b","type":"In"}')
  })
})
