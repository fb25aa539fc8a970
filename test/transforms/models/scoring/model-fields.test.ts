import { expect } from 'chai'
import { describe, it } from 'mocha'
import {
  ConfigError,
  type ExampleRecord,
  type Model,
  type Schema,
  struct,
  type Value,
} from '../../../../src/index.ts'
import { scoreH2oGbm } from '../../../../transforms/models/score-h2o-gbm.ts'
import { classifier, firstOf, modelsOf, numeric, yesOrNo } from '../../../support/fake-models.ts'
import { openTransform, row, SCHEMA } from '../../../support/open-transform.ts'

/** May lack both of its columns; says NO where it lacks the first. */
function lenient(second: Partial<Model['inputs'][number]> = {}): Model {
  const model = classifier('lenient', {
    inputs: [numeric('x', false), { ...numeric('other', false), ...second }],
    score: (columns) =>
      yesOrNo(
        firstOf(columns).map((value) => (Number.isNaN(value) ? 0 : value)),
        model.labels,
      ),
  })
  return model
}

async function outcomes(
  fields: string,
  model: Model,
  records: readonly ExampleRecord[] = [row(null, 0.5), row(0.75, null)],
  config: Readonly<Record<string, string>> = {},
) {
  const opened = await openTransform(scoreH2oGbm, { model: 'lenient', fields, ...config }, modelsOf(model))
  const batch = await opened.apply(records)
  return records.map((_, i) => {
    const failure = batch.failure(i)
    if (failure !== undefined) return `${failure.code}: ${failure.message}`
    const { value } = batch.record(i)
    if (value instanceof Map) return (value as ReadonlyMap<Value, Value>).get('prediction')
    return (value as Readonly<Record<string, unknown>>)['prediction']
  })
}

describe('the fields of a record that a model reads', () => {
  it('are missing where they are null or absent, if the model may lack them and nothing names them', async () => {
    expect(await outcomes('', lenient())).to.deep.equal(['NO', 'YES'])
    expect(await outcomes('other:y', lenient())).to.deep.equal(['NO', 'YES'])
  })

  it('must be there where `fields` names them, in pairs or as a list, as numbers or as texts', async () => {
    const text = lenient({ type: 'categorical', domain: ['a', 'b'] })
    for (const [fields, model] of [
      ['other:nothing', lenient()],
      ['x,nothing', lenient()],
      ['other:nothing', text],
      ['other:nothing', lenient({ type: 'categorical' })],
    ] as const) {
      for (const outcome of await outcomes(fields, model)) {
        expect(outcome, fields).to.match(/^record\.field: .*nothing/)
      }
    }
  })

  it('fail only the records that lack them', async () => {
    const fields = [...SCHEMA.fields, { name: 'z', schema: SCHEMA.fields[0]!.schema }]
    const valueSchema: Schema = { ...SCHEMA, fields }
    const whole = { valueSchema, value: struct({ x: 0.75, y: null, text: null, z: null }) }
    const [first, second, third] = await outcomes('other:z', lenient(), [row(0.75), whole, row(0.25)])
    expect(second).to.equal('YES')
    for (const outcome of [first, third]) expect(outcome).to.match(/^record\.field/)
  })

  const map = (entries: Readonly<Record<string, Value>>): ExampleRecord => ({
    value: new Map<Value, Value>(Object.entries(entries)),
  })
  /** Needs both of its columns, and says NO where the first is missing. */
  const strict = (): Model => ({
    ...lenient(),
    inputs: [numeric('x'), { name: 'kind', type: 'categorical', domain: ['a', 'b'], required: true }],
  })
  const NULL = { 'missing.fields': 'null' }

  it('are missing where a record has no such key or field, if `missing.fields` says so', async () => {
    const records = [map({ kind: 'a' }), map({ x: 0.75 }), map({ x: 0.75, kind: 'a' }), row(0.75)]
    expect(await outcomes('', strict(), records, NULL)).to.deep.equal(['NO', 'YES', 'YES', 'YES'])
    expect(await outcomes('kind:k', strict(), [map({ x: 0.75 }), row(0.75)], NULL)).to.deep.equal([
      'YES',
      'YES',
    ])
    for (const outcome of await outcomes('', strict(), [map({ x: 0.75 }), row(0.75)]))
      expect(outcome).to.match(/^record\.field: .*kind/)
  })

  it('may not all be absent, in records with a schema and without one', async () => {
    const strangers = [map({ other: 1 }), map({}), { value: struct({ y: 1 }) }]
    for (const outcome of await outcomes('', strict(), strangers, NULL))
      expect(outcome).to.match(/^record\.field: The record has none of the columns/)
    expect(await outcomes('', strict(), [map({ x: null })], NULL)).to.deep.equal(['NO'])
    const [optional] = await outcomes('', lenient(), [map({ nothing: 1 })])
    expect(optional).to.match(/^record\.field: The record has none of the columns/)
  })

  it('must be there in whose place the model has nothing, whatever `missing.fields` says', async () => {
    const needy = classifier('needy', { name: 'lenient', inputs: strict().inputs })
    const [without, withIt] = await outcomes('', needy, [map({ kind: 'a' }), map({ x: 0.75 })], NULL)
    expect(without).to.match(/^record\.field: .*"x"/)
    expect(withIt).to.equal('YES')
  })

  it('cannot be missing where all are one array', async () => {
    const two = { ...lenient(), inputs: [numeric('x'), numeric('y')] }
    const opening = await outcomes('all', two, [], NULL).catch((error: unknown) => error)
    expect(opening).to.be.instanceOf(ConfigError)
    expect((opening as ConfigError).problems[0]?.path).to.equal('missing.fields')
  })
})
