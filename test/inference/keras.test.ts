import { expect } from 'chai'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'mocha'
import path from 'node:path'
import { readKerasH5, readKerasZip } from '../../src/inference/readers/keras/keras.ts'
import { openZip } from '../../src/inference/readers/zip.ts'
import { SHARED, sharedExists } from '../support/model-fixtures.ts'
import {
  largestDifference,
  NETWORKS,
  readNumbers,
  refusalOf,
  type Rows,
  scoreRows,
} from '../support/network-fixtures.ts'
import { zipOf } from '../support/zip-writer.ts'

const FOLDER = path.join(NETWORKS, 'keras')
interface Oracle {
  readonly rows: Rows
  readonly output: Rows
  readonly shape: readonly number[]
}
const ORACLE = JSON.parse(readFileSync(path.join(FOLDER, 'oracle.json'), 'utf8')) as Readonly<
  Record<string, Oracle>
>
const REFUSED: Readonly<Record<string, string>> = {
  'refused-lstm': 'LSTM',
  'refused-embedding': 'Embedding',
  'refused-branches': 'branches',
  'refused-two-inputs': 'inputs',
  'refused-two-outputs': 'outputs',
  'refused-nested': 'Sequential',
  'refused-double-conv': 'Conv2D layer of float64',
  'refused-softmax-axes': 'the axes [1,2] together',
  'refused-own-class': 'Own>Dense',
  'refused-own-class-unnamed': 'a class of its own, Dense',
  'refused-two-named-outputs': '2 outputs',
  'refused-training': 'dropout called with training=True',
}

function read(file: string, bytes = readFileSync(file)) {
  return file.endsWith('.keras') ? readKerasZip(bytes, null) : readKerasH5(bytes, null)
}

/** A .keras file with one of its files replaced. */
function rewrite(name: string, entry: string, change: (content: Buffer) => Buffer): Buffer {
  const zip = openZip(readFileSync(path.join(FOLDER, `${name}.keras`)))
  return zipOf(
    ['metadata.json', 'config.json', 'model.weights.h5'].map((each) => ({
      name: each,
      content: each === entry ? change(zip.read(each)) : zip.read(each),
    })),
  )
}

describe('a Keras model', () => {
  const files = readdirSync(FOLDER).filter((name) => /\.(h5|keras)$/.test(name) && name !== 'bomb.h5')

  it('with a Softmax over the batch is refused by name, for rows would influence each other', async () => {
    for (const axis of [0, -3]) {
      const bytes = rewrite('softmax-axis', 'config.json', (content) => {
        const config = String(content)
        expect(config).to.match(/"axis": *1/)
        return Buffer.from(config.replace(/("axis": *)1/, `$1${axis}`))
      })
      const error = await refusalOf(() => readKerasZip(bytes, null))
      expect(error.message).to.include('a Softmax layer over the batch')
    }
  })

  it('has fixtures of every kind, in both formats', () => {
    expect(files.filter((name) => !name.startsWith('refused')).length).to.be.greaterThan(35)
  })

  for (const file of files.filter((name) => !name.startsWith('refused'))) {
    it(`${file} scores as Keras does`, async () => {
      const model = await read(path.join(FOLDER, file))
      const { rows, output, shape } = ORACLE[file.replace(/^keras2-|\.\w+$/g, '')] as Oracle
      const [first] = model.inputs
      expect(first?.type === 'tensor' ? first.shape : [model.inputs.length]).to.deep.equal(shape)
      expect(largestDifference(await scoreRows(model, rows), output)).to.be.lessThan(2e-6)
    })
  }

  for (const [file, rows, oracle] of [
    ['seed/simple_mlp.h5', 'seed/seed_keras_mlp.input.csv', 'seed/seed_keras_mlp.oracle.csv'],
    ['iris/keras_iris.h5', 'iris/iris.csv', 'iris/keras_iris.oracle.csv'],
    ['iris/keras_iris.keras', 'iris/iris.csv', 'iris/keras_iris.oracle.csv'],
  ] as const) {
    it(`${file} scores as Keras does`, async function () {
      if (!sharedExists(file)) return this.skip()
      const model = await read(path.join(SHARED, file))
      const read_ = (name: string) => readNumbers(path.join(SHARED, name))
      // The seed's tables have no header.
      const numbers = (name: string) =>
        /^[\d.]/.test(readFileSync(path.join(SHARED, name), 'utf8'))
          ? readFileSync(path.join(SHARED, name), 'utf8')
              .trimEnd()
              .split('\n')
              .map((line) => line.split(',').map(Number))
          : read_(name)
      expect(largestDifference(await scoreRows(model, numbers(rows)), numbers(oracle))).to.be.lessThan(2e-6)
      expect(model.task).to.equal('classification')
      expect(model.labels[0]).to.equal('class0')
    })
  }

  it('may be HDF5 in a file that ends in .keras, as Keras wrote before 2.12', async () => {
    const model = await readKerasZip(readFileSync(path.join(FOLDER, 'keras2-functional.h5')), null)
    expect(model).to.deep.include({ format: 'keras-h5', formatVersion: '2.2.4' })
  })

  it('says what it is', async () => {
    const functional = await read(path.join(FOLDER, 'functional.keras'))
    expect(functional).to.deep.include({ format: 'keras', algorithm: 'Functional', task: 'regression' })
    const image = await read(path.join(FOLDER, 'conv.h5'))
    expect(image).to.deep.include({ format: 'keras-h5', algorithm: 'Sequential', task: 'classification' })
    expect(image.inputs).to.have.length(1)
    // Many lists of classes, and the largest of many probabilities, are no probabilities of classes.
    for (const name of ['softmax-list', 'reshape']) {
      expect((await read(path.join(FOLDER, `${name}.keras`))).task).to.equal('vector')
    }
  })
})

