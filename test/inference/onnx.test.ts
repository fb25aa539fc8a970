import { expect } from 'chai'
import { existsSync, readFileSync } from 'node:fs'
import { describe, it } from 'mocha'
import path from 'node:path'
import type { ModelColumn } from '../../src/index.ts'
import { encodeGraph, type Graph } from '../../src/inference/engines/onnx-graph.ts'
import { bytesField, integerField, readFields, textField } from '../../src/inference/engines/protobuf.ts'
import type { Manifest } from '../../src/inference/manifest/manifest.ts'
import { toColumn } from '../../src/inference/probe.ts'
import { readOnnx } from '../../src/inference/readers/onnx/onnx.ts'
import {
  largestDifference,
  NETWORKS,
  onnxLabels,
  refusalOf,
  type Rows,
  scoreRows,
} from '../support/network-fixtures.ts'

const FOLDER = path.join(NETWORKS, 'onnx')
interface Oracle {
  readonly output: Rows
  readonly labels: readonly string[]
}
interface Fields extends Oracle {
  readonly input: Readonly<Record<string, readonly (string | number)[]>>
}
const { rows, ...ORACLE } = JSON.parse(readFileSync(path.join(FOLDER, 'oracle.json'), 'utf8')) as {
  readonly rows: Rows
} & Readonly<Record<'texts' | 'numbers' | 'regression' | 'vector', Oracle>> & { readonly fields: Fields }

const file = (name: string) => readFileSync(path.join(FOLDER, `${name}.onnx`))

function manifestOf(rest: Partial<Manifest>): Manifest {
  return { manifestVersion: 1, artifact: { path: 'm.onnx', sha256: '0'.repeat(64) }, ...rest }
}

