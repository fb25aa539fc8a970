import type { CategoryColumn, Float64Column, ModelColumn } from '../../api/batch.ts'
import { ModelError } from '../../api/errors.ts'
import type { Scores } from '../../api/models.ts'
import type { TreeColumns } from '../engines/tree-ensemble.ts'
import type { Decision } from '../loaded-model.ts'
import { type Calibration, calibrate } from './calibration.ts'
import { predictMultinomial } from './multinomial-label.ts'

/** Class distributions before and after oversampling (`balance_classes`). */
export interface Balance {
  readonly prior: readonly number[]
  readonly model: readonly number[]
}

/** What every H2O classifier does with its probabilities. */
export interface Classes {
  readonly labels: readonly string[]
  readonly balance: Balance | null
  readonly prior: readonly number[] | null
  readonly calibration?: Calibration | null
}

export function valuesOf(column: ModelColumn): Float64Array | Int32Array {
  if (column.type === 'float64') return column.values
  if (column.type === 'category') return column.levels
  throw new ModelError('model.manifest', `A model reads numbers and categories, not a ${column.type} column.`)
}

export function float64(values: Float64Array): Float64Column {
  return { type: 'float64', values, present: new Uint8Array(values.length).fill(1) }
}

/**
 * Corrects the probabilities of oversampled classes, in place, and finds each row's label; the calibrated probabilities
 * are beside them, and decide nothing.
 */
export function classScores(
  { labels, balance, prior, calibration = null }: Classes,
  probabilities: readonly Float64Array[],
  { inputs, decision }: { inputs: TreeColumns; decision: Decision | null },
): Scores {
  if (balance !== null) correct(balance, probabilities)
  const levels = new Int32Array(probabilities[0]!.length)
  if (decision === null) predictMultinomial(probabilities, inputs, prior, levels)
  else decide(labels, probabilities, decision, levels)
  const scores = labelled(labels, probabilities, levels)
  if (calibration === null) return scores
  return { ...scores, calibrated: calibrate(calibration, probabilities).map(float64) }
}

export function labelled(
  labels: readonly string[],
  probabilities: readonly Float64Array[],
  levels: Int32Array,
): Scores {
  const prediction: CategoryColumn = { type: 'category', levels, domain: labels }
  return { prediction, outputs: probabilities.map(float64) }
}

/** Two classes: which of them each row gets. */
export function decide(
  labels: readonly string[],
  probabilities: readonly Float64Array[],
  { threshold, thresholdClass }: Decision,
  levels: Int32Array,
): void {
  const index = labels.indexOf(thresholdClass)
  const p = probabilities[index]!
  for (let r = 0; r < levels.length; r++) levels[r] = p[r]! >= threshold ? index : 1 - index
}

/** Back from oversampled classes to the prior: eq. 27 of King and Zeng, Logistic Regression in Rare Events Data. */
function correct({ prior, model }: Balance, classes: readonly Float64Array[]): void {
  for (let r = 0; r < classes[0]!.length; r++) {
    let sum = 0
    for (let k = 0; k < classes.length; k++) {
      const [before, after] = [prior[k]!, model[k]!]
      if (before !== 0 && after !== 0) classes[k]![r] = classes[k]![r]! * (before / after)
      sum += classes[k]![r]!
    }
    if (sum > 0) for (const p of classes) p[r] = p[r]! / sum
  }
}
