import type { ModelColumn } from '../../../api/batch.ts'
import type { Scores } from '../../../api/models.ts'
import { type Classes, classScores, float64, valuesOf } from '../../scores/class-scores.ts'
import type { Decision } from '../../loaded-model.ts'

export type PojoActivation = 'rectifier' | 'tanh' | 'maxout' | 'none'

export interface PojoLayer {
  readonly inputs: number
  readonly outputs: number
  /** Row by row: one row of `inputs` per output; maxout has two channels per weight, side by side. */
  readonly weights: Float64Array
  readonly biases: Float64Array
  readonly activation: PojoActivation
  /** What the outputs are multiplied by after the activation (dropout). */
  readonly scale: number
}

/** How a row becomes the input units: the categories first, then the numbers. */
export interface PojoUnits {
  /** Where each category's units start, and at last where the numbers do. */
  readonly offsets: readonly number[]
  /**
   * What level 0 sets: a unit of its own or, without use_all_factor_levels, none. H2O 3.16 to 3.22 set the very first
   * unit instead, whose it is or not.
   */
  readonly firstLevel: 'own' | 'none' | 'first'
  /** A missing category: its last unit, or none at all (H2O 3.10). */
  readonly missing: 'last' | 'none'
  readonly numbers: number
  /** Null where numbers are not standardised. */
  readonly subtract: Float64Array | null
  readonly multiply: Float64Array | null
}

export interface PojoNetwork {
  readonly units: PojoUnits
  readonly layers: readonly PojoLayer[]
  /** Null for an autoencoder. */
  readonly classes: Classes | null
  /** Regression: from the output unit to the prediction. */
  readonly response: (output: number) => number
}

/**
 * Scores rows one after the other, in double, adding in the order of the POJO's own loops, so that only `exp` can
 * differ from it. Anomaly: the mean squared error over all input units.
 */
export function scorePojoNetwork(
  network: PojoNetwork,
  columns: readonly ModelColumn[],
  { length, decision }: { length: number; decision: Decision | null },
): Scores {
  const inputs = columns.map(valuesOf)
  const { layers, classes, units } = network
  const activations = [layers[0]!.inputs, ...layers.map(({ outputs }) => outputs)].map(
    (size) => new Float64Array(size),
  )
  const [first, last] = [activations[0]!, activations.at(-1)!]
  const width = classes === null ? 1 : Math.max(1, classes.labels.length)
  const results = Array.from({ length: width }, () => new Float64Array(length))
  for (let row = 0; row < length; row++) {
    fillUnits(units, inputs, { row, into: first })
    layers.forEach((layer, i) => forward(layer, activations[i]!, activations[i + 1]!))
    if (classes === null) results[0]![row] = meanSquaredError(first, last)
    else if (classes.labels.length === 0) results[0]![row] = network.response(last[0]!)
    else softmax(last, results, row)
  }
  if (classes === null) return { prediction: float64(results[0]!), outputs: [float64(results[0]!)] }
  if (classes.labels.length === 0) return { prediction: float64(results[0]!), outputs: [] }
  return classScores(classes, results, { inputs, decision })
}

function fillUnits(
  { offsets, missing, firstLevel, numbers, subtract, multiply }: PojoUnits,
  inputs: readonly (Float64Array | Int32Array)[],
  { row, into }: { row: number; into: Float64Array },
): void {
  into.fill(0)
  const categories = offsets.length - 1
  for (let i = 0; i < categories; i++) {
    const level = inputs[i]![row]!
    if (level < 0) {
      if (missing === 'last') into[offsets[i + 1]! - 1] = 1
    } else if (firstLevel === 'own') into[offsets[i]! + level] = 1
    else if (level > 0) into[offsets[i]! + level - 1] = 1
    else if (firstLevel === 'first') into[0] = 1
  }
  for (let i = 0; i < numbers; i++) {
    const value = inputs[categories + i]![row]!
    const scaled = subtract === null || multiply === null ? value : (value - subtract[i]!) * multiply[i]!
    into[offsets[categories]! + i] = Number.isNaN(scaled) ? 0 : scaled
  }
}

function forward(layer: PojoLayer, x: Float64Array, result: Float64Array): void {
  if (layer.activation === 'maxout') maxout(layer, x, result)
  else multiply(layer, x, result)
  for (let r = 0; r < result.length; r++) {
    if (layer.activation === 'rectifier') result[r] = Math.max(0, result[r]!)
    else if (layer.activation === 'tanh') result[r] = 1 - 2 / (1 + Math.exp(2 * result[r]!))
    if (layer.scale !== 1) result[r]! *= layer.scale
  }
}

/** In the order of H2O's unrolled loop: eight sums side by side, then the rest one by one. */
function multiply({ inputs, weights: a, biases }: PojoLayer, x: Float64Array, result: Float64Array): void {
  const even = inputs - (inputs % 8)
  for (let r = 0; r < result.length; r++) {
    const at = r * inputs
    let [s0, s1, s2, s3, s4, s5, s6, s7] = [0, 0, 0, 0, 0, 0, 0, 0]
    for (let c = 0; c < even; c += 8) {
      const i = at + c
      s0 += a[i]! * x[c]!
      s1 += a[i + 1]! * x[c + 1]!
      s2 += a[i + 2]! * x[c + 2]!
      s3 += a[i + 3]! * x[c + 3]!
      s4 += a[i + 4]! * x[c + 4]!
      s5 += a[i + 5]! * x[c + 5]!
      s6 += a[i + 6]! * x[c + 6]!
      s7 += a[i + 7]! * x[c + 7]!
    }
    let sum = s0 + s1 + s2 + s3
    sum += s4 + s5 + s6 + s7
    for (let c = even; c < inputs; c++) sum += a[at + c]! * x[c]!
    result[r] = sum + biases[r]!
  }
}

function maxout({ inputs, weights, biases }: PojoLayer, x: Float64Array, result: Float64Array): void {
  for (let r = 0; r < result.length; r++) {
    let [first, second] = [0, 0]
    for (let c = 0; c < inputs; c++) {
      const at = 2 * (r * inputs + c)
      first += weights[at]! * x[c]!
      second += weights[at + 1]! * x[c]!
    }
    first += biases[2 * r]!
    second += biases[2 * r + 1]!
    result[r] = second > first ? second : first
  }
}

function softmax(last: Float64Array, results: readonly Float64Array[], row: number): void {
  let max = last[0]!
  for (const value of last) if (value > max) max = value
  let sum = 0
  for (let k = 0; k < last.length; k++) sum += last[k] = Math.exp(last[k]! - max)
  for (let k = 0; k < last.length; k++) results[k]![row] = last[k]! / sum
}

function meanSquaredError(input: Float64Array, output: Float64Array): number {
  let sum = 0
  for (let i = 0; i < input.length; i++) sum += (output[i]! - input[i]!) * (output[i]! - input[i]!)
  return sum / input.length
}
