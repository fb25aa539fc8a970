import { expect } from 'chai'
import { describe, it } from 'mocha'
import { ModelError } from '../../src/api/errors.ts'
import {
  type Activation,
  ACTIVATIONS,
  type ActivationSettings,
} from '../../src/inference/engines/activations.ts'
import { createDenseNetwork } from '../../src/inference/engines/dense-network.ts'

const SELU = [1.0507009873554805, 1.6732632423543772] as const

/** What an activation is by its definition, one number at a time; those of whole rows are below. */
const DEFINITIONS: Readonly<Partial<Record<Activation, (x: number) => number>>> = {
  linear: (x) => x,
  relu: (x) => Math.max(x, 0),
  relu6: (x) => Math.min(Math.max(x, 0), 6),
  tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  elu: (x) => (x > 0 ? x : Math.expm1(x)),
  selu: (x) => SELU[0] * (x > 0 ? x : SELU[1] * Math.expm1(x)),
  'leaky-relu': (x) => (x > 0 ? x : 0.01 * x),
  softplus: (x) => Math.log1p(Math.exp(x)),
  softsign: (x) => x / (1 + Math.abs(x)),
  swish: (x) => x / (1 + Math.exp(-x)),
  'gelu-tanh': (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  'gelu-sigmoid': (x) => x / (1 + Math.exp(-1.702 * x)),
  'gelu-nd4j': (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + (0.044715 * x) ** 3))),
  exponential: Math.exp,
  'hard-sigmoid': (x) => Math.min(Math.max(0.2 * x + 0.5, 0), 1),
  'hard-tanh': (x) => Math.min(Math.max(x, -1), 1),
  cube: (x) => x ** 3,
  'rectified-tanh': (x) => Math.max(Math.tanh(x), 0),
  mish: (x) => x * Math.tanh(Math.log1p(Math.exp(x))),
  'log-sigmoid': (x) => -Math.log1p(Math.exp(-x)),
  'hard-swish': (x) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6,
  'hard-shrink': (x) => (Math.abs(x) > 0.5 ? x : 0),
  'soft-shrink': (x) => (x > 0.5 ? x - 0.5 : x < -0.5 ? x + 0.5 : 0),
  'tanh-shrink': (x) => x - Math.tanh(x),
  squareplus: (x) => (x + Math.sqrt(x * x + 4)) / 2,
  'sparse-plus': (x) => (x <= -1 ? 0 : x < 1 ? (x + 1) ** 2 / 4 : x),
  'sparse-sigmoid': (x) => (x <= -1 ? 0 : x < 1 ? (x + 1) / 2 : 1),
}

const WEIGHTS = Float64Array.from([1, 2, 3, 4, -1, -1, 0.5, -0.5])
const BIAS = Float64Array.from([0.1, 0.2, 0.3, 0.4])
const ROWS = Float64Array.from([1, -1, 0.3, 2])
/** The layer's sums for both rows, without an activation. */
const SUMS = [-0.9, -0.8, 0.3, 1.4, 4.4, 9.1, -2, -0.45]

async function run(
  activation: Activation,
  precision: 'FP64' | 'FP32',
  settings: ActivationSettings = {},
): Promise<number[]> {
  const layer = { weights: WEIGHTS, bias: BIAS, activation, ...settings }
  const network = await createDenseNetwork([layer], precision)
  return [...(await network.run(ROWS, 2))]
}

function largest(found: readonly number[], expected: readonly number[]): number {
  expect(found).to.have.length(expected.length)
  return Math.max(
    ...found.map((value, i) => Math.abs(value - expected[i]!) / Math.max(1, Math.abs(expected[i]!))),
  )
}

describe('a network of dense layers', () => {
  for (const [activation, definition] of Object.entries(DEFINITIONS)) {
    it(`computes ${activation} in double and in float`, async () => {
      const expected = SUMS.map(definition)
      expect(largest(await run(activation as Activation, 'FP64'), expected)).to.be.lessThan(1e-14)
      expect(largest(await run(activation as Activation, 'FP32'), expected)).to.be.lessThan(1e-6)
    })
  }

  it('computes relu with a slope, a threshold and a largest value, and max of a number', async () => {
    const settings = { alpha: 0.2, threshold: 0.25, limit: 4 }
    const expected = SUMS.map((x) => (x >= 0.25 ? Math.min(x, 4) : 0.2 * (x - 0.25)))
    expect(largest(await run('relu', 'FP64', settings), expected)).to.be.lessThan(1e-14)
    expect(largest(await run('relu', 'FP32', { ...settings, isOpen: true }), expected)).to.be.lessThan(1e-6)
    const most = SUMS.map((x) => Math.max(x, 0.5))
    expect(largest(await run('cut-off', 'FP64', { threshold: 0.5 }), most)).to.be.lessThan(1e-14)
  })

  it('computes softmax and its logarithm over each row', async () => {
    const expected = [0, 4].flatMap((start) => {
      const powers = SUMS.slice(start, start + 4).map(Math.exp)
      const sum = powers.reduce((a, b) => a + b)
      return powers.map((power) => power / sum)
    })
    expect(largest(await run('softmax', 'FP64'), expected)).to.be.lessThan(1e-15)
    expect(largest(await run('log-softmax', 'FP64'), expected.map(Math.log))).to.be.lessThan(1e-14)
  })

  it('computes maxout over pairs', async () => {
    expect(largest(await run('maxout', 'FP64'), [-0.8, 1.4, 9.1, -0.45])).to.be.lessThan(1e-14)
  })

  it("computes the exact gelu with float's digits", async () => {
    for (const precision of ['FP32', 'FP64'] as const) {
      // By tables of the error function: gelu(−2) and gelu(1.4).
      const found = await run('gelu', precision)
      expect(largest([found[6]!, found[3]!], [-0.04550026, 1.28694094])).to.be.lessThan(1e-6)
    }
  })

  it('has a test for every activation', () => {
    const tested = [
      ...Object.keys(DEFINITIONS),
      'softmax',
      'log-softmax',
      'maxout',
      'gelu',
      'rational-tanh',
      'cut-off',
    ]
    expect(ACTIVATIONS.filter((name) => !tested.includes(name))).to.deep.equal([])
  })

  it('feeds one layer into the next', async () => {
    const network = await createDenseNetwork(
      [
        { weights: WEIGHTS, bias: BIAS, activation: 'maxout' },
        { weights: Float64Array.of(1, 10), bias: Float64Array.of(0.5), activation: 'linear' },
      ],
      'FP64',
    )
    expect([network.inputs, network.outputs]).to.deep.equal([2, 1])
    expect(largest([...(await network.run(ROWS, 2))], [-0.8 + 14 + 0.5, 9.1 - 4.5 + 0.5])).to.be.lessThan(
      1e-13,
    )
  })

  it('is refused where the layers do not fit together', async () => {
    const layer = { weights: WEIGHTS, bias: BIAS, activation: 'linear' } as const
    const error = await createDenseNetwork([layer, layer], 'FP64').catch((e: unknown) => e)
    expect(error).to.be.instanceOf(ModelError).with.property('code', 'model.corrupt')
  })
})
