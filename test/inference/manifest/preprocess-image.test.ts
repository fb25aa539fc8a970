import { expect } from 'chai'
import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type ModelColumn, ModelError, NO_IMAGES } from '../../../src/index.ts'
import { encodeGraph } from '../../../src/inference/engines/onnx-graph.ts'
import { openImageLabeller } from '../../../src/inference/images/image-labeller.ts'
import { whyIncompatible } from '../../../src/inference/store/live-model.ts'
import type { ReadyModel } from '../../../src/inference/store/load-model.ts'
import { manifestRefusal, openWith } from '../../support/model-folder.ts'
import { largestDifference, NETWORKS, type Rows } from '../../support/network-fixtures.ts'

const FOLDER = path.join(NETWORKS, 'preprocess')
const ORACLE = JSON.parse(readFileSync(path.join(FOLDER, 'oracle.json'), 'utf8')) as {
  readonly nchw: Rows
  readonly nhwc: Rows
}
const file = (name: string) => ({ file: 'm.onnx', bytes: readFileSync(path.join(FOLDER, `${name}.onnx`)) })

const IMAGENET = {
  layout: 'NCHW',
  crop: 1,
  scale: 1 / 255,
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
}
const NCHW = { preprocess: { image: IMAGENET }, postprocess: { activation: 'softmax' } }
const CAFFE = { layout: 'NHWC', size: [24, 20], crop: 1, channels: 'BGR', mean: [103.939, 116.779, 123.68] }
const NHWC = { preprocess: { image: CAFFE }, postprocess: { activation: 'sigmoid' } }

let root = ''
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'sluice-preprocess-'))
})
afterEach(() => rm(root, { recursive: true }))

const open = (name: string, manifest: Readonly<Record<string, unknown>>) =>
  openWith(path.join(root, name), file(name), manifest)
const refusal = (name: string, manifest: Readonly<Record<string, unknown>>) =>
  manifestRefusal(path.join(root, name), file(name), manifest)

describe('a manifest that says how a picture becomes the input of a network', () => {
  const pictures = [0, 1, 2, 3].map((i) => readFileSync(path.join(FOLDER, `picture${i}.png`)))

  async function labelled({ model }: ReadyModel): Promise<Rows> {
    const labeller = await openImageLabeller(model, {
      ...{ fileRoot: null, httpOrigins: [], allowed: NO_IMAGES },
      ...{ maxBytes: 2 ** 20, fetchTimeoutMs: 1000, topK: model.labels.length, concurrency: 1 },
    })
    const results = await labeller.label(pictures, (_, error) => {
      throw error
    })
    return results.map((labels) =>
      model.labels.map((label) => labels?.find((each) => each.label === label)?.probability ?? NaN),
    )
  }

  it('runs classifiers as torchvision exports them: floats, NCHW, mean and deviation, logits', async () => {
    const ready = await open('nchw', NCHW)
    expect(ready.model.labels).to.have.length(5)
    expect(largestDifference(await labelled(ready), ORACLE.nchw)).to.be.lessThan(2e-6)
  })

  it('runs classifiers of BGR in NHWC whose size the file leaves open', async () => {
    const ready = await open('nhwc', NHWC)
    expect(largestDifference(await labelled(ready), ORACLE.nhwc)).to.be.lessThan(2e-6)
    const image = { ...CAFFE, size: undefined }
    const error: unknown = await open('nhwc', { ...NHWC, preprocess: { image } }).catch(
      (caught: unknown) => caught,
    )
    expect((error as ModelError).message).to.include('the size of a picture in preprocess.image')
  })

  it('is part of what a version must share with the one that it replaces', async () => {
    const [one, other] = [
      await open('nchw', NCHW),
      await open('nchw', { ...NCHW, preprocess: { image: { ...IMAGENET, crop: 0.9 } } }),
    ]
    expect(whyIncompatible(one.model, one.model)).to.equal(undefined)
    expect(whyIncompatible(one.model, other.model)).to.include('input columns')
  })

  it('is refused where it contradicts itself or the model file, by name', async () => {
    for (const [change, problem] of [
      [{ layout: 'NHWC' }, 'says a picture in the layout NHWC, but the model takes x FP32[-1,3,24,20]'],
      [{ layout: 'CHWN' }, 'image.layout: must be'],
      [{ layout: undefined }, 'image.layout: is missing'],
      [{ size: [20, 24] }, 'says [-1,3,20,24], but the model takes x FP32[-1,3,24,20]'],
      [{ size: [24] }, 'image.size: must be a height and a width'],
      [{ size: [24, 0.5] }, 'image.size'],
      [{ crop: 0 }, 'image.crop'],
      [{ crop: 1.5 }, 'image.crop'],
      [{ channels: 'GRB' }, 'image.channels'],
      [{ scale: 0 }, 'image.scale'],
      [{ mean: [0.5] }, 'image.mean'],
      [{ std: [1, 0, 1] }, 'image.std'],
      [{ std: [1, 1] }, 'image.std'],
      [{ sdt: [1, 1, 1] }, 'did you mean std'],
    ] as const) {
      const manifest = { ...NCHW, preprocess: { image: { ...IMAGENET, ...change } } }
      expect(await refusal('nchw', manifest), JSON.stringify(change)).to.include(problem)
    }
    expect(await refusal('table', { preprocess: { image: IMAGENET } })).to.include('but the model takes')
  })
})

