import { expect } from 'chai'
import fc from 'fast-check'
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { after, before, describe, it } from 'mocha'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { SILENT } from '../../../../src/api/log.ts'
import {
  type ExampleRecord,
  type Model,
  OPTIONAL_FLOAT64,
  OPTIONAL_STRING,
  struct,
  type Transform,
} from '../../../../src/index.ts'
import { ModelStore } from '../../../../src/inference/store/model-store.ts'
import { chooseModels, loadChoice } from '../../../../transforms/models/scoring/model-choice.ts'
import { scoreH2o } from '../../../../transforms/models/score-h2o.ts'
import { batchOf } from '../../../support/example-batch.ts'
import { classifier, modelsOf, numeric } from '../../../support/fake-models.ts'
import { FIXTURES } from '../../../support/model-fixtures.ts'

let root: string
let models: ModelStore

before(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'sluice-choice-'))
  models = new ModelStore({ modelsDir: root, allowedDirs: [] })
  for (const [name, source] of [
    ['a/1', 'gaussian-constant'],
    ['b/7', 'gaussian-constant'],
    ['other/1', 'binomial-na'],
  ] as const) {
    await mkdir(path.join(root, name), { recursive: true })
    await cp(path.join(FIXTURES, source, 'model.zip'), path.join(root, name, 'm.zip'))
  }
})
after(() => rm(root, { recursive: true }))

const open = (model: string, seed = '', more: Record<string, string> = {}) =>
  scoreH2o.open(scoreH2o.config.read({ model, 'model.seed': seed, ...more }), {
    side: 'value',
    models,
    log: SILENT,
  })

async function chosen(
  model: string,
  keys: readonly string[],
  seed?: string,
  opened?: Transform,
): Promise<string[]> {
  const { inputs } = await models.load('a')
  const fields = inputs.map(({ name, type }) => ({
    name,
    schema: type === 'numeric' ? OPTIONAL_FLOAT64 : OPTIONAL_STRING,
  }))
  const value = struct(Object.fromEntries(inputs.map(({ name }) => [name, null])))
  const records = keys.map((key): ExampleRecord => ({
    keySchema: { type: 'STRING', optional: false },
    key,
    valueSchema: { type: 'STRUCT', optional: false, name: 'Flight', fields },
    value,
  }))
  const scored = await (opened ?? (await open(model, seed))).apply(batchOf(records))
  return keys.map((_, row) => {
    const record = scored.record(row).value as { prediction: number; model_version: string }
    expect(record.prediction).to.be.closeTo(12.809275, 1e-9)
    const header = String(scored.headers(row)[0]?.value)
    expect(header.split('$')[1]).to.equal(record.model_version)
    return header
  })
}

describe('several models with weights', () => {
  const keys = Array.from({ length: 1000 }, (_, i) => `key ${i}`)

  it('share the records by a hash of the key, the same in every batch', async () => {
    const first = await chosen('a:0.9,b:0.1', keys)
    const share = first.filter((model) => model === 'b$7').length / keys.length
    expect(share).to.be.within(0.06, 0.14)
    expect(await chosen('a:9, b:1', keys.toReversed())).to.deep.equal(first.toReversed())
  })

  it('share the records by a seed, whatever their keys are', async () => {
    const same = keys.map(() => 'same')
    expect(new Set(await chosen('a:0.5,b:0.5', same)).size).to.equal(1)
    const first = await chosen('a:0.5,b:0.5', same, 'x')
    expect(first.filter((model) => model === 'b$7').length).to.be.within(420, 580)
    expect(await chosen('a:0.5,b:0.5', keys, 'x')).to.deep.equal(first)
    expect(await chosen('a:0.5,b:0.5', keys, 'y')).not.to.deep.equal(first)
  })

  it('may be named with blanks, and by paths that hold colons and commas', async () => {
    const odd = path.join(root, 'a:1, b:x')
    await mkdir(odd)
    await cp(path.join(FIXTURES, 'gaussian-constant/model.zip'), path.join(odd, 'm.zip'))
    expect(new Set(await chosen(odd, keys))).to.deep.equal(new Set(['a:1, b:x$1']))
    expect(new Set(await chosen(` a : 0 , ${path.join(root, 'b')} : 1 `, keys))).to.deep.equal(
      new Set(['b$7']),
    )
  })

  it('give no record to one of weight 0', async () => {
    expect(new Set(await chosen('a:0,b:1', keys))).to.deep.equal(new Set(['b$7']))
  })

  it('must be of one kind, and weigh something', async () => {
    for (const [model, said] of [
      ['a:0.5,other:0.5', 'cannot share records'],
      ['a:0,b:0', 'above 0'],
      ['a:0.5,b', 'Name a weight for each model: b has none'],
      ['a,b', 'Name a weight for each model: a, b have none'],
      ['a:x,b:1', 'The weight "x" of a is not a number from 0 up'],
      ['a:1,b:-1', 'The weight "-1" of b'],
      ['a:90%', 'The weight "90%" of a'],
      ['a:,b:1', 'The weight "" of a'],
      ['a:1,b:1,', 'no model before or after one of the commas'],
      ['nope', 'There is no model "nope"'],
      ['nope:1,a:1', 'There is no model "nope"'],
      [path.join('no', 'a:b.zip'), 'does not exist, or lies outside'],
    ] as const) {
      const error = await Promise.resolve(open(model)).catch((reason: unknown) => reason)
      expect(String(error)).to.include(said)
    }
  })
})

