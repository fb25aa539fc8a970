import {
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { messageOf } from '../../src/api/errors.ts'
import { initModel } from '../../src/cli/init-model.ts'
import { openModel } from '../../src/cli/open-model.ts'
import { parseMlmodel } from '../../src/inference/manifest/mlmodel.ts'
import { ModelStore } from '../../src/inference/store/model-store.ts'
import { toColumn } from '../../src/inference/probe.ts'
import { NETWORKS } from '../support/network-fixtures.ts'
import { FIXTURES } from '../support/model-fixtures.ts'

/** Saved by MLflow itself: see make.py there. */
const SAVED = path.resolve(import.meta.dirname, '../fixtures/mlflow')

describe('a model folder of MLflow', () => {
  let root: string
  before(async () => (root = await mkdtemp(path.join(tmpdir(), 'sluice-mlflow-'))))
  after(() => rm(root, { recursive: true }))

  /** A copy of a saved folder, with another MLmodel. */
  async function copyOf(name: string, change: (text: string) => string = (text) => text): Promise<string> {
    const folder = path.join(await mkdtemp(path.join(root, 'models-')), name)
    await cp(path.join(SAVED, name), folder, { recursive: true })
    const file = path.join(folder, 'MLmodel')
    await writeFile(file, change(await readFile(file, 'utf8')))
    return folder
  }
  const refusal = (folder: string) =>
    openModel(folder).then(
      ({ model }) => expect.fail(`${model.name} was taken`),
      (error: unknown) => messageOf(error),
    )

  it('names the columns of a graph, with what may be missing', async () => {
    const { model, mlflow } = await openModel(path.join(SAVED, 'columns'))
    expect(model.name).to.equal('columns')
    expect(mlflow).to.equal(path.join(SAVED, 'columns', 'MLmodel'))
    expect(model.inputs).to.deep.equal([
      { name: 'sepal_length', type: 'numeric', required: true },
      { name: 'sepal_width', type: 'numeric', required: true },
      { name: 'petal_length', type: 'numeric', required: true },
      { name: 'petal_width', type: 'numeric', required: false },
    ])
    expect(model.labels).to.deep.equal([])
    const columns = model.inputs.map((input, i) => toColumn(input, [i + 1]))
    const { outputs } = await model.score(columns, 1) // 1·[0,1,2] + 2·[3,4,5] + 3·[6,7,8] + 4·[9,10,11]
    expect(outputs.map(({ values }) => values[0])).to.deep.equal([60, 70, 80])
  })

  it('may have tensors for a signature', async () => {
    const { model } = await openModel(path.join(SAVED, 'tensor'))
    expect(model.inputs.map(({ name }) => name)).to.deep.equal(['f0', 'f1', 'f2', 'f3'])
  })

  it('is a model for a worker, by name, version and path', async () => {
    const modelsDir = await mkdtemp(path.join(root, 'dir-'))
    await cp(path.join(SAVED, 'columns'), path.join(modelsDir, 'iris/2'), { recursive: true })
    await cp(path.join(SAVED, 'python'), path.join(modelsDir, 'iris/3'), { recursive: true })
    const store = new ModelStore({ modelsDir, allowedDirs: [] })
    const model = await store.load('iris') // the third cannot be read
    expect([model.version, model.inputs[0]?.name]).to.deep.equal(['2', 'sepal_length'])
    const named = await store.load(path.join(modelsDir, 'iris/2'))
    expect(named.inputs[0]?.name).to.equal('sepal_length')
  })

  it('says in a manifest what its signature does not', async () => {
    const folder = await copyOf('columns')
    expect(await initModel(folder, {})).to.include('4 columns')
    const { manifest, mlflow, model } = await openModel(folder)
    expect([mlflow, model.inputs.map(({ required }) => required)]).to.deep.equal([
      null,
      [true, true, true, false],
    ])
    expect(manifest?.signature?.inputs?.[0]).to.deep.equal({ name: 'sepal_length', type: 'double' })
  })

  it('has a Keras file or a MOJO below a folder of its own', async () => {
    const folder = path.join(root, 'keras')
    await mkdir(path.join(folder, 'data'), { recursive: true })
    await copyFile(path.join(NETWORKS, 'keras/conv.keras'), path.join(folder, 'data/model.keras'))
    const flavor = 'tensorflow:\n    data: data\n    model_type: keras\n    save_format: tf'
    await writeFile(path.join(folder, 'MLmodel'), `flavors:\n  ${flavor}\nmlflow_version: 3.1.0\n`)
    expect((await openModel(folder)).model.format).to.match(/^keras/)
    expect(await initModel(folder, {})).to.include(path.join(folder, 'data', 'manifest.json'))
    expect((await openModel(folder)).manifest?.artifact.path).to.equal('model.keras')
    const modelsDir = await mkdtemp(path.join(root, 'dir-'))
    await cp(folder, path.join(modelsDir, 'digits/v1'), { recursive: true })
    expect((await new ModelStore({ modelsDir, allowedDirs: [] }).load('digits')).version).to.equal('v1')

    const h2o = path.join(root, 'h2o')
    await mkdir(path.join(h2o, 'model.h2o'), { recursive: true })
    await writeFile(path.join(h2o, 'MLmodel'), 'flavors:\n  h2o:\n    data: model.h2o\n')
    expect(await refusal(h2o))
      .to.include('flavor h2o, but no model file in a form that is read')
      .and.include('MOJO')
    const drf = path.join(FIXTURES, 'drf')
    const mojo = (await readdir(drf)).find((name) => name.endsWith('.zip'))!
    await copyFile(path.join(drf, mojo), path.join(h2o, 'model.h2o', mojo))
    expect((await openModel(h2o)).model.algorithm).to.equal('drf')
  })

  it('is refused by the name of its flavor where that is not read', async () => {
    expect(await refusal(path.join(SAVED, 'python'))).to.include('flavor python_function, which is not read')
    const flavor = (name: string) => (text: string) => text.replace('\n  onnx:', `\n  ${name}:`)
    const sklearn = await refusal(await copyOf('columns', flavor('sklearn')))
    expect(sklearn).to.include('flavor sklearn').and.include('skl2onnx')
    expect(await refusal(await copyOf('columns', flavor('pytorch')))).to.include('torch.onnx.export')
    expect(await refusal(await copyOf('columns', flavor('prophet')))).to.include('flavor prophet')
  })

  it('is refused where its signature contradicts the graph', async () => {
    const file = 'MLmodel does not fit: '
    const fewer = (text: string) => text.replace('[-1, 4]', '[-1, 5]')
    expect(await refusal(await copyOf('tensor', fewer)))
      .to.include(file)
      .and.include('x FP[-1,5]')
    const integers = (text: string) => text.replace('float64', 'int64')
    expect(await refusal(await copyOf('tensor', integers))).to.include('x INT64[-1,4]')
    const other = (text: string) => text.replace('"name": "x"', '"name": "rows"')
    expect(await refusal(await copyOf('tensor', other))).to.include('rows FP[-1,4]')
    const text = (all: string) => all.replace('"long"', '"string"')
    expect(await refusal(await copyOf('columns', text)))
      .to.include(file)
      .and.include('petal_length is numeric')
    const three = (all: string) =>
      all.replace(/\{"type": "double", "name": "sepal_length", "required": true\}, /, '')
    expect(await refusal(await copyOf('columns', three))).to.include('names 3 columns, but the model takes 4')
    const date = (all: string) => all.replace('"long"', '"datetime"')
    expect(await refusal(await copyOf('columns', date))).to.include('the column petal_length is "datetime"')
  })

  it('is refused where its file is missing or leads out', async () => {
    const gone = (text: string) => text.replace('data: model.onnx', 'data: ../../gone.onnx')
    expect(await refusal(await copyOf('columns', gone))).to.include('gone.onnx does not exist')
    const folder = await copyOf('columns', gone)
    const other = path.resolve(folder, '../../gone.onnx')
    await copyFile(path.join(SAVED, 'columns/model.onnx'), other)
    const store = new ModelStore({ modelsDir: path.dirname(folder), allowedDirs: [] })
    const error: unknown = await store.load('columns').catch((caught: unknown) => caught)
    expect(messageOf(error)).to.include('leads out of the allowed folders')
  })

  it('is refused where its MLmodel is a link that leads out', async () => {
    const folder = await copyOf('columns')
    const file = path.join(folder, 'MLmodel')
    await rename(file, path.resolve(folder, '../../elsewhere'))
    await symlink(path.resolve(folder, '../../elsewhere'), file)
    const store = new ModelStore({ modelsDir: path.dirname(folder), allowedDirs: [] })
    const error: unknown = await store.load('columns').catch((caught: unknown) => caught)
    expect(messageOf(error)).to.include('MLmodel does not exist, or leads out')
  })

  it('may say which columns are missing in the words of older versions', async () => {
    const inputs = '[{"name":"a","type":"long","optional":true},{"name":"b","type":"string"}]'
    const { signature } = await parseMlmodel(
      `flavors: {onnx: {}}\nsignature: {inputs: '${inputs}'}`,
      'MLmodel',
    )
    expect(signature.signature?.inputs?.map(({ required }) => required)).to.deep.equal([false, true])
  })

  it('is refused where MLmodel is not what MLflow writes', async () => {
    const said = async (text: string) => {
      try {
        return JSON.stringify(await parseMlmodel(text, 'MLmodel'))
      } catch (error) {
        return messageOf(error)
      }
    }
    const bomb = [
      'a: &a [x,x,x,x,x,x,x,x,x]',
      ...['b', 'c', 'd', 'e', 'f', 'g', 'h', 'i'].map(
        (name, i) => `${name}: &${name} [${`*${'abcdefgh'[i]},`.repeat(9)}]`,
      ),
    ]
    for (const [text, why] of [
      ['', 'has no flavors'],
      ['numpy==2.0\n', 'has no flavors'],
      ['flavors: [onnx]', 'has no flavors'],
      ['flavors: {onnx: {}', 'is not YAML'],
      [bomb.join('\n'), 'is not YAML (Excessive alias count'],
      ['['.repeat(100_000), 'it is nested too deeply'],
      ['? '.repeat(100_000), 'it is nested too deeply'],
      ['flavors: {onnx: {}}\nsignature: {inputs: "[{"}', 'signature.inputs is not JSON'],
      ['flavors: {onnx: {}}\nsignature: {inputs: "{}"}', 'is not a list of columns'],
      ['flavors: {onnx: {}}\nsignature: {inputs: \'[{"name":"a"}]\'}', 'the column a is no type'],
      [
        'flavors: {onnx: {}}\nsignature: {inputs: \'[{"name":"a","type":"long"},{"type":"long"}]\'}',
        '[1] has no name',
      ],
      ['flavors: {onnx: {}}\nsignature: {inputs: \'[{"type":"tensor"}]\'}', 'has no tensor-spec'],
    ] as const) {
      expect(await said(text), text.slice(0, 80)).to.include(why)
      expect(await said(text)).to.match(/^MLmodel /)
    }
  })
})