describe('the input that is made of a picture', () => {
  const SIZE = { height: 3, width: 2 }
  const AREA = SIZE.height * SIZE.width
  /** Gives back what it is given. */
  const echo = (shape: readonly number[]) =>
    encodeGraph({
      inputs: [{ name: 'x', type: 'FP32', shape: ['n', ...shape] }],
      outputs: [{ name: 'y', type: 'FP32', shape: ['n', AREA * 3] }],
      nodes: [{ op: 'Reshape', inputs: ['x', 's'], outputs: ['y'] }],
      tensors: [{ name: 's', dims: [2], data: BigInt64Array.of(-1n, BigInt(AREA * 3)) }],
    })
  it('is (byte · scale − mean) / std of each colour of each pixel, in the order of the layout', async () => {
    const number = fc.double({ min: -300, max: 300, noNaN: true })
    const three = fc.tuple(number, number, number)
    const image = fc.record({
      layout: fc.constantFrom('NHWC', 'NCHW'),
      channels: fc.constantFrom('RGB', 'BGR'),
      scale: fc.double({ min: 1e-3, max: 2, noNaN: true }),
      mean: three,
      std: fc.tuple(...[0, 1, 2].map(() => fc.double({ min: 0.01, max: 300, noNaN: true }))),
    })
    const pixels = fc.array(fc.uint8Array({ minLength: AREA * 3, maxLength: AREA * 3 }), {
      minLength: 1,
      maxLength: 3,
    })
    await fc.assert(
      fc.asyncProperty(image, pixels, async (how, rows) => {
        const shape = how.layout === 'NCHW' ? [3, SIZE.height, SIZE.width] : [SIZE.height, SIZE.width, 3]
        const echoing = { file: 'm.onnx', bytes: echo(shape) }
        const { model } = await openWith(root, echoing, { preprocess: { image: how } })
        const data = Uint8Array.from(rows.flatMap((row) => [...row]))
        const column: ModelColumn = {
          type: 'tensor',
          datatype: 'UINT8',
          shape: [SIZE.height, SIZE.width, 3],
          data,
        }
        const { outputs } = await model.score([column], rows.length)
        rows.forEach((row, n) => {
          for (let y = 0; y < SIZE.height; y++)
            for (let x = 0; x < SIZE.width; x++)
              for (let c = 0; c < 3; c++) {
                const byte = row[(y * SIZE.width + x) * 3 + (how.channels === 'BGR' ? 2 - c : c)]!
                const at =
                  how.layout === 'NCHW'
                    ? (c * SIZE.height + y) * SIZE.width + x
                    : (y * SIZE.width + x) * 3 + c
                const expected = Math.fround((byte * how.scale - how.mean[c]!) / how.std[c]!)
                expect(outputs[at]?.values[n]).to.equal(expected)
              }
        })
      }),
      { numRuns: 60 },
    )
  })
})
