import type { ModelColumn } from '../../api/batch.ts'
import type { Scores } from '../../api/models.ts'
import { type Classes, classScores, float64, valuesOf } from './class-scores.ts'
import type { TreeColumns, TreeEngine } from '../engines/tree-ensemble.ts'
import type { Decision } from '../loaded-model.ts'

export type { Balance } from './class-scores.ts'

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

/** What a GBM does with the sums of its trees. */
export interface GbmParameters extends Classes {
  /** `logistic`: the first sum gives the second class. `softmax`: one sum per class, or one for two classes. */
  readonly kind: 'logistic' | 'softmax' | 'regression'
  readonly link: Link
  readonly initF: number
  /** The last column is the offset. */
  readonly hasOffset: boolean
  /** Sums per row. */
  readonly outputs: number
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
 * last bits of `exp`. A row whose offset is missing gives NaN.
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
  return classScores(parameters, classes, { inputs, decision: gbm.decision })
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
