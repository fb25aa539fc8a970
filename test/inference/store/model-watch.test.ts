import { expect } from 'chai'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ModelError } from '../../../src/api/errors.ts'
import { type Logger, SILENT } from '../../../src/api/log.ts'
import type { Model } from '../../../src/api/models.ts'
import { type ExampleRecord, OPTIONAL_FLOAT64, OPTIONAL_STRING, struct } from '../../../src/index.ts'
import { ModelStore } from '../../../src/inference/store/model-store.ts'
import { scoreH2o } from '../../../transforms/models/score-h2o.ts'
import { batchOf } from '../../support/example-batch.ts'
import { columnsFor, FIXTURES } from '../../support/model-fixtures.ts'

const MODEL = path.join(FIXTURES, 'gaussian-constant/model.zip')
const OTHER = path.join(FIXTURES, 'binomial-na/model.zip')
const PREDICTION = 12.809275

let root: string
let store: ModelStore
let watched: Logger
let said: { readonly message: string; readonly reason: string }[]

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'sluice-watch-'))
  said = []
  const keep: Logger['info'] = (message, fields) => said.push({ message, reason: String(fields?.['reason']) })
  watched = { ...SILENT, info: keep, warn: keep }
  store = new ModelStore({ modelsDir: root, allowedDirs: [], log: watched })
  await version('1')
})
afterEach(() => rm(root, { recursive: true }))

async function version(name: string, source = MODEL, prediction?: number): Promise<void> {
  const folder = path.join(root, 'delay', name)
  await mkdir(folder, { recursive: true })
  if (prediction !== undefined) {
    await writeFile(path.join(folder, 'probe.jsonl'), JSON.stringify({ input: {}, output: { prediction } }))
  }
  await cp(source, path.join(folder, 'm.zip'))
}

async function looks(): Promise<void> {
  for (let i = 0; i < 4; i++) await store.look()
}

async function versionOf(model: Model): Promise<string | undefined> {
  await model.score(columnsFor(model, { header: [], rows: [[]] }), 1)
  return model.version
}

const refusals = () => said.filter(({ message }) => message.includes('refused'))

