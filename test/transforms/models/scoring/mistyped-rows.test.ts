import { expect } from 'chai'
import avsc from 'avsc'
import { after, before, describe, it } from 'mocha'
import { avroConverter } from '../../../../src/converters/avro/plugin.ts'
import { jsonConverter } from '../../../../src/converters/json/converter.ts'
import { type Converter, type Side, SILENT, type Value } from '../../../../src/index.ts'
import { Batch } from '../../../../src/runtime/records/batch.ts'
import { RowStates } from '../../../../src/runtime/records/row-states.ts'
import { scoreH2oGbm } from '../../../../transforms/models/score-h2o-gbm.ts'
import { openConverter, RegistryStandIn, slicesOf } from '../../../converters/support.ts'
import { batchOf } from '../../../support/example-batch.ts'
import { classifier, modelsOf } from '../../../support/fake-models.ts'

/** What becomes of bytes that a converter reads: the share of YES, or why a row fails. */
async function score(converter: Converter, values: readonly (Buffer | null)[]) {
  const { origin, sides, changes } = batchOf(values.map(() => ({})))
  const states = new RowStates(values.length)
  const value: Side = await converter.decode('t', slicesOf(values), (row, error) => states.fail(row, error))
  const context = { side: 'value', models: modelsOf(classifier('m')), log: SILENT } as const
  const transform = await scoreH2oGbm.open(scoreH2oGbm.config.read({ model: 'm' }), context)
  const batch = await transform.apply(new Batch(origin, states, { ...sides, value }, changes))
  return values.map((_, row) => {
    const failure = batch.failure(row)
    if (failure !== undefined) return `${failure.code}: ${failure.message}`
    return (batch.value('value', row) as Readonly<Record<string, Value>> | null)?.['p_YES']
  })
}

describe('a field of the wrong type in bytes', () => {
  let registry: RegistryStandIn
  before(async () => {
    registry = await RegistryStandIn.start()
  })
  after(() => registry.stop())

  function avro(fields: readonly object[], value: object): Buffer {
    const schema = JSON.stringify({ type: 'record', name: 'Row', fields })
    const id = Buffer.alloc(5)
    id.writeInt32BE(registry.add(schema, { subject: 't-value' }), 1)
    return Buffer.concat([id, avsc.Type.forSchema(JSON.parse(schema) as avsc.Schema).toBuffer(value)])
  }

  it('of Avro fails its records alone, by the schema of each', async () => {
    const x = (type: unknown) => [{ name: 'x', type }]
    const broken = avro(x('double'), { x: 1 })
    const found = await score(openConverter(avroConverter, { 'schema.registry.url': registry.url }), [
      avro(x('double'), { x: 0.25 }),
      avro(x('boolean'), { x: true }),
      avro(x({ type: 'long', logicalType: 'timestamp-millis' }), { x: 1 }),
      avro(x(['null', 'string']), { x: null }),
      avro(x(['null', 'string']), { x: '1' }),
      null,
      broken.subarray(0, broken.length - 2),
      avro(x('int'), { x: 1 }),
    ])
    const refused = (type: string) => new RegExp(`^record.field: The field x .* and the record has ${type}`)
    expect(found[0]).to.equal(0.25)
    expect(found[1]).to.match(refused('BOOLEAN'))
    expect(found[2]).to.match(refused('INT64 .org.apache.kafka.connect.data.Timestamp.'))
    expect(found[3]).to.match(/^record.value: .* x is missing/)
    expect(found[4]).to.match(refused('STRING'))
    expect(found[5]).to.equal(undefined)
    expect(found[6]).to.match(/^record.malformed/)
    expect(found[7]).to.equal(1)
  })

  it('is looked for in records that have no schema of Connect, and such are scored', async () => {
    const tree = (type: string) => [
      { name: 'x', type },
      { name: 'children', type: { type: 'array', items: 'Row' } },
    ]
    const [number, text] = await score(
      openConverter(avroConverter, { 'schema.registry.url': registry.url }),
      [avro(tree('double'), { x: 0.5, children: [] }), avro(tree('string'), { x: '1', children: [] })],
    )
    expect(number).to.equal(0.5)
    expect(text).to.match(/^record.field: The field x .* the record has STRING/)
  })

  it('of JSON fails its records alone, by what each holds', async () => {
    const converter = openConverter(jsonConverter, { 'schemas.enable': 'false' })
    const rows = [
      '{"x":0.25}',
      '{"x":1}',
      '{"x":"1"}',
      '{"x":true}',
      '{"x":[1]}',
      '{"x":{}}',
      '{"x":null}',
      '{"x":',
    ]
    const found = await score(
      converter,
      rows.map((row) => Buffer.from(row)),
    )
    expect(found.slice(0, 2)).to.deep.equal([0.25, 1])
    for (const [at, type] of [
      ['2', 'STRING'],
      ['3', 'BOOLEAN'],
      ['4', 'ARRAY'],
      ['5', 'STRUCT'],
    ] as const)
      expect(found[Number(at)]).to.match(new RegExp(`^record.field: The field x .* the record has ${type}`))
    expect(found[6]).to.match(/^record.value: .* x is missing/)
    expect(found[7]).to.match(/^record.malformed/)
  })

  it('of JSON is found without reading any bytes twice', async () => {
    const side = await openConverter(jsonConverter, { 'schemas.enable': 'false' }).decode(
      't',
      slicesOf([Buffer.from('{"x":1}')]),
      () => undefined,
    )
    const fail = () => expect.fail('it can be read')
    expect(side.value(0, fail)).to.equal(side.value(0, fail))
  })
})
