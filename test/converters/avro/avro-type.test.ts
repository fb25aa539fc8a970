import { expect } from 'chai'
import { describe, it } from 'mocha'
import { readAvroSchema } from '../../../src/index.ts'

const text = JSON.stringify({
  type: 'record',
  name: 'a.Row',
  hint: { top: 1 },
  fields: [
    { name: 'long', type: { type: 'long', logicalType: 'timestamp-millis', hint: 'inner' }, hint: 'outer' },
    { name: 'tags', type: { type: 'map', values: 'string' }, default: { hint: 'kept' } },
    { name: 'either', type: ['null', 'int', { type: 'enum', name: 'E', symbols: ['X'] }] },
    { name: 'maybe', type: ['null', 'E'], default: null },
  ],
})

describe('a plugin reads an Avro schema', () => {
  const { type, schema } = readAvroSchema(text, 'hint')
  const [long, tags, either, maybe] = type.fields

  it('with its types, their attributes, and those of fields', () => {
    expect(type).to.include({ type: 'record', name: 'a.Row' })
    expect(type.attributes['hint']).to.deep.equal({ top: 1 })
    expect(long?.attributes['hint']).to.equal('outer')
    expect(long?.type.attributes).to.deep.equal({
      type: 'long',
      logicalType: 'timestamp-millis',
      hint: 'inner',
    })
    expect(long?.type.connect).to.include({ type: 'INT64', name: 'org.apache.kafka.connect.data.Timestamp' })
    expect(tags?.type.items).to.include({ type: 'string' })
  })

  it('with unions as Connect has them, and references replaced by what they name', () => {
    expect(either?.type.branches.map(({ field }) => field)).to.deep.equal([null, 'int', 'E'])
    expect(maybe?.type.branches.map(({ field }) => field)).to.deep.equal([null, null])
    expect(maybe?.type.branches[1]?.type).to.include({ type: 'enum', name: 'a.E' })
  })

  it('without its own attribute in the Connect schema, of which a converter makes a schema again', () => {
    const without = JSON.parse(text, (key, value: unknown) =>
      key === 'hint' && value !== 'kept' ? undefined : value,
    ) as unknown
    expect(schema).to.deep.equal(readAvroSchema(JSON.stringify(without), 'hint').schema)
    expect(schema.fields?.[1]?.schema.default).to.deep.equal(new Map([['hint', 'kept']]))
  })

  it('and is told what is no schema, or none that Connect has', () => {
    expect(() => readAvroSchema('{', 'hint')).to.throw('not valid JSON')
    expect(() => readAvroSchema('"no"', 'hint')).to.throw('"no"')
    expect(() => readAvroSchema('"null"', 'hint')).to.throw('null outside of a union')
  })
})