describe('a model that serves', () => {
  it('is replaced by a newer version once two looks found the same files', async () => {
    const model = await store.load('delay')
    await version('2', MODEL, PREDICTION)
    await store.look()
    expect(await versionOf(model)).to.equal('1')
    await store.look()
    expect(await versionOf(model)).to.equal('2')
    expect(model.version).to.equal('2')
    expect(said.filter(({ message }) => message === 'model replaced')).to.have.length(1)
    expect(await store.load('delay')).to.equal(model)
  })

  it('is replaced by the version before when the newer one is taken away', async () => {
    await version('2')
    const model = await store.load('delay')
    await rm(path.join(root, 'delay/2'), { recursive: true })
    await looks()
    expect(await versionOf(model)).to.equal('1')
  })

  it('serves on where the newer version is of a format that is not read, which is said', async () => {
    const model = await store.load('delay')
    await mkdir(path.join(root, 'delay/2'))
    await writeFile(path.join(root, 'delay/2/m.pkl'), 'no matter what')
    await looks()
    expect(await versionOf(model)).to.equal('1')
    expect(refusals().map(({ reason }) => reason)).to.have.length(1)
    expect(refusals()[0]?.reason).to.include('delay/2/m.pkl is a Python pickle')
  })

  it('stays where the version was named', async () => {
    const model = await store.load('delay$1')
    await version('2')
    await looks()
    expect(model.version).to.equal('1')
  })

  it('gives its version to each record of a batch', async () => {
    const transform = await scoreH2o.open(scoreH2o.config.read({ model: 'delay' }), {
      side: 'value',
      models: store,
      log: SILENT,
    })
    const { inputs } = await store.load('delay')
    const fields = inputs.map(({ name, type }) => ({
      name,
      schema: type === 'numeric' ? OPTIONAL_FLOAT64 : OPTIONAL_STRING,
    }))
    const record: ExampleRecord = {
      headers: [{ key: 'own', value: Buffer.from('kept') }],
      valueSchema: { type: 'STRUCT', optional: false, name: 'Flight', fields },
      value: struct(Object.fromEntries(inputs.map(({ name }) => [name, null]))),
    }
    const versions: unknown[] = []
    for (const next of ['2', '3']) {
      const scored = await transform.apply(batchOf([record, { value: null }]))
      const { value, headers } = scored.record(0)
      versions.push((value as { model_version?: unknown }).model_version)
      expect(headers.map(({ value: bytes }) => String(bytes))).to.deep.equal([
        'kept',
        `delay$${String(versions.at(-1))}`,
      ])
      expect(scored.headers(1)).to.deep.equal([])
      await version(next)
      await looks()
    }
    expect(versions).to.deep.equal(['1', '2'])
  })

  for (const [what, put, reason] of [
    ['is damaged', () => writeFile(path.join(root, 'delay/2/m.zip'), 'PK damaged'), 'm.zip'],
    ['fails its probe', () => version('2', MODEL, PREDICTION + 1), 'prediction is 12.809275'],
    ['is another kind of model', () => version('2', OTHER), 'its task is classification'],
  ] as const) {
    it(`serves on where the newer version ${what}, which is said once`, async () => {
      const model = await store.load('delay')
      await mkdir(path.join(root, 'delay/2'))
      await put()
      await looks()
      expect(await versionOf(model)).to.equal('1')
      expect(refusals()).to.have.length(1)
      expect(refusals()[0]?.reason).to.include(reason)
      await version('3')
      await looks()
      expect(await versionOf(model)).to.equal('3')
    })
  }

  it('began with the version before one that cannot be read, which is not tried again until it is mended', async () => {
    await version('2', OTHER, PREDICTION)
    const model = await store.load('delay')
    await looks()
    expect(await versionOf(model)).to.equal('1')
    expect(refusals()).to.have.length(1)
    await version('2', MODEL, PREDICTION)
    await looks()
    expect(await versionOf(model)).to.equal('2')
  })

  it('serves on where its own file is damaged later, although a version before it is there', async () => {
    await version('2')
    const model = await store.load('delay')
    await writeFile(path.join(root, 'delay/2/m.zip'), 'PK damaged')
    await looks()
    expect(await versionOf(model)).to.equal('2')
    expect(refusals()).to.have.length(1)
    expect(await versionOf(await store.load('delay'))).to.equal('1')
    expect(await versionOf(model)).to.equal('2')
  })

  it('is replaced by what was read elsewhere first, and by nothing that was not understood there', async () => {
    const inspected: string[] = []
    const inspect = (file: string) => {
      inspected.push(path.relative(root, file))
      if (inspected.length === 1) throw new ModelError('model.corrupt', 'It took too long.')
      return Promise.resolve({ version: '', file })
    }
    store = new ModelStore({ modelsDir: root, allowedDirs: [], log: watched, inspect })
    const model = await store.load('delay')
    for (const [next, serving] of [
      ['2', '1'],
      ['3', '3'],
    ] as const) {
      await version(next)
      await looks()
      expect(await versionOf(model)).to.equal(serving)
    }
    expect(inspected).to.deep.equal(['delay/2/m.zip', 'delay/3/m.zip'])
    expect(refusals().map(({ reason }) => reason)).to.deep.equal(['It took too long.'])
  })

  it('serves on where its folder is gone', async () => {
    const model = await store.load('delay')
    await rm(path.join(root, 'delay'), { recursive: true })
    await looks()
    expect(await versionOf(model)).to.equal('1')
    expect(refusals()).to.have.length(0)
    expect(said.filter(({ message }) => message.includes('are missing; the one before'))).to.have.length(1)
  })
})
