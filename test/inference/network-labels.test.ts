import { expect } from 'chai'
import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { encodeGraph } from '../../src/inference/engines/onnx-graph.ts'
import type { ReadyModel } from '../../src/inference/store/load-model.ts'
import { toColumn } from '../../src/inference/probe.ts'
import { manifestRefusal, openFolder, openWith } from '../support/model-folder.ts'
import { largestDifference, NETWORKS, type Rows } from '../support/network-fixtures.ts'

interface KerasOracle {
  readonly rows: Rows
  readonly output: Rows
}
const json = (name: string): unknown => JSON.parse(readFileSync(path.join(NETWORKS, name), 'utf8'))
const KERAS = (json('keras/oracle.json') as Readonly<Record<string, KerasOracle>>)[
  'functional'
] as KerasOracle
const DL4J = json('dl4j/oracle.json') as Readonly<Record<'rows' | 'binary', Rows>>

/** One number through an operator, as an ONNX file. */
function graphOf(op: string, width = 1) {
  const bytes = encodeGraph({
    inputs: [{ name: 'x', type: 'FP32', shape: ['n', width] }],
    outputs: [{ name: 'y', type: 'FP32', shape: ['n', width] }],
    nodes: [{ op, inputs: ['x'], outputs: ['y'] }],
    tensors: [],
  })
  return { file: 'm.onnx', bytes }
}
const network = (name: string) => ({
  file: `m${path.extname(name)}`,
  bytes: readFileSync(path.join(NETWORKS, name)),
})

let root = ''
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'sluice-labels-'))
})
afterEach(() => rm(root, { recursive: true, force: true }))

async function score({ model }: ReadyModel, rows: Rows) {
  const columns = model.inputs.map((input, k) =>
    toColumn(
      input,
      rows.map((row) => row[k]),
    ),
  )
  const { outputs, prediction } = await model.score(columns, rows.length)
  const all = outputs.length === 0 && prediction.type === 'float64' ? [prediction] : outputs
  return {
    numbers: rows.map((_, row) => all.map(({ values }) => values[row]!)),
    labels:
      prediction.type === 'category' ? [...prediction.levels].map((level) => prediction.domain[level]) : null,
  }
}

const BINARY = { task: 'classification', postprocess: { labels: ['NO', 'YES'] } }

describe('a network of one sigmoid', () => {
  for (const [name, rows, output] of [
    ['keras/functional.keras', KERAS.rows, KERAS.output],
    ['keras/functional.h5', KERAS.rows, KERAS.output],
    ['dl4j/binary.zip', DL4J.rows, DL4J.binary],
  ] as const) {
    it(`${name} is a binary classifier where its manifest says so, with a threshold of 0.5`, async () => {
      const ready = await openWith(root, network(name), BINARY)
      expect(ready.model.task).to.equal('classification')
      expect(ready.decision).to.deep.equal({ threshold: 0.5, thresholdClass: 'YES' })
      const { labels, numbers } = await score(ready, rows)
      const expected = output.map(([yes = NaN]) => [1 - yes, yes])
      expect(largestDifference(numbers, expected)).to.be.lessThan(2e-6)
      expect(labels).to.deep.equal(expected.map(([, yes = NaN]) => (yes >= 0.5 ? 'YES' : 'NO')))
      const middle = output.map(([yes = NaN]) => yes).toSorted((a, b) => a - b)[output.length >> 1] as number
      const postprocess = { labels: ['NO', 'YES'], threshold: 1 - middle, thresholdClass: 'NO' }
      const moved = await score(await openWith(root, network(name), { ...BINARY, postprocess }), rows)
      expect(new Set(moved.labels)).to.deep.equal(new Set(['NO', 'YES']))
    })
  }

  it('of ONNX is one too, and its threshold belongs to the second class', async () => {
    const one = await openWith(root, graphOf('HardSigmoid'), BINARY) // 0.2 x + 0.5
    const { labels, numbers } = await score(one, [[-1.25], [-1e-6], [0], [1.25]])
    expect(labels).to.deep.equal(['NO', 'NO', 'YES', 'YES'])
    expect([numbers[0], numbers[3]]).to.deep.equal([
      [0.75, 0.25],
      [0.25, 0.75],
    ])
    const named = { labels: ['NO', 'YES'], threshold: 0.7 }
    const strict = await openWith(root, graphOf('HardSigmoid'), { ...BINARY, postprocess: named })
    expect((await score(strict, [[0.5], [1.5]])).labels).to.deep.equal(['NO', 'YES'])
    const plain = await openWith(root, graphOf('Sigmoid'), { task: 'classification' })
    expect(plain.model.labels).to.deep.equal(['class0', 'class1'])
    expect(largestDifference((await score(plain, [[0]])).numbers, [[0.5, 0.5]])).to.equal(0)
  })

  it('stays a regression where no manifest says otherwise', async () => {
    for (const model of [network('keras/functional.keras'), network('dl4j/binary.zip'), graphOf('Sigmoid')]) {
      const { task, outputs } = (await openWith(root, model, {})).model
      expect([task, outputs]).to.deep.equal(['regression', []])
      await rm(path.join(root, 'manifest.json'))
      expect((await openFolder(root)).model.task).to.equal('regression')
      await rm(root, { recursive: true })
    }
    const error = await manifestRefusal(root, graphOf('Sigmoid'), {
      ...{ task: 'classification', postprocess: { labels: ['a', 'b', 'c'] } },
    })
    expect(error).to.include('names 3 classes, but the model has 2')
  })
})

