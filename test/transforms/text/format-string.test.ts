import { expect } from 'chai'
import { describe, it } from 'mocha'
import { type Models, OPTIONAL_STRING, type Schema, SILENT, struct, type Value } from '../../../src/index.ts'
import { formatString } from '../../../transforms/text/format-string.ts'
import { batchOf } from '../../support/example-batch.ts'

const models: Models = { load: async () => Promise.reject(new Error('no model is needed')) }

async function format(template: string, value: Value, more: Record<string, string> = {}): Promise<Value> {
  const config = formatString.config.read({ template, ...more })
  const transform = await formatString.open(config, { side: 'value', models, log: SILENT })
  const batch = await transform.apply(batchOf([{ value }]))
  const error = batch.failure(0)
  if (error !== undefined) throw error
  expect(batch.record(0).valueSchema).to.deep.equal({ type: 'STRING', optional: false })
  return batch.record(0).value
}

async function nd4j(value: Value): Promise<Value> {
  return format('${x|nd4j}', struct({ x: value }))
}

describe('FormatString', () => {
  it('writes values of every type', async () => {
    const inner = struct({ name: 'é', list: [1, null, 'x'] })
    const record = struct({ t: true, i: -3, l: 9007199254740993n, d: 0.1, s: '', inner, list: [1.5, 2] })
    expect(await format('${t} ${i} ${l} ${d} [${s}] ${inner.name} ${list}', record)).to.equal(
      'true -3 9007199254740993 0.1 [] é [1.5, 2]',
    )
    expect(await format('${inner|json} ${inner.list}', record)).to.equal(
      '{"name":"é","list":[1,null,"x"]} [1, null, x]',
    )
    expect(await format('${list|.2} ${d|.1%}', record)).to.equal('[1.50, 2.00] 10.0%')
  })

  it('reads maps without a schema, and nothing of nothing', async () => {
    expect(await format('${a.b}', new Map<Value, Value>([['a', new Map([['b', 5]])]]))).to.equal('5')
    expect(await format('${a.b}', struct({ a: null }))).to.equal('null')
    expect(await format('${a.b|nd4j}', struct({ a: null }), { 'missing.text': '-' })).to.equal('-')
  })

  it('leaves text alone that is no placeholder', async () => {
    expect(await format('$ {a} $a $${a} } ${a', struct({ a: 1 }))).to.equal('$ {a} $a ${a} } ${a')
    expect(await format('plain', struct({ a: 1 }))).to.equal('plain')
    // what a value holds is never a template
    expect(await format('${a}', struct({ a: '${b} $$' }))).to.equal('${b} $$')
  })

  it('prints matrices as ND4J does', async () => {
    expect(await nd4j([0.0033421936, 0.16345201, 0.8332058])).to.equal('[[    0.0033,    0.1635,    0.8332]]')
    expect(await nd4j([9.303299e-5, 0.0029957688, 0.9969112])).to.equal(
      '[[ 9.3033e-5,    0.0030,    0.9969]]',
    )
    expect(await nd4j([0.011271911, 0.81515354, 0.1735746])).to.equal('[[    0.0113,    0.8152,    0.1736]]')
    expect(await nd4j([0, 1, -0.5])).to.equal('[[         0,    1.0000,   -0.5000]]')
    expect(await nd4j([12345.678, 9999.5, 1e10])).to.equal('[[  1.2346e4, 9999.5000,      1e10]]')
    expect(await nd4j([0.0001, 0.00009, 0.03125, 0.09375])).to.equal(
      '[[    0.0001,      9e-5,    0.0312,    0.0938]]',
    )
    expect(
      await nd4j([
        [1, 2],
        [3, 4],
      ]),
    ).to.equal('[[    1.0000,    2.0000], \n [    3.0000,    4.0000]]')
    expect(await nd4j(Array<number>(10).fill(0.1))).to.include('0.1000,    0.1000,    0.1000')
    expect(await nd4j(0.5)).to.equal('0.5000')
  })

  it('adds the text to keys and to maps, where a field for it is named', async () => {
    const config = formatString.config.read({ template: '<${a}>', field: 'text' })
    const context = { models, log: SILENT }
    const value = await formatString.open(config, { side: 'value', ...context })
    const batch = await value.apply(
      batchOf([{ value: new Map([['a', 1]]) }, { value: struct({ b: 1 }) }, { value: 'a' }, { value: null }]),
    )
    expect(batch.record(0).value).to.deep.equal(
      new Map<Value, Value>([
        ['a', 1],
        ['text', '<1>'],
      ]),
    )
    expect(batch.failure(1)?.message).to.contain('has no field a')
    expect(batch.failure(2)?.code).to.match(/^record/)
    expect([batch.isLive(3), batch.isNull('value', 3)]).to.deep.equal([true, true])
    const key = await formatString.open(config, { side: 'key', ...context })
    const keySchema: Schema = {
      type: 'STRUCT',
      optional: false,
      fields: [{ name: 'a', schema: OPTIONAL_STRING }],
    }
    const keyed = await key.apply(batchOf([{ keySchema, key: struct({ a: 'x' }), value: 'untouched' }]))
    const record = keyed.record(0)
    expect({ ...(record.key as object), value: record.value }).to.deep.equal({
      a: 'x',
      text: '<x>',
      value: 'untouched',
    })
    expect(record.keySchema?.fields?.at(-1)).to.deep.equal({ name: 'text', schema: OPTIONAL_STRING })
    expect(formatString.config.parse({ template: 'x', field: 'a-b' }).problems).to.have.length(1)
  })

  it('fails a record that has no such field', async () => {
    for (const template of ['${b}', '${a.b}', '${a,b|nd4j}', '${__proto__}', '${toString}']) {
      const error = await format(template, struct({ a: 1 })).catch((reason: unknown) => reason)
      expect(error, template).to.have.property('code', 'record.field')
    }
  })

  it('refuses a template that cannot be filled', () => {
    const problems = (template: string) => formatString.config.parse({ template }).problems.length
    for (const template of ['${}', '${a,}', '${a|}b}${a|x}', '${a|.2f}', '${a|.}']) {
      expect(problems(template), template).to.equal(1)
    }
    expect(formatString.config.parse({}).problems).to.have.length(1)
  })
})
