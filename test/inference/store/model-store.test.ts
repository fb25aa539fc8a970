import { expect } from 'chai'
import { createHash } from 'node:crypto'
import { cp, mkdir, mkdtemp, readFile, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { ModelError } from '../../../src/api/errors.ts'
import type { Model } from '../../../src/api/models.ts'
import { inOrderOfService, latest } from '../../../src/inference/store/model-folder.ts'
import { ModelStore } from '../../../src/inference/store/model-store.ts'
import { FIXTURES } from '../../support/model-fixtures.ts'

const MODEL = path.join(FIXTURES, 'gaussian-constant/model.zip')
const OTHER = path.join(FIXTURES, 'binomial-na/model.zip')

let root: string
let models: string
let store: ModelStore

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'sluice-models-'))
  models = path.join(root, 'models')
  await mkdir(models)
  await mkdir(path.join(root, 'allowed'))
  await mkdir(path.join(root, 'allowed-not'))
  store = new ModelStore({ modelsDir: models, allowedDirs: [path.join(root, 'allowed')] })
})
afterEach(() => rm(root, { recursive: true }))

/** Puts a copy of a model file there. */
async function place(name: string, source = MODEL): Promise<string> {
  const file = path.join(root, name)
  await mkdir(path.dirname(file), { recursive: true })
  await cp(source, file)
  return file
}

/** Adds a manifest that fits the model file. */
async function describeModel(file: string, more: object = {}): Promise<void> {
  const sha256 = createHash('sha256')
    .update(await readFile(file))
    .digest('hex')
  const manifest = { manifestVersion: 1, artifact: { path: path.basename(file), sha256 }, ...more }
  await writeFile(path.join(path.dirname(file), 'manifest.json'), JSON.stringify(manifest))
}

async function failure(reference: string): Promise<ModelError> {
  return store.load(reference).then(
    (model: Model) => expect.fail(`${reference} gave ${model.name}`),
    (error: unknown) => {
      if (error instanceof ModelError) return error
      throw error
    },
  )
}

describe('the model store', () => {
  it('finds a model by name: one file alone is version 1', async () => {
    await place('models/delay/anything.zip')
    await writeFile(path.join(models, 'delay/README.md'), 'hello')
    const model = await store.load('delay')
    expect(model).to.include({
      name: 'delay',
      version: '1',
      format: 'h2o-mojo',
      algorithm: 'gbm',
      task: 'regression',
    })
    expect((await store.load('delay$1')).version).to.equal('1')
    expect((await failure('delay$2')).message).to.include('no version 2')
  })

  it('takes the highest version, or the one that is named', async () => {
    for (const version of ['2', '10', '9']) await place(`models/delay/${version}/m.zip`)
    await mkdir(path.join(models, 'delay/99'))
    expect((await store.load('delay')).version).to.equal('10')
    expect((await store.load('delay$9')).version).to.equal('9')
    const error = await failure('delay$11')
    expect(error.code).to.equal('model.missing')
    expect(error.message).to.include('2, 9, 10')
  })

  it('orders versions that are not numbers as people do', () => {
    expect(latest(['v9', 'v10', 'v2'])).to.equal('v10')
    expect(latest(['v9', '3', '20'])).to.equal('20')
    expect(inOrderOfService(['abc', '3', '1.2.3', '20', '1.10'])).to.deep.equal([
      '20',
      '3',
      'abc',
      '1.10',
      '1.2.3',
    ])
  })

  it('takes the version of a manifest', async () => {
    await describeModel(await place('models/delay/m.zip'), { versions: ['7'] })
    expect((await store.load('delay')).version).to.equal('7')
    expect((await failure('delay$1')).code).to.equal('model.missing')
  })

  it('refuses a manifest that speaks of another version than its folder', async () => {
    await describeModel(await place('models/delay/2/m.zip'), { versions: ['3'] })
    expect((await failure('delay')).code).to.equal('model.manifest')
  })

  it('finds a model by the path of its file or folder below an allowed folder', async () => {
    const file = await place('allowed/deep/m.mojo.zip')
    expect((await store.load(file)).name).to.equal('m')
    expect((await store.load(path.dirname(file))).name).to.equal('deep')
    expect((await store.load('deep/m.mojo.zip')).name).to.equal('m')
  })

  it('uses the manifest beside a file that is named by its path, if that is about this file', async () => {
    const file = await place('allowed/m.zip')
    await describeModel(file, { name: 'delay', versions: ['4'] })
    const other = await place('allowed/other.zip')
    expect(await store.load(file)).to.include({ name: 'delay', version: '4' })
    expect(await store.load(other)).to.include({ name: 'other', version: '1' })
  })

  it('opens nothing outside of its folders', async () => {
    const outside = await place('allowed-not/m.zip')
    await place('m.zip')
    await symlink(path.join(root, 'allowed-not'), path.join(models, 'link'))
    await symlink(outside, path.join(root, 'allowed/link.zip'))
    await mkdir(path.join(models, 'inner'))
    await symlink(outside, path.join(models, 'inner/link.zip'))
    for (const reference of [
      outside,
      '../m.zip',
      '../allowed-not/m.zip',
      path.join(root, 'allowed/../m.zip'),
      `${path.join(root, 'allowed')}-not/m.zip`,
      'link',
      'link.zip',
      path.join(root, 'allowed/link.zip'),
      'inner',
      '/etc/passwd',
      '/dev/zero',
      '',
      '.',
      '..',
      'a\0b',
      `${path.join(root, 'allowed')}/m.zip\0.png`,
      '$1',
      'delay$../../x',
      'x'.repeat(5000),
    ]) {
      expect((await failure(reference)).code, reference.slice(0, 80)).to.equal('model.missing')
    }
  })

  it('follows links that stay inside, as mounted volumes have them', async () => {
    await place('models/.data/m.zip')
    await mkdir(path.join(models, 'delay'))
    await symlink('../.data/m.zip', path.join(models, 'delay/m.zip'))
    expect((await store.load('delay')).version).to.equal('1')
  })

  it('says which models there are', async () => {
    await place('models/delay/m.zip')
    expect((await failure('dely')).message).to.include('There are: delay.')
  })

  it('refuses a folder with several model files, or none', async () => {
    await place('models/delay/a.zip')
    await place('models/delay/b.zip')
    expect((await failure('delay')).message).to.match(/2 model files \(a\.zip, b\.zip\)/)
    await mkdir(path.join(models, 'empty/deep'), { recursive: true })
    expect((await failure('empty')).code).to.equal('model.missing')
  })

  it('refuses a file that its manifest does not describe', async () => {
    const file = await place('models/delay/m.zip')
    await describeModel(file)
    await cp(OTHER, file)
    const error = await failure('delay')
    expect(error.code).to.equal('model.corrupt')
    expect(error.message).to.include('sha256')
  })

  it('names the file that is damaged', async () => {
    const file = await place('models/delay/m.zip')
    await writeFile(file, '')
    const error = await failure('delay')
    expect(error.code).to.equal('model.corrupt')
    expect(error.message).to.include(file)
  })

  it('loads a model once, until its file changes', async () => {
    const file = await place('models/delay/m.zip')
    const [first, second] = await Promise.all([store.load('delay'), store.load('delay')])
    expect(second).to.equal(first)
    await utimes(file, 1, 1)
    expect(await store.load('delay')).not.to.equal(first)
    await writeFile(`${file}.new`, 'damaged')
    await rename(`${file}.new`, file)
    expect((await failure('delay')).code).to.equal('model.corrupt')
    await cp(MODEL, file)
    expect((await store.load('delay')).name).to.equal('delay')
  })
})

