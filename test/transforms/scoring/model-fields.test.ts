import { expect } from 'chai'
import { describe, it } from 'mocha'
import { type Model, type Schema, struct } from '../../../src/index.ts'
import { scoreH2oGbm } from '../../../transforms/score-h2o-gbm.ts'
import { classifier, firstOf, modelsOf, numeric, yesOrNo } from '../../support/fake-models.ts'
import { openTransform, row, SCHEMA } from '../../support/open-transform.ts'

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

async function outcomes(fields: string, model: Model, records = [row(null, 0.5), row(0.75, null)]) {
  const opened = await openTransform(scoreH2oGbm, { model: 'lenient', fields }, modelsOf(model))
  const batch = await opened.apply(records)
  return records.map((_, i) => {
    const failure = batch.failure(i)
    if (failure !== undefined) return `${failure.code}: ${failure.message}`
    return (batch.record(i).value as Readonly<Record<string, unknown>>)['prediction']
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
})
