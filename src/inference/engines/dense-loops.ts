import type { DenseLayer } from './dense-network.ts'

/** The activations that the loops know: those of H2O's networks. */
type LoopActivation = 'linear' | 'relu' | 'tanh' | 'elu' | 'softmax' | 'maxout'

/** Layers computed in plain loops of doubles: for few rows, and what ONNX Runtime's results are checked against. */
export function runLayers(layers: readonly DenseLayer[], input: Float64Array, rows: number): Float64Array {
  let values = input
  for (const layer of layers) {
    const sums = new Float64Array(rows * layer.bias.length)
    const inputs = layer.weights.length / layer.bias.length
    let row = 0
    for (; row + 1 < rows; row += 2) twoRows(layer, inputs, { values, row, sums })
    if (row < rows) oneRow(layer, inputs, { values, row, sums })
    values = activateRows(layer.activation as LoopActivation, sums, layer.bias.length)
  }
  return values
}

interface Rows {
  readonly values: Float64Array
  readonly row: number
  readonly sums: Float64Array
}

/** Two rows and two outputs at a time: each number that is loaded is used twice. */
function twoRows({ weights, bias }: DenseLayer, inputs: number, { values, row, sums }: Rows): void {
  const outputs = bias.length
  const [a, b] = [row * inputs, (row + 1) * inputs]
  let k = 0
  for (; k + 1 < outputs; k += 2) {
    const [w, v] = [k * inputs, (k + 1) * inputs]
    let [aw, av, bw, bv] = [0, 0, 0, 0]
    for (let i = 0; i < inputs; i++) {
      const [x, y] = [values[a + i]!, values[b + i]!]
      const [p, q] = [weights[w + i]!, weights[v + i]!]
      aw += x * p
      av += x * q
      bw += y * p
      bv += y * q
    }
    const at = row * outputs + k
    sums[at] = aw + bias[k]!
    sums[at + 1] = av + bias[k + 1]!
    sums[at + outputs] = bw + bias[k]!
    sums[at + outputs + 1] = bv + bias[k + 1]!
  }
  if (k === outputs) return
  for (const each of [row, row + 1])
    sums[each * outputs + k] = dot(weights, k * inputs, values, each, inputs) + bias[k]!
}

function oneRow({ weights, bias }: DenseLayer, inputs: number, { values, row, sums }: Rows): void {
  for (let k = 0; k < bias.length; k++) {
    sums[row * bias.length + k] = dot(weights, k * inputs, values, row, inputs) + bias[k]!
  }
}

function dot(
  weights: Float32Array | Float64Array,
  at: number,
  values: Float64Array,
  row: number,
  inputs: number,
): number {
  let sum = 0
  for (let i = 0, x = row * inputs; i < inputs; i++, x++) sum += weights[at + i]! * values[x]!
  return sum
}

/** Applies an activation in place; maxout halves the width. */
export function activateRows(activation: LoopActivation, values: Float64Array, width: number): Float64Array {
  switch (activation) {
    case 'relu': // as genmodel has it: −∞ gives NaN
      for (let i = 0; i < values.length; i++) values[i] = 0.5 * (values[i]! + Math.abs(values[i]!))
      return values
    case 'tanh': // as genmodel has it
      for (let i = 0; i < values.length; i++) values[i] = 1 - 2 / (1 + Math.exp(2 * values[i]!))
      return values
    case 'elu':
      for (let i = 0; i < values.length; i++) if (values[i]! < 0) values[i] = Math.exp(values[i]!) - 1
      return values
    case 'softmax':
      for (let at = 0; at < values.length; at += width) softmax(values.subarray(at, at + width))
      return values
    case 'maxout': // as genmodel has it: of NaN and a number, the second one
      return Float64Array.from({ length: values.length / 2 }, (_, i) => {
        const [a, b] = [values[2 * i]!, values[2 * i + 1]!]
        return a > b ? a : b
      })
    case 'linear':
      return values
  }
}

function softmax(values: Float64Array): void {
  let max = values[0]!
  for (let i = 1; i < values.length; i++) max = Math.max(max, values[i]!)
  let sum = 0
  for (let i = 0; i < values.length; i++) sum += values[i] = Math.exp(values[i]! - max)
  for (let i = 0; i < values.length; i++) values[i]! /= sum
}
