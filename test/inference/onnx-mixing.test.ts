import { expect } from 'chai'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'mocha'
import {
  type ElementType,
  encodeGraph,
  type GraphNode,
  type GraphTensor,
} from '../../src/inference/engines/onnx-graph.ts'
import { openSession } from '../../src/inference/engines/onnx-session.ts'
import { type Logger, ModelError, SILENT } from '../../src/index.ts'
import { readOnnx } from '../../src/inference/readers/onnx/onnx.ts'
import { ModelStore } from '../../src/inference/store/model-store.ts'
import { NETWORKS, type Rows, scoreRows } from '../support/network-fixtures.ts'

interface Options {
  readonly width?: number
  readonly batch?: number | string
  readonly type?: ElementType
  readonly tensors?: readonly GraphTensor[]
}

function graph(
  nodes: readonly GraphNode[],
  { width = 3, batch = 'n', type = 'FP32', tensors = [] }: Options = {},
) {
  return encodeGraph({
    inputs: [{ name: 'x', type, shape: [batch, width] }],
    outputs: [{ name: 'y', type, shape: [batch, width] }],
    nodes,
    tensors,
  })
}

/** BatchNormalization as a network has it that was exported while it was trained: by the mean and variance of the batch. */
function training(width: number): Buffer {
  const names = ['scale', 'shift', 'mean', 'variance']
  const tensors = names.map((name, i) => ({
    name,
    dims: [width],
    data: new Float32Array(width).fill([1, 0.5, 0.25, 2][i]!),
  }))
  const attributes = { training_mode: { int: 1 } }
  const node = { op: 'BatchNormalization', inputs: ['x', ...names], outputs: ['y', 'm', 'v'], attributes }
  return graph([node], { width, tensors })
}

const CENTRED: readonly GraphNode[] = [
  {
    op: 'ReduceMean',
    inputs: ['x'],
    outputs: ['mean'],
    attributes: { axes: { ints: [0] }, keepdims: { int: 1 } },
  },
  { op: 'Sub', inputs: ['x', 'mean'], outputs: ['y'] },
]
const SUM: readonly GraphNode[] = [
  {
    op: 'ReduceMax',
    inputs: ['x'],
    outputs: ['max'],
    attributes: { axes: { ints: [0] }, keepdims: { int: 1 } },
  },
  { op: 'Add', inputs: ['x', 'max'], outputs: ['y'] },
]
const SOFTMAX = (axis: number): readonly GraphNode[] => [
  { op: 'Softmax', inputs: ['x'], outputs: ['y'], attributes: { axis: { int: axis } } },
]

const rowsOf = (width: number): Rows =>
  [0, 1, 2].map((row) => Array.from({ length: width }, (_, i) => row * row + i * row))

/** What onnxruntime itself gives for each row alone. */
async function alone(bytes: Buffer, rows: Rows, type: 'float32' | 'int64' = 'float32'): Promise<Rows> {
  const session = await openSession(bytes)
  const found: number[][] = []
  for (const row of rows) {
    const data = type === 'int64' ? BigInt64Array.from(row, BigInt) : Float32Array.from(row)
    const [y] = await session.run({ x: { type, dims: [1, row.length], data } }, ['y'])
    found.push(Array.from(y!.data as Iterable<number | bigint>, Number))
  }
  return found
}

describe('a graph whose rows influence each other', () => {
  let folder = ''
  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'mixing-'))
  })
  after(() => rm(folder, { recursive: true }))

  // 11 and odd widths: the trial rows must differ there too.
  for (const width of [1, 3, 10, 11, 22]) {
    for (const [name, bytes] of [
      ['BatchNormalization in training mode', training(width)],
      ['a Softmax over the batch', graph(SOFTMAX(0), { width })],
      ['the mean of the batch', graph(CENTRED, { width })],
    ] as const) {
      it(`by ${name} of ${width} columns gives each what onnxruntime gives it alone`, async () => {
        const model = await readOnnx(bytes, null)
        expect(model.facts['batches']).to.match(/rows influence each other/)
        const rows = rowsOf(width)
        expect(await scoreRows(model, rows)).to.deep.equal(await alone(bytes, rows))
      })
    }

    it(`of ${width} whole numbers is noticed, too`, async () => {
      const bytes = graph(SUM, { width, type: 'INT64' })
      const rows = rowsOf(width)
      expect(await scoreRows(await readOnnx(bytes, null), rows)).to.deep.equal(
        await alone(bytes, rows, 'int64'),
      )
    })
  }

  it('is refused where it insists on a number of rows: none can be scored alone', async () => {
    const error = await readOnnx(graph(SOFTMAX(0), { batch: 4 }), null).catch((e: unknown) => e)
    expect(error).to.be.instanceOf(ModelError)
    expect((error as ModelError).code).to.equal('model.unsupported')
    expect((error as ModelError).message).to.include('4 rows at once, which influence each other')
    const apart = await readOnnx(graph(SOFTMAX(1), { batch: 4 }), null)
    expect((await scoreRows(apart, rowsOf(3)))[0]).to.deep.equal(
      (await scoreRows(apart, rowsOf(3).slice(0, 1)))[0],
    )
  })

  it('or on nothing that is known is refused, whatever number of rows it takes', async () => {
    const noise: readonly GraphNode[] = [
      { op: 'RandomNormalLike', inputs: ['x'], outputs: ['noise'] },
      { op: 'Add', inputs: ['x', 'noise'], outputs: ['y'] },
    ]
    for (const batch of ['n', 4, 1]) {
      const error = await readOnnx(graph(noise, { batch }), null).catch((e: unknown) => e)
      expect((error as ModelError).code, String(batch)).to.equal('model.unsupported')
      expect((error as ModelError).message).to.include('other numbers for the same row each time')
    }
  })

  it('is a warning in the log when it is loaded, once; others are none', async () => {
    const said: unknown[] = []
    const log: Logger = { ...SILENT, warn: (text, fields = {}) => void said.push([text, fields]) }
    const file = path.join(folder, 'mixing.onnx')
    await writeFile(file, training(3))
    for (let i = 0; i < 2; i++)
      await new ModelStore({ modelsDir: folder, allowedDirs: [folder], log }).load(file)
    expect(said).to.have.length(1)
    expect(JSON.stringify(said)).to.match(
      /each is scored alone, which is slower.*"model":"mixing"|"model":"mixing".*each is scored alone/,
    )
    await writeFile(path.join(folder, 'plain.onnx'), graph(SOFTMAX(1)))
    await new ModelStore({ modelsDir: folder, allowedDirs: [folder], log }).load(
      path.join(folder, 'plain.onnx'),
    )
    expect(said).to.have.length(1)
  })

  it('is none of those whose rows stand for themselves', async () => {
    for (const name of ['columns', 'regression', 'vector', 'fields', 'label-svc', 'fixed-batch']) {
      const bytes = await readFile(path.join(NETWORKS, 'onnx', `${name}.onnx`))
      expect((await readOnnx(bytes, null)).facts, name).not.to.have.property('batches')
    }
  })
})
