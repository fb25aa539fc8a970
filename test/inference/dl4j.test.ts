import { expect } from 'chai'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'mocha'
import path from 'node:path'
import type { Manifest } from '../../src/inference/manifest/manifest.ts'
import { readDl4j } from '../../src/inference/readers/dl4j/dl4j.ts'
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

const FOLDER = path.join(NETWORKS, 'dl4j')
const ORACLE = JSON.parse(readFileSync(path.join(FOLDER, 'oracle.json'), 'utf8')) as Readonly<
  Record<string, Rows>
>
const REFUSED: Readonly<Record<string, string>> = {
  'image-scaler': 'IMAGE_MIN_MAX',
  'refused-layer-norm': 'layer normalization',
  'refused-batch-normalization': 'BatchNormalization',
  'refused-lstm': 'LSTM',
  'refused-graph': 'ComputationGraph',
}

const file = (name: string) => readFileSync(path.join(FOLDER, `${name}.zip`))

/** The model with one of its files replaced. */
function rewrite(bytes: Buffer, name: string, change: (content: Buffer) => Buffer): Buffer {
  const zip = openZip(bytes)
  const names = ['configuration.json', 'coefficients.bin', 'normalizer.bin'].filter((each) => zip.has(each))
  return zipOf(
    names.map((each) => ({ name: each, content: each === name ? change(zip.read(each)) : zip.read(each) })),
  )
}

function manifestOf(rest: Partial<Manifest>): Manifest {
  return { manifestVersion: 1, artifact: { path: 'm.zip', sha256: '0'.repeat(64) }, ...rest }
}