describe('an ONNX model', () => {
  for (const name of ['zipmap-texts', 'plain-texts', 'columns']) {
    it(`${name}: a classifier of scikit-learn gives its labels and probabilities`, async () => {
      const model = await readOnnx(file(name), null)
      expect(model.labels).to.deep.equal(['setosa', 'versicolor', 'virginica'])
      expect(model.inputs.map((input) => input.name)).to.deep.equal(['f0', 'f1', 'f2', 'f3'])
      expect(largestDifference(await scoreRows(model, rows), ORACLE.texts.output)).to.be.lessThan(2e-6)
      expect(await onnxLabels(name, rows)).to.deep.equal(ORACLE.texts.labels)
    })
  }

  it('whose classes are numbers names them by these', async () => {
    const model = await readOnnx(file('zipmap-numbers'), null)
    expect(model.labels).to.deep.equal(['0', '1', '2'])
    expect(largestDifference(await scoreRows(model, rows), ORACLE.numbers.output)).to.be.lessThan(2e-6)
    expect(await onnxLabels('zipmap-numbers', rows)).to.deep.equal(ORACLE.numbers.labels)
  })

  it('of one number is a regression, of several a vector', async () => {
    const regression = await readOnnx(file('regression'), null)
    expect(regression).to.deep.include({ task: 'regression', outputs: [] })
    expect(largestDifference(await scoreRows(regression, rows), ORACLE.regression.output)).to.be.lessThan(
      2e-6,
    )
    const vector = await readOnnx(file('vector'), null)
    expect(vector).to.deep.include({ task: 'vector', outputs: ['variable0', 'variable1'] })
    // Double in, double out.
    expect(largestDifference(await scoreRows(vector, rows), ORACLE.vector.output)).to.be.lessThan(1e-12)
  })

  it('takes several inputs by their names: numbers, whole numbers and texts', async () => {
    const model = await readOnnx(file('fields'), null)
    expect(model.inputs.map(({ name, type }) => [name, type])).to.deep.equal([
      ['length', 'numeric'],
      ['count', 'numeric'],
      ['kind', 'categorical'],
    ])
    const columns = model.inputs.map((input) => toColumn(input, ORACLE.fields.input[input.name] ?? []))
    const length = ORACLE.fields.output.length
    const { outputs } = await model.score(columns, length, null)
    const found = ORACLE.fields.output.map((_, row) => outputs.map(({ values }) => values[row]!))
    expect(largestDifference(found, ORACLE.fields.output)).to.be.lessThan(2e-6)
  })

  it('gives NaN for a row that lacks a text or a whole number, or has one that the graph fails on, and for that row alone', async () => {
    const model = await readOnnx(file('fields'), null)
    const kind = ['wide', 'wide', 'wide', null, 'never seen', 'wide']
    const values = { length: [4, 4, 4, 4, 4, 4], count: [50, null, 50.5, 50, 50, 50], kind }
    const columns = model.inputs.map((input) => toColumn(input, values[input.name as 'kind']))
    const { outputs } = await model.score(columns, 6, null)
    expect([...(outputs[0]?.values ?? [])].map(Number.isNaN)).to.deep.equal([
      false,
      true,
      true,
      true,
      true,
      false,
    ])
  })

  it('that ends in a softmax is a classifier, with the labels of its manifest', async () => {
    expect((await readOnnx(file('softmax'), null)).labels).to.deep.equal(['class0', 'class1', 'class2'])
    const labels = ['a', 'b', 'c']
    const named = await readOnnx(file('softmax'), manifestOf({ postprocess: { labels } }))
    expect(named.labels).to.deep.equal(labels)
  })

  it('may rename and shape its softmax', async () => {
    const value = (name: string) => ({ name, type: 'FP32' as const, shape: ['n', 3] })
    const bytes = encodeGraph({
      inputs: [value('x')],
      outputs: [value('y')],
      nodes: [
        { op: 'Softmax', inputs: ['x'], outputs: ['p'] },
        { op: 'Identity', inputs: ['p'], outputs: ['y'] },
      ],
      tensors: [],
    })
    expect((await readOnnx(bytes, null)).task).to.equal('classification')
  })

  it('of an open width takes as many columns as its manifest names', async () => {
    const inputs = ['a', 'b'].map((name) => ({ name, type: 'double' }))
    const model = await readOnnx(file('open-width'), manifestOf({ signature: { inputs } }))
    expect(model.inputs.map(({ name }) => name)).to.deep.equal(['a', 'b'])
    expect(await scoreRows(model, [[1, 2]])).to.deep.equal([[-1, -2]])
    const error = await refusalOf(() => readOnnx(file('open-width'), null))
    expect(error.message).to.include('signature.inputs')
  })

  it('of a fixed batch is given that many rows at a time', async () => {
    const found = await scoreRows(
      await readOnnx(file('fixed-batch'), null),
      rows.map((row) => row.slice(0, 2)),
    )
    expect(
      largestDifference(
        found,
        rows.map((row) => [-row[0]!, -row[1]!]),
      ),
    ).to.equal(0)
  })

  it('of tensors takes one per row', async () => {
    const bytes = encodeGraph({
      inputs: [{ name: 'image', type: 'UINT8', shape: ['n', 2, 2, 1] }],
      outputs: [{ name: 'y', type: 'FP32', shape: ['n', 4] }],
      nodes: [
        { op: 'Cast', inputs: ['image'], outputs: ['c'], attributes: { to: { int: 1 } } },
        { op: 'Reshape', inputs: ['c', 's'], outputs: ['y'] },
      ],
      tensors: [{ name: 's', dims: [2], data: BigInt64Array.of(-1n, 4n) }],
    })
    const model = await readOnnx(bytes, null)
    expect(model.inputs).to.deep.equal([
      { name: 'image', type: 'tensor', shape: [2, 2, 1], datatype: 'UINT8', required: true },
    ])
    const data = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)
    const column: ModelColumn = { type: 'tensor', datatype: 'UINT8', shape: [2, 2, 1], data }
    const { outputs } = await model.score([column], 2, null)
    expect(outputs.map(({ values }) => [...values])).to.deep.equal([
      [1, 5],
      [2, 6],
      [3, 7],
      [4, 8],
    ])
  })

  it('runs whatever the number of rows', async () => {
    const model = await readOnnx(file('vector'), null)
    const many = Array.from({ length: 2500 }, (_, i) => rows[i % rows.length]!)
    const expected = many.map((_, i) => ORACLE.vector.output[i % rows.length]!)
    expect(largestDifference(await scoreRows(model, many), expected)).to.be.lessThan(1e-12)
    expect(await scoreRows(model, [])).to.deep.equal([])
  })
})

/** y = −x, or another operator of one input, on rows of two floats. */
function negation(node: { readonly op: string; readonly domain?: string }): Buffer {
  const value = (name: string) => ({ name, type: 'FP32' as const, shape: ['n', 2] })
  const nodes = [{ ...node, inputs: ['x'], outputs: ['y'] }]
  return encodeGraph({ inputs: [value('x')], outputs: [value('y')], nodes, tensors: [] })
}

