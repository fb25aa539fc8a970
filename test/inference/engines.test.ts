import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { binNumbers } from '../../src/inference/engines/binning.ts'
import { createTabulated } from '../../src/inference/engines/tabulated.ts'
import { type Feature, TreeBuilder, type TreeEnsemble } from '../../src/inference/engines/tree-ensemble.ts'
import { createWalk } from '../../src/inference/engines/walk.ts'
import { runs } from '../support/runs.ts'

/** A small deterministic generator: a counterexample is one seed. */
function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

interface Shape {
  readonly seed: number
  readonly features: readonly Feature[]
  readonly outputs: number
  readonly treesPerOutput: number
  readonly leaves: number
}

const SPECIAL = [0, -0, 1e30, -1e30, Infinity, -Infinity, NaN, 5e-324]

function thresholdFrom(next: () => number): number {
  if (next() < 0.1) return SPECIAL[Math.floor(next() * SPECIAL.length)]!
  // Few distinct values, so that trees share thresholds; floats, as in a file.
  return Math.fround(next() < 0.5 ? Math.floor(next() * 8) - 4 : next() * 1000)
}

function addTree(
  builder: TreeBuilder,
  features: readonly Feature[],
  leaves: number,
  next: () => number,
): void {
  if (leaves <= 1) {
    builder.leaf(Math.fround(next() - 0.5))
    return
  }
  const f = Math.floor(next() * features.length)
  const levels = features[f]!
  const left = 1 + Math.floor(next() * (leaves - 1))
  let split: number
  if (levels === 'numeric' || next() < 0.2) {
    split = builder.threshold(
      f,
      levels === 'numeric' ? thresholdFrom(next) : Math.floor(next() * levels),
      next() < 0.5,
    )
  } else {
    const size = Math.floor(next() * (levels + 9))
    const bytes = Uint8Array.from({ length: Math.ceil(size / 8) }, () => Math.floor(next() * 256))
    const isEmpty = next() < 0.2
    const set = {
      from: Math.floor(next() * 5),
      size,
      bytes: isEmpty ? null : bytes,
      isOutsideRight: next() < 0.5,
    }
    split = builder.levels(f, set, next() < 0.5)
  }
  addTree(builder, features, left, next)
  builder.rightOf(split)
  addTree(builder, features, leaves - left, next)
}

function ensembleOf({ seed, features, outputs, treesPerOutput, leaves }: Shape): TreeEnsemble {
  const next = random(seed)
  const builder = new TreeBuilder(features)
  for (let k = 0; k < outputs; k++) {
    builder.startOutput()
    for (let t = 0; t < treesPerOutput; t++) {
      builder.startTree()
      addTree(builder, features, 1 + Math.floor(next() * leaves), next)
    }
  }
  return builder.build()
}

function below(x: number): number {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, x)
  view.setBigInt64(0, view.getBigInt64(0) + (x > 0 ? -1n : 1n))
  return x === 0 ? -5e-324 : view.getFloat64(0)
}

/** Values at, just below and just above thresholds, far away, and missing; levels in and out of the domain. */
function columnsOf(e: TreeEnsemble, length: number, seed: number): (Float64Array | Int32Array)[] {
  const next = random(seed)
  const thresholds = [...e.value].filter((_, node) => e.feature[node]! >= 0)
  return e.features.map((levels) => {
    if (levels !== 'numeric') return Int32Array.from({ length }, () => Math.floor(next() * (levels + 4)) - 2)
    return Float64Array.from({ length }, () => {
      const threshold = thresholds[Math.floor(next() * thresholds.length)] ?? 0
      const near = [
        threshold,
        below(threshold),
        -below(-threshold),
        next() * 1000,
        SPECIAL[Math.floor(next() * 8)]!,
      ]
      return near[Math.floor(next() * near.length)]!
    })
  })
}

const feature = fc.oneof(fc.constant<Feature>('numeric'), fc.integer({ min: 1, max: 70 }))
const shape = fc.record({
  seed: fc.integer(),
  features: fc.array(feature, { minLength: 1, maxLength: 30 }),
  outputs: fc.integer({ min: 1, max: 3 }),
  treesPerOutput: fc.constantFrom(1, 2, 6, 90), // 90: more than one block of trees
  leaves: fc.constantFrom(1, 2, 8, 32, 33, 64, 100, 128),
})

describe('tabulated trees', () => {
  it('give the same sums as a walk, bit for bit, at and beside every threshold', () => {
    fc.assert(
      fc.property(shape, (given) => {
        const ensemble = ensembleOf(given)
        const tabulated = createTabulated(ensemble)
        if (tabulated === null) throw new Error('the ensemble was not tabulated')
        const length = 300 // more than one chunk
        const columns = columnsOf(ensemble, length, given.seed)
        const [walked, found] = [createWalk(ensemble), tabulated].map((engine) => {
          const sums = new Float64Array(length * given.outputs)
          engine.sum(columns, length, sums)
          return Buffer.from(sums.buffer)
        })
        expect(found!.equals(walked!)).to.equal(true)
      }),
      { numRuns: runs(50, 150) },
    )
  })

  it('give the same sums however a batch is cut', () => {
    const ensemble = ensembleOf({
      seed: 5,
      features: ['numeric', 9, 'numeric'],
      outputs: 2,
      treesPerOutput: 9,
      leaves: 32,
    })
    const tabulated = createTabulated(ensemble)!
    const columns = columnsOf(ensemble, 700, 5)
    const whole = new Float64Array(1400)
    tabulated.sum(columns, 700, whole)
    for (const [from, to] of [
      [0, 1],
      [1, 257],
      [257, 700],
    ] as const) {
      const part = new Float64Array((to - from) * 2)
      tabulated.sum(
        columns.map((column) => column.subarray(from, to)),
        to - from,
        part,
      )
      expect([...part.subarray(0, to - from)]).to.deep.equal([...whole.subarray(from, to)])
      expect([...part.subarray(to - from)]).to.deep.equal([...whole.subarray(700 + from, 700 + to)])
    }
  })

  it('leave ensembles of very many features to the walk', () => {
    const features = new Array<Feature>(200).fill('numeric')
    const wide = { seed: 1, features, outputs: 1, treesPerOutput: 40, leaves: 32 }
    expect(createTabulated(ensembleOf(wide))).to.equal(null)
  })

  it('leave trees with more leaves than the tables hold to the walk', () => {
    const deep = { seed: 1, features: ['numeric'] as const, outputs: 1, treesPerOutput: 40, leaves: 400 }
    expect(createTabulated(ensembleOf(deep))).to.equal(null)
  })
})

describe('the bins of a number', () => {
  it('count the thresholds at or below it, whatever the spacing', () => {
    const value = fc.oneof(
      fc.double({ noNaN: true }),
      fc.integer().map((n) => n / 8),
      fc.constantFrom(...SPECIAL),
    )
    fc.assert(
      fc.property(
        fc.uniqueArray(value, { comparator: (a, b) => a === b }),
        fc.array(value),
        (given, others) => {
          const thresholds = Float64Array.from(given.filter((x) => !Number.isNaN(x))).sort()
          const values = Float64Array.from([...given, ...others, ...given.map(below), NaN])
          const starts = new Int32Array(values.length)
          const binning = binNumbers(thresholds)
          binning.add(values, 0, { starts, at: 0, count: values.length, stride: 1 })
          const expected = [...values].map((x) =>
            Number.isNaN(x) ? binning.bins - 1 : thresholds.filter((threshold) => threshold <= x).length,
          )
          expect([...starts]).to.deep.equal(expected)
        },
      ),
      { numRuns: 500 },
    )
  })
})