describe('a DL4J MultiLayerNetwork', () => {
  const supported = Object.keys(ORACLE).filter((name) => name !== 'rows' && !Object.hasOwn(REFUSED, name))

  it('has fixtures of every kind', () => {
    expect(supported.length).to.be.greaterThan(25)
    const files = readdirSync(FOLDER).filter((name) => name.endsWith('.zip'))
    expect(files.map((name) => name.slice(0, -4)).sort()).to.deep.equal(
      [...supported, ...Object.keys(REFUSED)].sort(),
    )
  })

  for (const name of supported) {
    it(`${name} scores as DL4J does`, async () => {
      const model = await readDl4j(file(name), null)
      const found = await scoreRows(model, ORACLE['rows'] ?? [])
      const tolerance = name === 'double' ? 1e-12 : 2e-6
      expect(largestDifference(found, ORACLE[name] ?? [])).to.be.lessThan(tolerance)
    })
  }

  for (const [name, oracle] of [
    ['seed/DL4J_Iris_Model.zip', 'seed/seed_dl4j_iris.oracle.csv'],
    ['iris/dl4j_iris_m21.zip', 'seed/seed_dl4j_iris.oracle.csv'],
  ] as const) {
    it(`${name} scores as DL4J does`, async function () {
      if (!sharedExists(name)) return this.skip()
      const model = await readDl4j(readFileSync(path.join(SHARED, name)), null)
      const rows = readNumbers(path.join(SHARED, 'iris/iris.csv'))
      const expected = readNumbers(path.join(SHARED, oracle))
      expect(largestDifference(await scoreRows(model, rows), expected)).to.be.lessThan(2e-6)
      expect(model.labels).to.deep.equal(['class0', 'class1', 'class2'])
    })
  }

  it('reads arrays as ND4J wrote them before 1.0.0-beta, and since', async () => {
    const old = rewrite(file('all-layers'), 'coefficients.bin', (content) => {
      const text = (value: string) => Buffer.concat([Buffer.from([0, value.length]), Buffer.from(value)])
      const int = (value: number) => Buffer.from([value >>> 24, value >>> 16, value >>> 8, value])
      const values = content.subarray(content.indexOf('FLOAT') + 5)
      const shape = [2, 1, values.length / 4, 1, 1, 0, 1, 99]
      const info = [text('HEAP'), int(shape.length), text('INT'), ...shape.map(int)]
      return Buffer.concat([...info, text('HEAP'), int(values.length / 4), text('FLOAT'), values])
    })
    const found = await scoreRows(await readDl4j(old, null), ORACLE['rows'] ?? [])
    expect(largestDifference(found, ORACLE['all-layers'] ?? [])).to.be.lessThan(2e-6)
    const named = rewrite(file('all-layers'), 'coefficients.bin', (content) =>
      Buffer.from(
        content.toString('latin1').replaceAll('\0\x10MIXED_DATA_TYPES', '\0\x0aLONG_SHAPE'),
        'latin1',
      ),
    )
    const again = await scoreRows(await readDl4j(named, null), ORACLE['rows'] ?? [])
    expect(largestDifference(again, ORACLE['all-layers'] ?? [])).to.be.lessThan(2e-6)
  })

  it('reads layers and activations as configurations before 1.0.0 wrote them', async () => {
    const old = rewrite(file('activation-tanh'), 'configuration.json', () => {
      const layer = (kind: string, nin: number, nout: number, activation: object) => ({
        layer: { [kind]: { nin, nout, activationFn: activation } },
      })
      const confs = [layer('dense', 4, 5, { TanH: {} }), layer('output', 5, 3, { Identity: {} })]
      return Buffer.from(JSON.stringify({ confs }))
    })
    const found = await scoreRows(await readDl4j(old, null), ORACLE['rows'] ?? [])
    expect(largestDifference(found, ORACLE['activation-tanh'] ?? [])).to.be.lessThan(2e-6)
  })

  it('says what it is, by its last layer', async () => {
    const tasks = await Promise.all(
      ['all-layers', 'regression', 'binary', 'double'].map(async (name) => {
        const { task, labels, outputs } = await readDl4j(file(name), null)
        return { task, labels, outputs }
      }),
    )
    const classes = { task: 'classification', labels: ['class0', 'class1', 'class2'] }
    expect(tasks[0]).to.deep.equal({ ...classes, outputs: classes.labels })
    expect(tasks[1]).to.deep.equal({ task: 'regression', labels: [], outputs: [] })
    expect(tasks[2]).to.deep.equal({ task: 'regression', labels: [], outputs: [] })
  })

  it('takes columns and labels from its manifest', async () => {
    const columns = ['a', 'b', 'c', 'd'].map((name) => ({ name, type: 'double' }))
    const manifest = manifestOf({ signature: { inputs: columns }, postprocess: { labels: ['NO', 'YES'] } })
    const model = await readDl4j(file('binary'), manifest)
    expect(model.inputs.map(({ name }) => name)).to.deep.equal(['a', 'b', 'c', 'd'])
    expect(model).to.deep.include({ task: 'classification', labels: ['NO', 'YES'] })
    const found = await scoreRows(model, ORACLE['rows'] ?? [])
    const expected = (ORACLE['binary'] ?? []).map(([yes = NaN]) => [1 - yes, yes])
    expect(largestDifference(found, expected)).to.be.lessThan(2e-6)
  })

  it('gives NaN for a row that lacks a number, and for that row alone', async () => {
    const model = await readDl4j(file('activation-relu'), null)
    const [first = [], second = []] = ORACLE['rows'] ?? []
    const found = await scoreRows(model, [first, second.slice(0, 3), first])
    expect(found[1]?.every(Number.isNaN)).to.equal(true)
    expect(found[0]).to.deep.equal(found[2])
    expect(found[0]?.some(Number.isNaN)).to.equal(false)
  })
})

