import type { CategoryColumn, Float64Column, ModelColumn } from '../api/batch.ts'
import { ModelError } from '../api/errors.ts'
import type { Scores } from '../api/models.ts'
import type { TreeColumns, TreeEngine } from './engines/tree-ensemble.ts'
import type { Decision } from './loaded-model.ts'
import { predictMultinomial } from './multinomial-label.ts'

export const LINKS = [
  'log',
  'logit',
  'ologit',
  'ologlog',
  'oprobit',
  'inverse',
  'identity',
  'tweedie',
] as const
export type Link = (typeof LINKS)[number]

/** Class distributions before and after oversampling (`balance_classes`). */
export interface Balance {
  readonly prior: readonly number[]
  readonly model: readonly number[]
}

/** What a GBM does with the sums of its trees. */
export interface GbmParameters {
  /** `logistic`: the first sum gives the second class. `softmax`: one sum per class, or one for two classes. */
  readonly kind: 'logistic' | 'softmax' | 'regression'
  readonly link: Link
  readonly labels: readonly string[]
  readonly initF: number
  /** The last column is the offset. */
  readonly hasOffset: boolean
  /** Sums per row. */
  readonly outputs: number
  readonly balance: Balance | null
  readonly prior: readonly number[] | null
}

export interface Gbm {
  readonly parameters: GbmParameters
  readonly engine: TreeEngine
  readonly decision: Decision | null
}

/** As H2O sanitises it. */
function exp(x: number): number {
  return Math.min(1e19, Math.exp(x))
}

/** From the scale of the sums to that of the response; case by case as in h2o-genmodel's GbmMojoModel. */
function inverseLink(link: Link, f: number): number {
  switch (link) {
    case 'log':
      return exp(f)
    case 'logit':
    case 'ologit':
      return 1 / (1 + exp(-f))
    case 'ologlog':
      return 1 - exp(-exp(f))
    case 'oprobit':
      return 0
    case 'inverse':
      return 1 / (f < 0 ? Math.min(-1e-5, f) : Math.max(-1e-5, f))
    default:
      return f
  }
}

/**
 * Scores a batch. Doubles are added and divided in h2o-genmodel's order, so results differ from it by no more than the
 * last bits of `exp`. Classes come as probabilities, uncalibrated; a row whose offset is missing gives NaN.
 */
export function scoreGbm(gbm: Gbm, columns: readonly ModelColumn[], length: number): Scores {
  const { parameters, engine } = gbm
  const inputs = columns.map(valuesOf)
  const offset = parameters.hasOffset ? inputs.pop() : undefined
  const sums = new Float64Array(parameters.outputs * length)
  engine.sum(inputs, length, sums)
  if (parameters.kind === 'regression') return regression(parameters, sums.subarray(0, length), offset)
  const classes = parameters.labels.map((_, k) =>
    k < parameters.outputs ? sums.subarray(k * length, (k + 1) * length) : new Float64Array(length),
  )
  if (parameters.kind === 'logistic') logistic(parameters, classes, offset)
  else softmax(parameters, classes, offset)
  if (parameters.balance !== null) correct(parameters.balance, classes)
  const levels = decide(gbm, classes, inputs)
  return {
    prediction: { type: 'category', levels, domain: parameters.labels } satisfies CategoryColumn,
    outputs: classes.map(float64),
  }
}

function valuesOf(column: ModelColumn): Float64Array | Int32Array {
  if (column.type === 'float64') return column.values
  if (column.type === 'category') return column.levels
  throw new ModelError('model.manifest', `A model reads numbers and categories, not a ${column.type} column.`)
}

function float64(values: Float64Array): Float64Column {
  return { type: 'float64', values, present: new Uint8Array(values.length).fill(1) }
}

function regression(p: GbmParameters, f: Float64Array, offset: TreeColumns[number] | undefined): Scores {
  for (let r = 0; r < f.length; r++) f[r] = inverseLink(p.link, f[r]! + p.initF + (offset?.[r] ?? 0))
  return { prediction: float64(f), outputs: [] }
}

function logistic(
  p: GbmParameters,
  [first, second]: Float64Array[],
  offset: TreeColumns[number] | undefined,
): void {
  for (let r = 0; r < first!.length; r++) {
    second![r] = inverseLink(p.link, first![r]! + p.initF + (offset?.[r] ?? 0))
    first![r] = 1 - second![r]!
  }
}

function softmax(p: GbmParameters, classes: Float64Array[], offset: TreeColumns[number] | undefined): void {
  const [first, second] = classes
  for (let r = 0; r < first!.length; r++) {
    if (classes.length === 2) {
      first![r] = first![r]! + (p.initF + (offset?.[r] ?? 0))
      second![r] = -first![r]!
    }
    let max = -Infinity
    for (const f of classes) max = Math.max(max, f[r]!)
    let sum = 0
    for (const f of classes) sum += f[r] = Math.exp(f[r]! - max)
    for (const f of classes) f[r] = f[r]! / sum
  }
}

/** Back from oversampled classes to the prior: eq. 27 of King and Zeng, Logistic Regression in Rare Events Data. */
function correct({ prior, model }: Balance, classes: Float64Array[]): void {
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

function decide({ parameters, decision }: Gbm, classes: Float64Array[], inputs: TreeColumns): Int32Array {
  const levels = new Int32Array(classes[0]!.length)
  if (decision === null) return predictMultinomial(classes, inputs, parameters.prior, levels)
  const index = parameters.labels.indexOf(decision.thresholdClass)
  const p = classes[index]!
  for (let r = 0; r < levels.length; r++) levels[r] = p[r]! >= decision.threshold ? index : 1 - index
  return levels
}