describe('probes', () => {
  const PREDICTION = 12.809275

  async function probed(lines: readonly unknown[], more: object = {}): Promise<void> {
    const file = await place('models/delay/m.zip')
    await writeFile(
      path.join(models, 'delay/probe.jsonl'),
      lines.map((line) => JSON.stringify(line)).join('\n'),
    )
    await describeModel(file, more)
  }

  it('that a model passes let it serve', async () => {
    await probed([{ input: { Month: 1, Origin: null }, output: { prediction: PREDICTION } }])
    expect((await store.open('delay')).probes).to.equal(1)
  })

  it('that a model fails keep it from serving', async () => {
    await probed([
      { input: {}, output: { prediction: PREDICTION } },
      { input: {}, output: { prediction: PREDICTION + 1e-10 } },
    ])
    const error = await failure('delay')
    expect(error.code).to.equal('model.probe')
    expect(error.message).to.include('line 2: prediction is 12.809275')
  })

  it('allow the tolerance that the manifest states', async () => {
    const source = { tolerance: 1e-9 }
    await probed([{ input: {}, output: { prediction: PREDICTION + 1e-10 } }], { source })
    expect((await store.open('delay')).probes).to.equal(1)
  })

  it('that lack an output, or are none, keep a model from serving', async () => {
    for (const lines of [[{ input: {}, output: {} }], ['x'], [{ input: [] }], []]) {
      await probed(lines)
      expect((await failure('delay')).code).to.equal('model.probe')
    }
  })

  it('that a manifest names must be there', async () => {
    await describeModel(await place('models/delay/m.zip'), { probe: 'nope.jsonl' })
    expect((await failure('delay')).code).to.equal('model.missing')
  })

  it('compare labels too', async () => {
    await place('models/na/m.zip', OTHER)
    const { model } = await store.open('na')
    const columns = model.inputs.map((input) =>
      input.type === 'numeric'
        ? { type: 'float64' as const, values: Float64Array.of(NaN), present: new Uint8Array(1) }
        : { type: 'category' as const, levels: Int32Array.of(-1), domain: input.domain ?? [] },
    )
    const { prediction, outputs } = await model.score(columns, 1)
    const right = prediction.type === 'category' ? prediction.levels[0]! : NaN
    const output = Object.fromEntries(model.labels.map((label, k) => [label, outputs[k]!.values[0]]))
    for (const [label, code] of [
      [model.labels[1 - right], 'model.probe'],
      [model.labels[right], undefined],
    ] as const) {
      await writeFile(
        path.join(models, 'na/probe.jsonl'),
        JSON.stringify({ input: {}, output: { ...output, label } }),
      )
      const found = await store.load('na').then(
        () => undefined,
        (error: unknown) => (error as ModelError).code,
      )
      expect(found).to.equal(code)
    }
  })
})