describe('postprocess.activation', () => {
  it('is asked for where the numbers of a classifier are no probabilities', async () => {
    const labels = { postprocess: { labels: ['a', 'b', 'c'] } }
    const error = await manifestRefusal(root, graphOf('Identity', 3), labels)
    expect(error).to.include('postprocess.activation').and.to.include('which is no probability')
  })

  it('softmax makes probabilities of numbers, however large they are', async () => {
    const number = fc.double({ min: -1e4, max: 1e4, noNaN: true })
    const ready = await openWith(root, graphOf('Identity', 3), { postprocess: { activation: 'softmax' } })
    expect(ready.model.labels).to.deep.equal(['class0', 'class1', 'class2'])
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(number, number, number), { minLength: 1 }), async (rows) => {
        const { labels, numbers } = await score(ready, rows)
        rows.forEach((row, r) => {
          const logits = row.map(Math.fround)
          // The same with all shifted by the largest: e^x / Σ e^x as it is written would be ∞ / ∞.
          const powers = logits.map((each) => Math.exp(each - Math.max(...logits)))
          const sum = powers.reduce((total, each) => total + each, 0)
          expect(largestDifference([numbers[r] ?? []], [powers.map((each) => each / sum)])).to.be.below(1e-12)
          const named = Number(labels?.[r]?.slice('class'.length))
          expect(logits[named]).to.be.closeTo(Math.max(...logits), 1e-9)
        })
      }),
      { numRuns: 40 },
    )
  })

  it('sigmoid makes a probability of each number, and a classifier of one', async () => {
    const sigmoid = { postprocess: { activation: 'sigmoid' } }
    const several = await openWith(root, graphOf('Identity', 2), sigmoid)
    const { labels, numbers } = await score(several, [
      [0, 2],
      [1000, -1000],
    ])
    expect(numbers).to.deep.equal([
      [0.5, 1 / (1 + Math.exp(-2))],
      [1, 0],
    ])
    expect(labels).to.deep.equal(['class1', 'class0'])
    const one = await score(await openWith(root, graphOf('Identity'), sigmoid), [[-0.1], [0], [0.1]])
    expect(one.labels).to.deep.equal(['class0', 'class1', 'class1'])
  })

  it('works for Keras and DL4J networks that end in numbers', async () => {
    for (const [name, activation] of [
      ['dl4j/regression.zip', 'sigmoid'],
      ['keras/activation-linear.h5', 'softmax'],
    ] as const) {
      const plain = await openWith(root, network(name), {})
      const row = plain.model.inputs.map((_, i) => i / 4 - 0.3)
      const [logits = []] = (await score(plain, [row])).numbers
      const ready = await openWith(root, network(name), { postprocess: { activation } })
      const [found = []] = (await score(ready, [row])).numbers
      const powers = activation === 'sigmoid' ? [1, Math.exp(logits[0] ?? NaN)] : logits.map(Math.exp)
      const sum = powers.reduce((total, each) => total + each, 0)
      expect(largestDifference([found], [powers.map((each) => each / sum)]), name).to.be.lessThan(1e-12)
      expect(new Set(found).size, name).to.be.greaterThan(1)
      await rm(root, { recursive: true })
    }
  })

  it('is refused where it contradicts the model or the rest of the manifest', async () => {
    for (const [model, rest, problem] of [
      [graphOf('Softmax', 3), { postprocess: { activation: 'softmax' } }, 'gives probabilities already'],
      [graphOf('Sigmoid'), { postprocess: { activation: 'sigmoid' } }, 'gives probabilities already'],
      [network('dl4j/binary.zip'), { postprocess: { activation: 'sigmoid' } }, 'gives probabilities already'],
      [
        network('keras/functional.h5'),
        { postprocess: { activation: 'sigmoid' } },
        'gives probabilities already',
      ],
      [graphOf('Identity'), { postprocess: { activation: 'softmax' } }, 'one output only: say sigmoid'],
      [
        graphOf('Identity'),
        { task: 'regression', postprocess: { activation: 'sigmoid' } },
        'the task is regression',
      ],
      [graphOf('Identity'), { postprocess: { activation: 'relu' } }, 'must be "softmax" or "sigmoid"'],
    ] as const)
      expect(await manifestRefusal(root, model, rest), problem).to.include(problem)
  })
})
