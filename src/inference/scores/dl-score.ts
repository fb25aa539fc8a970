import type { ModelColumn } from '../../api/batch.ts'
import type { Scores } from '../../api/models.ts'
import { type Classes, classScores, float64, valuesOf } from './class-scores.ts'
import { type DlInputs, expandRows } from './dl-input.ts'
import type { DlLayers } from './dl-layers.ts'
import type { TreeColumns } from '../engines/tree-ensemble.ts'
import type { Decision } from '../loaded-model.ts'

/** An H2O Deep Learning model. */
export interface Dl extends Classes {
  readonly kind: 'classification' | 'regression' | 'autoencoder'
  readonly inputs: DlInputs
  readonly layers: DlLayers
  /** Regression: response = output / mul + sub, then the inverse link. */
  readonly response: { readonly sub: number; readonly mul: number } | null
  readonly link: 'identity' | 'log'
  readonly decision: Decision | null
}

/** `autoencoder`'s columns. */
export const AUTOENCODER_OUTPUTS = ['reconstructionError'] as const

/** Scores a batch as h2o-genmodel's DeeplearningMojoModel. */
export async function scoreDl(dl: Dl, columns: readonly ModelColumn[], length: number): Promise<Scores> {
  const inputs = columns.map(valuesOf)
  const output = await dl.layers.run(expandRows(dl.inputs, inputs, length), length)
  if (dl.kind === 'classification') {
    const classes = dl.labels.map((_, k) => pick(output, k, dl.labels.length, length))
    return classScores(dl, classes, { inputs, decision: dl.decision })
  }
  if (dl.kind === 'regression') return regression(dl, output)
  const error = float64(reconstructionErrors(dl, inputs, output))
  return { prediction: error, outputs: [error] }
}

function pick(output: Float64Array, k: number, width: number, length: number): Float64Array {
  const column = new Float64Array(length)
  for (let r = 0, at = k; r < length; r++, at += width) column[r] = output[at]!
  return column
}

function regression({ response, link }: Dl, output: Float64Array): Scores {
  const values = output.map((y) => {
    const f = response === null ? y : y / response.mul + response.sub
    return link === 'log' ? Math.min(1e19, Math.exp(f)) : f
  })
  return { prediction: float64(values), outputs: [] }
}

/**
 * The mean over all expanded inputs of (reconstruction − original)², in standardised space, computed as genmodel does: by way
 * of the original scale. A missing number counts as the mean that the network was given in its place, where genmodel's
 * wrapper would give NaN.
 */
function reconstructionErrors(
  { inputs, layers }: Dl,
  columns: TreeColumns,
  output: Float64Array,
): Float64Array {
  const { catOffsets, numbers } = inputs
  const cats = catOffsets.length - 1
  const width = layers.outputs
  const errors = new Float64Array(output.length / width)
  for (let row = 0; row < errors.length; row++) {
    let at = row * width
    let sum = 0
    for (let c = 0; c < cats; c++) {
      const size = catOffsets[c + 1]! - catOffsets[c]!
      const level = columns[c]![row]! < 0 ? size - 1 : columns[c]![row]!
      for (let i = 0; i < size; i++) sum += (output[at++]! - (i === level ? 1 : 0)) ** 2
    }
    for (let n = 0; n < numbers; n++) sum += numberError(inputs, n, columns[cats + n]![row]!, output[at++]!)
    errors[row] = sum / width
  }
  return errors
}

function numberError({ standardization }: DlInputs, n: number, x: number, y: number): number {
  if (standardization === null) return (y - (Number.isNaN(x) ? 0 : x)) ** 2
  const [sub, mul] = [standardization.sub[n]!, standardization.mul[n]!]
  return ((y / mul + sub - (Number.isNaN(x) ? sub : x)) * mul) ** 2
}
