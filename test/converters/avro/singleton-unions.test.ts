import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { avroConverter } from '../../../src/converters/avro/plugin.ts'
import { jsonConverter } from '../../../src/converters/json/converter.ts'
import { recordsSide } from '../../../src/converters/records-side.ts'
import { struct, type Side } from '../../../src/index.ts'
import { allRows, bytesOf, Failures, openConverter, RegistryStandIn, slicesOf } from '../support.ts'
import { readBack, withHeader } from './support.ts'

const SCHEMA = {
  type: 'record',
  name: 'S',
  fields: [
    { name: 's', type: ['string'], default: 'UNKNOWN' },
    { name: 'n', type: ['long'] },
  ],
}
const X5 = Buffer.from('000278000a', 'hex')
const WRAPPED = { 'flatten.singleton.unions': 'false' }

describe('A union of one type', () => {
  let registry: RegistryStandIn
  before(async () => (registry = await RegistryStandIn.start()))
  after(() => registry.stop())

  const open = (raw: Record<string, string> = {}) =>
    openConverter(avroConverter, { 'schema.registry.url': registry.url, ...raw })

  async function read(schema: unknown, payload: Buffer, raw: Record<string, string> = {}) {
    const failures = new Failures()
    const slices = slicesOf([withHeader(payload, registry.add(schema))])
    const side = await open(raw).decode('t', slices, failures.fail)
    return { side, failures, value: side.value(0, failures.fail), schema: side.schema(0, failures.fail) }
  }

  /** What is written under a new subject: its registered schema, and the payload. */
  async function write(side: Side, topic: string, raw: Record<string, string> = {}) {
    const failures = new Failures()
    const encoded = await open(raw).encode(topic, side, allRows(1), failures.fail)
    expect(failures.codes()).to.deep.equal({})
    const [id] = registry.subjects.get(`${topic}-value`) ?? []
    const { schema = '' } = registry.ids.get(id ?? 0) ?? {}
    return { schema: JSON.parse(schema) as unknown, payload: bytesOf(encoded, [0])[0]!.subarray(5) }
  }

  it('is that type, as flatten.singleton.unions says where nothing is set', async () => {
    const { side, failures, value, schema } = await read(SCHEMA, X5)
    expect(value).to.deep.equal(struct({ s: 'x', n: 5n }))
    expect(
      schema?.fields?.map((field) => [field.name, field.schema.type, field.schema.optional]),
    ).to.deep.equal([
      ['s', 'STRING', false],
      ['n', 'INT64', false],
    ])
    expect(schema?.fields?.[0]?.schema.default).to.equal('UNKNOWN')
    const json = openConverter(jsonConverter, { 'schemas.enable': 'false' })
    const plain = recordsSide([schema], [value])
    const text = bytesOf(await json.encode('t', plain, allRows(1), failures.fail), [0])[0]?.toString()
    expect(text).to.equal('{"s":"x","n":5}')
    expect(side.column('n', 'float64', failures, failures.fail).values[0]).to.equal(5)
    expect(failures.codes()).to.deep.equal({})
  })

  it('is a struct of the type where flatten.singleton.unions is false', async () => {
    const { value, schema } = await read(SCHEMA, X5, WRAPPED)
    expect(value).to.deep.equal(struct({ s: struct({ string: 'x' }), n: struct({ long: 5n }) }))
    expect(schema?.fields?.[1]?.schema.name).to.equal('io.confluent.connect.avro.Union')
    expect(schema?.fields?.[1]?.schema.fields?.[0]?.schema.type).to.equal('INT64')
  })

  it('stays a union of one in what is written, whichever way it was read', async () => {
    for (const [topic, raw] of [
      ['flat', {}],
      ['wrapped', WRAPPED],
    ] as const) {
      const { side, value, schema } = await read(SCHEMA, X5, raw)
      for (const [made, from] of [
        ['spliced', side],
        ['plain', recordsSide([schema], [value])],
        ['renamed', recordsSide([{ ...schema!, name: 'T' }], [value])],
      ] as const) {
        const written = await write(from, `${topic}-${made}`)
        expect(readBack(SCHEMA, written.payload), `${topic} ${made}`).to.deep.equal({
          s: { string: 'x' },
          n: { long: 5n },
        })
        expect((written.schema as typeof SCHEMA).fields.map((field) => field.type)).to.deep.equal([
          ['string'],
          ['long'],
        ])
      }
    }
  })

  it('is read as its type inside arrays, maps and unions, and as a root that is a record', async () => {
    const nested = {
      type: 'record',
      name: 'N',
      fields: [
        { name: 'list', type: { type: 'array', items: ['int'] } },
        {
          name: 'map',
          type: {
            type: 'map',
            values: [{ type: 'record', name: 'P', fields: [{ name: 'p', type: ['int'] }] }],
          },
        },
      ],
    }
    const bytes = Buffer.from([4, 0, 2, 0, 4, 0, 2, 2, 0x61, 0, 0, 6, 0])
    const { value } = await read(nested, bytes)
    expect(value).to.deep.equal(struct({ list: [1, 2], map: new Map([['a', struct({ p: 3 })]]) }))

    const root = await read([SCHEMA], Buffer.concat([Buffer.from([0]), X5]))
    expect(root.value).to.deep.equal(struct({ s: 'x', n: 5n }))
    const { side, failures } = root
    expect(side.column('s', 'string', failures, failures.fail).values).to.deep.equal(['x'])
    const field = { name: 'more', schema: { type: 'FLOAT64', optional: true } } as const
    const column = { type: 'float64', values: Float64Array.of(0.5), present: Uint8Array.of(1) } as const
    const more = await write(side.append([field], [column], failures, failures.fail), 'root')
    expect(readBack(more.schema, more.payload)).to.deep.equal({
      S: { s: { string: 'x' }, n: { long: 5n }, more: { double: 0.5 } },
    })
    expect(failures.codes()).to.deep.equal({})
  })

  it('fails a record whose branch is another', async () => {
    const { failures } = await read([SCHEMA], Buffer.concat([Buffer.from([2]), X5]))
    expect(failures.codes()).to.deep.equal({ 0: 'record.malformed' })
  })

  it('has a struct with simple names beside other types, and with full names by enhanced.avro.schema.support', async () => {
    const schema = {
      type: 'record',
      name: 'U',
      namespace: 'a.b',
      fields: [
        {
          name: 'u',
          type: [
            'string',
            { type: 'fixed', name: 'F', size: 1 },
            { type: 'fixed', name: 'G', size: 2 },
            { type: 'enum', name: 'E', symbols: ['A'] },
          ],
        },
      ],
    }
    const namesOf = async (raw: Record<string, string>) => {
      const { value, schema: found, side } = await read(schema, Buffer.from([6, 0]), raw)
      const written = await write(recordsSide([{ ...found!, doc: 'new' }], [value]), JSON.stringify(raw), raw)
      expect(written.payload).to.deep.equal(Buffer.from([6, 0]))
      expect(side.length).to.equal(1)
      return found?.fields?.[0]?.schema.fields?.map((field) => field.name)
    }
    expect(await namesOf({})).to.deep.equal(['string', 'F', 'G', 'E'])
    expect(await namesOf({ 'enhanced.avro.schema.support': 'true' })).to.deep.equal([
      'string',
      'a.b.F',
      'a.b.G',
      'a.b.E',
    ])
  })
})