describe('what is no Keras model that can be read', () => {
  for (const file of readdirSync(FOLDER).filter((name) => name.startsWith('refused'))) {
    it(`${file} is refused by name`, async () => {
      const error = await refusalOf(() => read(path.join(FOLDER, file)))
      expect(error.code).to.equal('model.unsupported')
      expect(error.message).to.include(REFUSED[file.replace(/\.\w+$/, '')])
    })
  }

  for (const [what, bytes] of [
    ['empty', Buffer.alloc(0)],
    ['text', Buffer.from('this is no model')],
    ['the head of an HDF5 file', readFileSync(path.join(FOLDER, 'mlp.h5')).subarray(0, 2000)],
    ['a truncated HDF5 file', readFileSync(path.join(FOLDER, 'mlp.h5')).subarray(0, -3000)],
  ] as const) {
    it(`${what} is refused`, async () => {
      expect((await refusalOf(() => readKerasH5(bytes, null))).code).to.equal('model.corrupt')
      expect((await refusalOf(() => readKerasZip(bytes, null))).code).to.equal('model.corrupt')
    })
  }

  it('a file of a few kilobytes that claims 1.6 gigabytes of weights is refused before they are read', async () => {
    const error = await refusalOf(() => read(path.join(FOLDER, 'bomb.h5')))
    expect([error.code, error.message.includes('would grow')]).to.deep.equal(['model.corrupt', true])
  })

  it('a row of a thousand million numbers is refused before it is made', async () => {
    const layer = (kind: string, config: object) => ({ class_name: kind, config })
    const layers = [layer('InputLayer', { batch_shape: [null, 1e9] }), layer('Activation', { name: 'a' })]
    const config = { class_name: 'Sequential', config: { layers } }
    const bytes = rewrite('mlp', 'config.json', () => Buffer.from(JSON.stringify(config)))
    const error = await refusalOf(() => readKerasZip(bytes, null))
    expect([error.code, error.message.includes('1000000000 numbers')]).to.deep.equal([
      'model.unsupported',
      true,
    ])
  })

  it('damaged weights are refused', async () => {
    const cut = rewrite('mlp', 'model.weights.h5', (content) => content.subarray(0, content.length / 2))
    expect((await refusalOf(() => readKerasZip(cut, null))).code).to.equal('model.corrupt')
    const zeroed = rewrite('mlp', 'model.weights.h5', (content) => Buffer.from(content).fill(0, 500, 3000))
    expect((await refusalOf(() => readKerasZip(zeroed, null))).code).to.equal('model.corrupt')
  })

  for (const [what, change] of [
    ['another width', (text: string) => text.replace('"units": 8', '"units": 9')],
    [
      'another input',
      (text: string) => text.replace(/"batch_shape": \[null, 4\]/, '"batch_shape": [null, 5]'),
    ],
    ['no layers', (text: string) => text.replace('"layers"', '"layerz"')],
    ['a layer more', (text: string) => text.replace('"Dropout"', '"Dense"')],
    ['no JSON', () => '{'],
  ] as const) {
    it(`a configuration with ${what} than its weights is refused`, async () => {
      const changed = rewrite('mlp', 'config.json', (content) => Buffer.from(change(content.toString())))
      expect((await refusalOf(() => readKerasZip(changed, null))).code).to.equal('model.corrupt')
    })
  }

  it('a setting that is no number is refused, not taken for the usual one', async () => {
    const changed = rewrite('relu-options', 'config.json', (content) =>
      Buffer.from(content.toString().replace('"threshold": 0.5', '"threshold": [0.5]')),
    )
    const error = await refusalOf(() => readKerasZip(changed, null))
    expect(error.message).to.include('the threshold [0.5]')
  })

  it('an open input size is refused by name', async () => {
    const changed = rewrite('conv', 'config.json', (content) =>
      Buffer.from(
        content.toString().replace('"batch_shape": [null, 12, 11, 3]', '"batch_shape": [null, null, 11, 3]'),
      ),
    )
    const error = await refusalOf(() => readKerasZip(changed, null))
    expect([error.code, error.message.includes('[null,null,11,3]')]).to.deep.equal([
      'model.unsupported',
      true,
    ])
  })
})
