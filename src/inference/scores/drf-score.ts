import type { ModelColumn } from '../../api/batch.ts'
import type { Scores } from '../../api/models.ts'
import { type Classes, classScores, float64, valuesOf } from './class-scores.ts'
import type { TreeEngine } from '../engines/tree-ensemble.ts'
import type { Decision } from '../loaded-model.ts'

/** A random forest; without labels a regression. */
export interface Drf extends Classes {
  readonly engine: TreeEngine
  /** Sums per row. */
  readonly outputs: number
  /** Trees per sum. */
  readonly trees: number
  readonly decision: Decision | null
}

/**
 * Scores a batch as h2o-genmodel's DrfMojoModel: the mean of the trees, which for two classes with one tree each round is
 * the probability of the first; else the shares of the sums of the classes.
 */
export function scoreDrf(drf: Drf, columns: readonly ModelColumn[], length: number): Scores {
  const { engine, outputs, labels, trees } = drf
  const inputs = columns.map(valuesOf)
  const sums = new Float64Array(outputs * length)
  engine.sum(inputs, length, sums)
  if (labels.length === 0) {
    for (let r = 0; r < length; r++) sums[r] = sums[r]! / trees
    return { prediction: float64(sums), outputs: [] }
  }
  const classes = labels.map((_, k) =>
    k < outputs ? sums.subarray(k * length, (k + 1) * length) : new Float64Array(length),
  )
  if (outputs === 1) firstOfTwo(classes, trees)
  else shares(classes)
  return classScores(drf, classes, { inputs, decision: drf.decision })
}

function firstOfTwo([first, second]: readonly Float64Array[], trees: number): void {
  for (let r = 0; r < first!.length; r++) {
    first![r] = first![r]! / trees
    second![r] = 1 - first![r]!
  }
}

function shares(classes: readonly Float64Array[]): void {
  for (let r = 0; r < classes[0]!.length; r++) {
    let sum = 0
    for (const p of classes) sum += p[r]!
    if (sum > 0) for (const p of classes) p[r] = p[r]! / sum
  }
}
