import type { ModelColumn } from '../../api/batch.ts'
import type { Scores } from '../../api/models.ts'
import { decide, float64, labelled, valuesOf } from './class-scores.ts'
import type { Decision } from '../loaded-model.ts'

export const GLM_LINKS = ['identity', 'logit', 'log', 'inverse', 'tweedie'] as const
export type GlmLink = (typeof GLM_LINKS)[number]

/** A generalised linear model. Categories come first, then numbers. */
export interface Glm {
  readonly kind: 'regression' | 'binomial' | 'multinomial' | 'ordinal'
  readonly labels: readonly string[]
  readonly link: GlmLink
  readonly tweediePower: number
  /** Where each category's coefficients start, and where the last one's end. */
  readonly catOffsets: readonly number[]
  /** False: a category's first level has no coefficient. */
  readonly useAllLevels: boolean
  /** What stands for a missing value; null where nothing does, and the row gives NaN. */
  readonly imputed: { readonly modes: readonly number[]; readonly means: readonly number[] } | null
  readonly numbers: number
  /** Per class (one for regression and two classes): categories, numbers, intercept. */
  readonly beta: readonly (readonly number[])[]
  /** The last column is the offset; never with more than two unordered classes. */
  readonly hasOffset: boolean
  readonly decision: Decision | null
}

/**
 * Scores a batch as h2o-genmodel's GlmMojoModel, GlmMultinomialMojoModel and GlmOrdinalMojoModel. The linear predictors
 * are added in its order, so results differ by the last bits of `exp` only.
 */
export function scoreGlm(glm: Glm, columns: readonly ModelColumn[], length: number): Scores {
  const inputs = columns.map(valuesOf)
  const offset = glm.hasOffset ? inputs.pop() : undefined
  const etas = glm.beta.map((beta) => predictor(glm, beta, inputs, length))
  if (glm.kind === 'multinomial') return multinomial(glm, etas)
  if (offset !== undefined) for (const eta of etas) for (let r = 0; r < length; r++) eta[r]! += offset[r]!
  if (glm.kind === 'ordinal') return ordinal(glm, etas, length)
  const mu = etas[0]!.map((eta) => inverse(glm, eta))
  if (glm.kind === 'regression') return { prediction: float64(mu), outputs: [] }
  const probabilities = [mu.map((p) => 1 - p), mu]
  const levels = new Int32Array(length)
  if (glm.decision !== null) decide(glm.labels, probabilities, glm.decision, levels)
  return labelled(glm.labels, probabilities, levels)
}

/** Σ coefficients of a row's levels + Σ coefficient · number + intercept. */
function predictor(
  glm: Glm,
  beta: readonly number[],
  inputs: readonly (Float64Array | Int32Array)[],
  length: number,
): Float64Array {
  const cats = glm.catOffsets.length - 1
  const eta = new Float64Array(length)
  for (let c = 0; c < cats; c++) addLevels(glm, beta, c, inputs[c]!, eta)
  const first = glm.catOffsets[cats]!
  for (let n = 0; n < glm.numbers; n++) {
    const values = inputs[cats + n]!
    const coefficient = beta[first + n]!
    const mean = glm.imputed?.means[n] ?? NaN
    for (let r = 0; r < length; r++) {
      const x = values[r]!
      eta[r]! += coefficient * (Number.isNaN(x) ? mean : x)
    }
  }
  const intercept = beta.at(-1)!
  for (let r = 0; r < length; r++) eta[r]! += intercept
  return eta
}

function addLevels(
  glm: Glm,
  beta: readonly number[],
  c: number,
  levels: Float64Array | Int32Array,
  eta: Float64Array,
): void {
  const [start, end] = [glm.catOffsets[c]!, glm.catOffsets[c + 1]!]
  const skipped = glm.useAllLevels ? 0 : 1
  const mode = glm.imputed?.modes[c] ?? NaN
  for (let r = 0; r < eta.length; r++) {
    const level = levels[r]! < 0 ? mode : levels[r]!
    if (Number.isNaN(level)) eta[r] = NaN
    const at = start + level - skipped
    if (at >= start && at < end) eta[r]! += beta[at]!
  }
}

function inverse({ link, tweediePower }: Glm, eta: number): number {
  switch (link) {
    case 'logit':
      return 1 / (Math.exp(-eta) + 1)
    case 'log':
      return Math.exp(eta)
    case 'inverse':
      return 1 / (eta < 0 ? Math.min(-1e-5, eta) : Math.max(1e-5, eta))
    case 'tweedie':
      return tweediePower === 0 ? Math.max(2e-16, Math.exp(eta)) : eta ** (1 / tweediePower)
    default:
      return eta
  }
}

function multinomial({ labels }: Glm, etas: readonly Float64Array[]): Scores {
  const levels = new Int32Array(etas[0]!.length)
  for (let r = 0; r < levels.length; r++) {
    let max = 0 // not −∞: as genmodel has it
    for (const eta of etas) max = Math.max(max, eta[r]!)
    let sum = 0
    for (const eta of etas) sum += eta[r] = Math.exp(eta[r]! - max)
    const scale = 1 / sum
    for (const eta of etas) eta[r]! *= scale
    levels[r] = largest(etas, r)
  }
  return labelled(labels, etas, levels)
}

/** One predictor per class but the last: the distribution function up to it. */
function ordinal({ labels }: Glm, etas: readonly Float64Array[], length: number): Scores {
  const classes = [...etas, new Float64Array(length)]
  const levels = new Int32Array(length)
  for (let r = 0; r < length; r++) {
    let before = 0
    for (const eta of etas) {
      const upTo = 1 / (1 + Math.exp(-eta[r]!))
      eta[r] = upTo - before
      before = upTo
    }
    classes.at(-1)![r] = 1 - before
    levels[r] = largest(classes, r)
  }
  return labelled(labels, classes, levels)
}

/** The first of the largest. */
function largest(classes: readonly Float64Array[], row: number): number {
  let best = 0
  for (let k = 1; k < classes.length; k++) if (classes[k]![row]! > classes[best]![row]!) best = k
  return best
}
