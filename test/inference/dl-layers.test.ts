import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { ModelError } from '../../src/api/errors.ts'
import { DlLayers } from '../../src/inference/scores/dl-layers.ts'
import type { DenseLayer } from '../../src/inference/engines/dense-network.ts'
import { activateRows, runLayers } from '../../src/inference/engines/dense-loops.ts'

const HIDDEN = ['relu', 'tanh', 'elu', 'maxout'] as const

/** Numbers between −1 and 1 from a small deterministic generator. */
function numbers(seed: number): (count: number) => Float64Array {
  let state = seed >>> 0
  return (count) =>
    Float64Array.from({ length: count }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      return state / 2 ** 31 - 1
    })
}

interface Shape {
  readonly seed: number
  readonly sizes: readonly number[]
  readonly hidden: (typeof HIDDEN)[number]
  readonly last: 'linear' | 'softmax'
}

function layersOf({ seed, sizes, hidden, last }: Shape): DenseLayer[] {
  const next = numbers(seed)
  return sizes.slice(1).map((units, i): DenseLayer => {
    const activation = i === sizes.length - 2 ? last : hidden
    const rows = activation === 'maxout' ? 2 * units : units
    return { activation, weights: next(sizes[i]! * rows), bias: next(rows) }
  })
}

/** Dense rows as sparse ones: every input is an entry. */
function sparse(dense: Float64Array, inputs: number) {
  const rows = dense.length / inputs
  const width = Math.ceil(inputs / 4) * 4
  const found = { width, columns: new Int32Array(rows * width), values: new Float64Array(rows * width) }
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < inputs; i++) {
      found.columns[row * width + i] = i
      found.values[row * width + i] = dense[row * inputs + i]!
    }
  }
  return found
}

const shape = fc.record({
  seed: fc.integer(),
  sizes: fc.array(fc.integer({ min: 1, max: 24 }), { minLength: 2, maxLength: 5 }),
  hidden: fc.constantFrom(...HIDDEN),
  last: fc.constantFrom('linear' as const, 'softmax' as const),
})

describe("an H2O network's layers", () => {
  it('give the same for few rows, in loops, as for many, in ONNX Runtime', async () => {
    await fc.assert(
      fc.asyncProperty(shape, async (given) => {
        const layers = layersOf(given)
        const inputs = given.sizes[0]!
        const rows = 20_001 // odd, and enough for ONNX Runtime whatever the sizes
        const input = numbers(given.seed + 1)(rows * inputs)
        const network = new DlLayers(layers)
        const many = await network.run(sparse(input, inputs), rows)
        const few = runLayers(layers, input.subarray(0, 3 * inputs), 3)
        expect(many.length).to.equal(rows * network.outputs)
        few.forEach((value, i) => expect(many[i]).to.be.closeTo(value, 1e-12))
        const tail = runLayers(layers, input.subarray((rows - 1) * inputs), 1)
        tail.forEach((value, i) => expect(many[(rows - 1) * network.outputs + i]).to.be.closeTo(value, 1e-12))
      }),
      { numRuns: 25 },
    )
  })

  it('give the same rows however a batch is cut', async () => {
    const layers = layersOf({ seed: 3, sizes: [6, 5, 4, 3], hidden: 'tanh', last: 'softmax' })
    const network = new DlLayers(layers)
    const input = numbers(9)(40 * 6)
    const whole = await network.run(sparse(input, 6), 40)
    for (let row = 0; row < 40; row++) {
      const alone = await network.run(sparse(input.subarray(row * 6, (row + 1) * 6), 6), 1)
      alone.forEach((value, k) => expect(value).to.be.closeTo(whole[row * 3 + k]!, 1e-15))
    }
  })

  it('give what genmodel does where numbers overflow, whatever the size of the batch', async () => {
    const layer = (activation: DenseLayer['activation'], weight: number): DenseLayer => ({
      activation,
      weights: Float64Array.of(weight),
      bias: Float64Array.of(0),
    })
    const network = new DlLayers([layer('relu', 10), layer('relu', -1), layer('linear', 1)])
    for (const rows of [1, 20_000]) {
      const input = new Float64Array(rows).fill(1)
      input[rows - 1] = 1e308
      // its rectifier is (x + |x|) / 2, which makes NaN of −∞
      expect((await network.run(sparse(input, 1), rows)).at(-1)).to.be.NaN
    }
    expect([...activateRows('maxout', Float64Array.of(NaN, 2, 2, NaN), 4)]).to.deep.equal([2, NaN])
  })

  it('are refused where there are none', () => {
    expect(() => new DlLayers([])).to.throw(ModelError)
  })
})
