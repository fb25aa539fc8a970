import { expect } from 'chai'
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { after, before, describe, it } from 'mocha'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { SILENT } from '../../src/api/log.ts'
import { type ExampleRecord, OPTIONAL_FLOAT64, OPTIONAL_STRING, struct } from '../../src/index.ts'
import { ModelStore } from '../../src/inference/model-store.ts'
import { scoreH2o } from '../../transforms/score-h2o.ts'
import { batchOf } from '../support/example-batch.ts'
import { FIXTURES } from '../support/model-fixtures.ts'

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

const open = (model: string, seed = '') =>
  scoreH2o.open(scoreH2o.config.read({ model, 'version.header': 'true', 'model.seed': seed }), {
    side: 'value',
    models,
    log: SILENT,
  })

async function chosen(model: string, keys: readonly string[], seed?: string): Promise<string[]> {
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
  const scored = await (await open(model, seed)).apply(batchOf(records))
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

  it('give no record to one of weight 0', async () => {
    expect(new Set(await chosen('a:0,b:1', keys))).to.deep.equal(new Set(['b$7']))
  })

  it('must be of one kind, and weigh something', async () => {
    for (const [model, said] of [
      ['a:0.5,other:0.5', 'cannot share records'],
      ['a:0,b:0', 'above 0'],
      ['a:0.5,b', '"a:0.5,b"'],
    ] as const) {
      const error = await Promise.resolve(open(model)).catch((reason: unknown) => reason)
      expect(String(error)).to.include(said)
    }
  })
})