/** ModelProto with another version (2) of ONNX' own operators as its opset_import (8), and the first of a domain (1). */
function withOpset(bytes: Buffer, version: number, domain = 'ai.onnx.ml'): Buffer {
  const fields = readFields(bytes).filter(({ field }) => field !== 8)
  const more = bytesField(8, Buffer.concat([textField(1, domain), integerField(2, 1)]))
  return Buffer.concat([...fields.map(({ whole }) => whole), bytesField(8, integerField(2, version)), more])
}

/** y = −x on rows of a claimed width. */
function wide(rows: number | string, width = 10 ** 9): Graph {
  const value = (name: string) => ({ name, type: 'FP32' as const, shape: [rows, width] })
  const nodes = [{ op: 'Neg', inputs: ['x'], outputs: ['y'] }]
  return { inputs: [value('x')], outputs: [value('y')], nodes, tensors: [] }
}

const tensorOfTexts: Graph = {
  inputs: [{ name: 'x', type: 'BYTES', shape: ['n', 2, 2] }],
  outputs: [{ name: 'y', type: 'FP32', shape: [1] }],
  nodes: [{ op: 'Identity', inputs: ['t'], outputs: ['y'] }],
  tensors: [{ name: 't', dims: [1], data: Float32Array.of(1) }],
}

describe('what is no ONNX model that can be run', () => {
  for (const name of ['external', 'external-nested']) {
    it(`${name}: weights in another file are refused`, async function () {
      if (!existsSync(path.join(FOLDER, `${name}.onnx`))) throw new Error('the fixture is missing')
      const error = await refusalOf(() => readOnnx(file(name), null))
      expect([error.code, error.message.includes('external data')]).to.deep.equal(['model.unsupported', true])
    })
  }

  for (const [what, bytes, named] of [
    ['an operator that is not known', negation({ op: 'Nonsense' }), 'Nonsense'],
    [
      'an operator of somebody else',
      withOpset(negation({ op: 'Own', domain: 'my.company' }), 17, 'my.company'),
      'my.company:Own',
    ],
    ['a later opset', withOpset(negation({ op: 'Neg' }), 99), 'opset 99'],
    ['texts in a tensor of several axes', encodeGraph(tensorOfTexts), 'a tensor of texts'],
    ['a row of a thousand million numbers', encodeGraph(wide('n')), 'takes 1000000000 numbers'],
    ['that many rows at once', encodeGraph(wide(10 ** 9, 4)), 'takes 4000000000 numbers'],
    ['no inputs', encodeGraph({ ...tensorOfTexts, inputs: [] }), 'takes nothing'],
  ] as const) {
    it(`${what} is refused by name`, async () => {
      const error = await refusalOf(() => readOnnx(bytes, null))
      expect([error.code, error.message.includes(named)]).to.deep.equal(['model.unsupported', true])
      expect(error.message).not.to.include('onnxruntime_src')
      expect(error.message).to.match(/Export it with /)
    })
  }

  for (const [what, bytes] of [
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('this is no model at all')],
    ['a truncated file', file('regression').subarray(0, 9000)],
  ] as const) {
    it(`${what} is refused`, async () => {
      expect((await refusalOf(() => readOnnx(bytes, null))).code).to.equal('model.corrupt')
    })
  }

  for (const [what, rest] of [
    ['an output of another name', { outputs: [{ name: 'p', datatype: 'FP32', shape: [-1, 3] }] }],
    ['an output of another type', { outputs: [{ name: 'y', datatype: 'FP64', shape: [-1, 3] }] }],
    ['an output of another width', { outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 4] }] }],
    ['an input of another width', { inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }] }],
    ['labels that are too few', { postprocess: { labels: ['a', 'b'] } }],
    [
      'columns that are too many',
      { signature: { inputs: ['a', 'b', 'c', 'd'].map((name) => ({ name, type: 'double' })) } },
    ],
  ] as const) {
    it(`a manifest with ${what} is refused at load`, async () => {
      const error = await refusalOf(() => readOnnx(file('softmax'), manifestOf(rest)))
      expect(error.code).to.equal('model.manifest')
    })
  }

  it('a manifest that describes the tensors rightly is taken', async () => {
    const manifest = manifestOf({
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 3] }],
      outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 3] }],
    })
    expect((await readOnnx(file('softmax'), manifest)).format).to.equal('onnx')
  })
})
