import { expect } from 'chai'
import { describe, it } from 'mocha'
import { type ModelColumn, UNSEEN } from '../../../src/api/batch.ts'
import type { Model, Scores } from '../../../src/api/models.ts'
import { LiveModel, whyIncompatible } from '../../../src/inference/store/live-model.ts'
import type { ReadyModel } from '../../../src/inference/store/load-model.ts'

const ORIGIN = { name: 'Origin', type: 'categorical', domain: ['SFO', 'LAX'], required: true } as const
const TAKEN = { version: '1', stamp: '' }
const scores = (value: number): Scores => ({
  prediction: { type: 'float64', values: Float64Array.of(value), present: Uint8Array.of(1) },
  outputs: [],
})

function modelOf(version: string, more: Partial<Model> = {}): Model {
  return {
    name: 'm',
    version,
    format: 'h2o-mojo',
    algorithm: 'gbm',
    task: 'regression',
    labels: [],
    outputs: [],
    inputs: [ORIGIN],
    score: () => scores(Number(version)),
    ...more,
  }
}

const ready = (model: Model) => ({ model }) as ReadyModel
const origin = (level: number): ModelColumn[] => [
  { type: 'category', levels: Int32Array.of(level), domain: ['SFO', 'LAX'] },
]

describe('a live model', () => {
  it('answers a call that is under way with the version that it began with', async () => {
    const slow = Promise.withResolvers<Scores>()
    const live = new LiveModel('m', ready(modelOf('1', { score: () => slow.promise })), TAKEN)
    const before = live.model.score(origin(0), 1)
    live.replace(ready(modelOf('2')))
    const after = await live.model.score(origin(0), 1)
    slow.resolve(scores(1))
    expect(await before).to.deep.equal(scores(1))
    expect(after).to.deep.equal(scores(2))
    expect(live.model.version).to.equal('2')
  })

  it('gives the version that serves now, which stays what it is', () => {
    const live = new LiveModel('m', ready(modelOf('1')), TAKEN)
    const first = live.model.serving
    live.replace(ready(modelOf('2')))
    expect([first?.version, live.model.serving?.version]).to.deep.equal(['1', '2'])
  })

  it('understands columns that were read for the levels of the version before', async () => {
    const seen: ModelColumn[] = []
    const live = new LiveModel('m', ready(modelOf('1')), TAKEN)
    const next = modelOf('2', {
      inputs: [{ ...ORIGIN, domain: ['JFK', 'SFO'] }],
      score: (columns) => (seen.push(...columns), scores(2)),
    })
    live.replace(ready(next))
    for (const level of [0, 1, -1]) await live.model.score(origin(level), 1)
    const levels = seen.map((column) => (column.type === 'category' ? column.levels[0] : undefined))
    expect(levels).to.deep.equal([1, UNSEEN, -1])
  })
})

describe('a newer version', () => {
  const serving = modelOf('1', { inputs: [ORIGIN, { name: 'Month', type: 'numeric', required: false }] })

  it('may have other levels and other numbers', () => {
    const inputs = [{ ...ORIGIN, domain: ['JFK'] }, ...serving.inputs.slice(1)]
    expect(whyIncompatible(serving, { ...serving, version: '2', inputs })).to.equal(undefined)
  })

  for (const [what, more, said] of [
    ['lacks a column', { inputs: [ORIGIN] }, 'its input columns differ: without Month (numeric)'],
    [
      'takes whole numbers in the place of any',
      { inputs: [ORIGIN, { ...serving.inputs[1]!, holds: 'whole' as const }] },
      'with Month (numeric, whole)',
    ],
    ['has its columns in another order', { inputs: serving.inputs.toReversed() }, 'another order'],
    ['has another output', { outputs: ['YES'] }, 'its outputs differ: with YES'],
    ['is of another algorithm', { algorithm: 'drf' }, 'its algorithm is drf, not gbm'],
    ['says from where on a record is unusual', { threshold: 1 }, 'it has a threshold'],
  ] as const) {
    it(`cannot take over where it ${what}`, () => {
      expect(whyIncompatible(serving, { ...serving, ...more })).to.include(said)
    })
  }
})