describe('shadow models', () => {
  for (const [what, shadow, said] of [
    ['have no weights', 'b:0.5', 'Shadow models have no weights, for each scores every record: name b alone'],
    ['are named once each', 'b,a,b', 'b is there twice'],
  ] as const) {
    it(what, async () => {
      const error = await Promise.resolve()
        .then(() => open('a', '', { shadow }))
        .catch((reason: unknown) => reason)
      expect(JSON.stringify(error) + String(error)).to.include(said)
    })
  }
})

describe('the choice between models', () => {
  const choose = (keys: readonly (string | null)[], limits: readonly number[], seed = '') =>
    chooseModels(batchOf(keys.map((key) => ({ key }))), { models: [] as Model[], limits, seed })

  it('gives each model its share of many keys, by key and by seed', () => {
    const keys = Array.from({ length: 20_000 }, (_, i) => `customer-${i}`)
    for (const seed of ['', 'a', 'b']) {
      const counts = [0, 0, 0]
      for (const at of choose(keys, [0.7, 0.9, 1], seed)) counts[at]!++
      ;[0.7, 0.2, 0.1].forEach((share, at) => {
        expect(counts[at]! / keys.length, `${seed} ${at}`).to.be.closeTo(share, 0.015)
      })
    }
  })

  it('is the same for equal keys, wherever they stand', () => {
    const keys = fc.array(fc.string({ maxLength: 3 }), { minLength: 1, maxLength: 60 })
    const weights = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 })
    fc.assert(
      fc.property(keys, weights, (all, given) => {
        const total = given.reduce((a, b) => a + b)
        const limits = given.map((_, i) => given.slice(0, i + 1).reduce((a, b) => a + b) / total)
        const chosen = choose(all, limits)
        const known = new Map<string, number>()
        all.forEach((key, row) => {
          expect(chosen[row]).to.be.within(0, given.length - 1)
          expect(known.get(key) ?? chosen[row]).to.equal(chosen[row])
          known.set(key, chosen[row]!)
        })
      }),
    )
  })

  it('is another with another seed, whatever the keys are, and without a key goes by the place', () => {
    const none = Array.from({ length: 500 }, () => null)
    const [a, b, byPlace] = [choose(none, [0.5, 1], 'a'), choose(none, [0.5, 1], 'b'), choose(none, [0.5, 1])]
    const share = (one: Int32Array, other: Int32Array) => one.filter((at, i) => at === other[i]).length / 500
    expect(share(a, b)).to.be.within(0.4, 0.6)
    expect(share(a, byPlace)).to.be.within(0.4, 0.6)
    expect(
      choose(
        Array.from({ length: 500 }, (_, i) => `${i}`),
        [0.5, 1],
        'a',
      ),
    ).to.deep.equal(a)
    expect(new Set(byPlace).size).to.equal(2)
  })
})

describe('models that share records, when one is replaced', () => {
  after(() => Promise.all(['8', '9'].map((each) => rm(path.join(root, 'b', each), { recursive: true }))))

  it('go on with the new one where it fits the others, and with the old one where it does not', async () => {
    const transform = await open('a:0.5,b:0.5')
    const keys = Array.from({ length: 50 }, (_, i) => `key ${i}`)
    const scoredBy = async () => [...new Set(await chosen('', keys, '', transform))].sort()
    expect(await scoredBy()).to.deep.equal(['a$1', 'b$7'])
    for (const [version, source] of [
      ['8', 'gaussian-constant'],
      ['9', 'binomial-na'],
    ] as const) {
      await mkdir(path.join(root, 'b', version))
      await cp(path.join(FIXTURES, source, 'model.zip'), path.join(root, 'b', version, 'm.zip'))
      for (let i = 0; i < 4; i++) await models.look()
      expect(await scoredBy(), version).to.deep.equal(['a$1', 'b$8'])
    }
  })
})

describe('models that share records', () => {
  it('must take the same fields and add the same ones', async () => {
    const whole = { ...numeric('x'), holds: 'whole' } as const
    const models = modelsOf(
      classifier('plain'),
      classifier('like'),
      classifier('calibrated', { isCalibrated: true }),
      classifier('whole', { inputs: [whole] }),
    )
    expect((await loadChoice(models, 'plain:1,like:1', '')).models).to.have.length(2)
    for (const other of ['calibrated', 'whole']) {
      const reason: unknown = await loadChoice(models, `plain:1,${other}:1`, '').catch(
        (error: unknown) => error,
      )
      expect(String(reason)).to.include(`plain and ${other} differ in their kind, columns or outputs`)
    }
  })
})