describe('what is no DL4J MultiLayerNetwork that can be read', () => {
  it('numbers of half precision, and a preprocessor of before 0.9, are refused by name', async () => {
    const half = rewrite(file('all-layers'), 'coefficients.bin', (content) =>
      Buffer.from(content.toString('latin1').replace('\0\x05FLOAT', '\0\x04HALF'), 'latin1'),
    )
    expect((await refusalOf(() => readDl4j(half, null))).message).to.include('HALF')
    const zip = openZip(file('all-layers'))
    const names = ['configuration.json', 'coefficients.bin']
    const entries = names.map((name) => ({ name, content: zip.read(name) }))
    const old = zipOf([...entries, { name: 'preprocessor.bin', content: Buffer.alloc(9) }])
    const error = await refusalOf(() => readDl4j(old, null))
    expect([error.code, error.message.includes('preprocessor.bin')]).to.deep.equal([
      'model.unsupported',
      true,
    ])
  })

  for (const [name, reason] of Object.entries(REFUSED)) {
    it(`${name} is refused by name`, async () => {
      const error = await refusalOf(() => readDl4j(file(name), null))
      expect(error.code).to.equal('model.unsupported')
      expect(error.message).to.include(reason)
    })
  }

  it('labels or columns of another number than the network has are refused', async () => {
    const labels = await refusalOf(() =>
      readDl4j(file('all-layers'), manifestOf({ postprocess: { labels: ['a', 'b'] } })),
    )
    expect([labels.code, labels.message]).to.deep.equal([
      'model.manifest',
      'postprocess.labels names 2 classes, but the model has 3. Correct the manifest.',
    ])
    const inputs = [{ name: 'a', type: 'double' }]
    const columns = await refusalOf(() => readDl4j(file('all-layers'), manifestOf({ signature: { inputs } })))
    expect(columns.message).to.equal(
      'The manifest names 1 columns, but the model takes 4. Correct the manifest.',
    )
  })

  it('a manifest that describes other tensors is refused', async () => {
    const tensor = (datatype: string, width: number) => [{ name: 'x', datatype, shape: [-1, width] }]
    for (const rest of [
      { inputs: tensor('FP32', 5) },
      { inputs: tensor('FP64', 4) },
      { outputs: tensor('FP32', 4) },
    ]) {
      const error = await refusalOf(() => readDl4j(file('all-layers'), manifestOf(rest)))
      expect(error.code).to.equal('model.manifest')
    }
    const right = manifestOf({ inputs: tensor('FP32', 4), outputs: tensor('FP32', 3) })
    expect((await readDl4j(file('all-layers'), right)).task).to.equal('classification')
  })

  it('cut short anywhere, the coefficients are refused', async () => {
    const length = openZip(file('all-layers')).read('coefficients.bin').length
    for (let at = 0; at < length; at += 7) {
      const cut = rewrite(file('all-layers'), 'coefficients.bin', (content) => content.subarray(0, at))
      expect((await refusalOf(() => readDl4j(cut, null))).code).to.equal('model.corrupt')
    }
  })

  it('cut short anywhere, the normalizer is refused', async () => {
    const length = openZip(file('min-max-constant')).read('normalizer.bin').length
    for (let at = 0; at < length; at += 7) {
      const cut = rewrite(file('min-max-constant'), 'normalizer.bin', (content) => content.subarray(0, at))
      expect((await refusalOf(() => readDl4j(cut, null))).code).to.equal('model.corrupt')
    }
  })

  for (const [what, change] of [
    ['is not JSON', () => '{'],
    ['is a list', () => '[]'],
    ['has no layers', () => '{"confs":[]}'],
    ['has another number of outputs', (text: string) => text.replace('"nout" : 7', '"nout" : 8')],
    ['has a negative size', (text: string) => text.replace('"nout" : 7', '"nout" : -7')],
    ['has a huge size', (text: string) => text.replace('"nout" : 7', '"nout" : 2000000000')],
  ] as const) {
    it(`a configuration that ${what} is refused`, async () => {
      const changed = rewrite(file('all-layers'), 'configuration.json', (content) =>
        Buffer.from(change(content.toString())),
      )
      expect((await refusalOf(() => readDl4j(changed, null))).code).to.equal('model.corrupt')
    })
  }
})
