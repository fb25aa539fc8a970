import { expect } from 'chai'
import { mkdir, mkdtemp, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { ModelError } from '../../src/api/errors.ts'
import { ModelStore } from '../../src/inference/store/model-store.ts'
import { listModels } from '../../src/inference/store/model-store-versions.ts'
import { openZip } from '../../src/inference/readers/zip.ts'
import {
  FOREIGN_FILES,
  type ForeignFile,
  GRAPH_DEF,
  PICKLE,
  PMML,
  SAVED_MODEL,
  TORCH,
  XGBOOST_JSON,
} from '../support/foreign-models.ts'
import { FIXTURES } from '../support/model-fixtures.ts'
import { NETWORKS } from '../support/network-fixtures.ts'

const MOJO = path.join(FIXTURES, 'gaussian-constant/model.zip')
const ONNX = path.join(NETWORKS, 'onnx/regression.onnx')

let models: string
let store: ModelStore

beforeEach(async () => {
  models = await mkdtemp(path.join(tmpdir(), 'sluice-foreign-'))
  store = new ModelStore({ modelsDir: models, allowedDirs: [] })
})
afterEach(() => rm(models, { recursive: true }))

async function put(name: string, bytes: Buffer | string): Promise<string> {
  const file = path.join(models, name)
  await mkdir(path.dirname(file), { recursive: true })
  await writeFile(file, bytes)
  return file
}

async function refusal(reference: string): Promise<string> {
  const error: unknown = await store.load(reference).then(
    ({ name }) => expect.fail(`${reference} gave ${name}`),
    (caught: unknown) => caught,
  )
  if (!(error instanceof ModelError)) throw error
  expect(error.code, error.message).to.equal('model.unsupported')
  return error.message
}

function expectNamed(message: string, { name, instead }: Omit<ForeignFile, 'file' | 'bytes'>): void {
  expect(message).to.include(name)
  expect(message).to.include(instead)
  expect(message).to.match(/\.$/)
}

describe('a file of another program', () => {
  for (const each of FOREIGN_FILES) {
    it(`${each.file} is refused by its name, with what to do: ${each.name}`, async () => {
      const file = await put(`model/${each.file}`, each.bytes)
      expectNamed(await refusal(file), each) // by its path
      expectNamed(await refusal('model'), each) // by the name of its folder
    })
  }

  for (const ending of ['.zip', '.onnx', '.h5', '.keras', '.java', '.mojo']) {
    it(`is known by its content where it was renamed to ${ending}`, async () => {
      for (const [bytes, name] of [
        [PICKLE, 'a Python pickle'],
        [TORCH, 'a PyTorch model'],
        [GRAPH_DEF, 'a TensorFlow graph'],
        [SAVED_MODEL, 'a TensorFlow SavedModel'],
        [XGBOOST_JSON, 'an XGBoost model'],
        [PMML, 'a PMML document'],
      ] as const) {
        expect(await refusal(await put(`model/m${ending}`, bytes))).to.include(name)
      }
    })
  }

  it('is named though it is too large to be read', async () => {
    const file = await put('model/m.gguf', 'GGUF')
    await truncate(file, 600 * 2 ** 20) // a hole: it takes no room
    expect(await refusal(file)).to.include('a GGUF language model')
  })
})

describe('a folder of another program', () => {
  for (const [name, instead, ...files] of [
    [
      'a TensorFlow SavedModel',
      '--saved-model',
      'saved_model.pb',
      'variables/variables.index',
      'keras_metadata.pb',
    ],
    ['a Core ML model', 'as ONNX', 'Data/com.apple.CoreML/model.mlmodel', 'Manifest.json'],
    ['a Core ML model', 'as ONNX', 'fraud.mlpackage/Data/com.apple.CoreML/model.mlmodel'],
    [
      'a Spark ML model',
      'convert_sparkml',
      'metadata/part-00000',
      'metadata/_SUCCESS',
      'stages/0_x/metadata/part-00000',
    ],
    ['a TensorFlow checkpoint', 'model.save(', 'checkpoint', 'model.ckpt-7.index', 'model.ckpt-7.meta'],
    ['an H2O MOJO', 'It was unpacked', 'model.ini', 'trees/t00_000.bin'],
  ] as const) {
    it(`with ${files[0]} is refused by its name, as a path and in models.dir: ${name}`, async () => {
      for (const file of files) await put(`mine/${file}`, 'x')
      for (const reference of ['mine', path.join(models, 'mine')])
        expectNamed(await refusal(reference), { name, instead })
      expect(await listModels(models)).to.deep.equal([{ name: 'mine', versions: [] }])
    })
  }

  it('is a version where its name is a number: it is refused by its name, and the one before it serves', async () => {
    await put('fraud/1/model.zip', await readFile(MOJO))
    await put('fraud/2/saved_model.pb', SAVED_MODEL)
    expectNamed(await refusal('fraud$2'), {
      name: 'fraud/2 holds a TensorFlow SavedModel',
      instead: '--saved-model',
    })
    expect((await store.load('fraud')).version).to.equal('1')
    expect(await listModels(models)).to.deep.equal([{ name: 'fraud', versions: ['1', '2'] }])
  })

  it('with a link that leads out of the allowed folders is not looked into', async () => {
    const outside = await mkdtemp(path.join(tmpdir(), 'sluice-outside-'))
    try {
      await writeFile(path.join(outside, 'm.pkl'), PICKLE)
      await mkdir(path.join(models, 'mine'))
      await symlink(outside, path.join(models, 'mine/folder'))
      await symlink(path.join(outside, 'm.pkl'), path.join(models, 'mine/data'))
      const error: unknown = await store.load('mine').catch((caught: unknown) => caught)
      expect(error).to.have.property('code', 'model.missing')
    } finally {
      await rm(outside, { recursive: true })
    }
  })
})

describe('a model that is read', () => {
  it('loads with files of other programs beside it', async () => {
    await put('fraud/fraud.onnx', await readFile(ONNX))
    for (const { file, bytes } of FOREIGN_FILES) {
      if (!/\.(onnx|zip)$/.test(file)) await put(`fraud/${file}`, bytes)
    }
    for (const name of ['notes.txt', 'requirements.txt', 'config.json', 'training/data.pkl'])
      await put(`fraud/${name}`, 'numpy==2.0\n')
    expect((await store.load('fraud')).format).to.equal('onnx')
  })

  it('loads from versions with other folders beside them', async () => {
    await put('fraud/v1/model.zip', await readFile(MOJO))
    await put('fraud/work/model.pkl', PICKLE)
    await put('fraud/model.pkl', PICKLE)
    expect((await store.load('fraud')).version).to.equal('v1')
  })

  it('serves on while its next version is copied under another name', async () => {
    await put('fraud/1/model.onnx', await readFile(ONNX))
    await put('fraud/2/model.onnx.part', await readFile(ONNX))
    expect((await store.load('fraud')).version).to.equal('1')
  })

  it('is refused with the ending to give it where it has another', async () => {
    const dl4j = path.resolve(NETWORKS, '../../../models/iris-dl4j/iris.zip')
    const keras = path.resolve(NETWORKS, '../../../models/digits-keras/digits.keras')
    const weights = openZip(await readFile(keras)).read('model.weights.h5')
    const pojo = '// made by H2O\n@ModelPojo(name="m", algorithm="gbm")\npublic class m extends GenModel {}'
    for (const [file, bytes, name, instead] of [
      ['m.onnx', await readFile(MOJO), 'an H2O MOJO', 'the ending .zip'],
      ['m.h5', await readFile(dl4j), 'a DL4J network', 'the ending .zip'],
      ['m.zip', await readFile(keras), 'a Keras model', 'the ending .keras'],
      ['m.onnx', weights, 'HDF5', 'the ending .h5'],
      ['m.pb', await readFile(ONNX), 'an ONNX model', 'the ending .onnx'],
      ['m.txt', pojo, 'an H2O POJO', 'the ending .java'],
      ['m.onnx.gz', gzipSync(await readFile(ONNX)), 'an ONNX model', 'unpack it'],
      ['gz.onnx', gzipSync(await readFile(ONNX)), 'an ONNX model', 'unpack it'],
    ] as const) {
      expectNamed(await refusal(await put(file, bytes)), { name, instead })
    }
  })

  it('is missing where a folder holds nothing that is known', async () => {
    for (const name of ['README.md', 'rows.csv', 'config.json', 'notes.txt', 'page.xml'])
      await put(`empty/${name}`, '{"a": [1, 2]}')
    const error: unknown = await store.load('empty').catch((caught: unknown) => caught)
    expect(error).to.have.property('code', 'model.missing')
    expect(error).to.have.property('message').that.includes('holds no model')
  })
})
