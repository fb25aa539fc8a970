import type { Float64Column } from '../../api/batch.ts'
import { ModelError } from '../../api/errors.ts'
import type { ModelTask, Scores } from '../../api/models.ts'
import type { OnnxTensor, OnnxValue } from '../engines/onnx-session.ts'
import type { Decision } from '../loaded-model.ts'
import type { Activation, Manifest } from '../manifest.ts'
import { classProbabilities, decideLabel, networkLabels } from '../network-labels.ts'
import { outputNames } from '../network-model.ts'
import type { OnnxFile } from './onnx-file.ts'

/** How the outputs of a graph become scores. */
export interface OnnxHead {
  readonly task: ModelTask
  readonly labels: readonly string[]
  readonly outputs: readonly string[]
  /** The graph's outputs that are fetched. */
  readonly fetched: readonly string[]
  /** Numbers per row of all fetched outputs. */
  readonly width: number
  /** Anomaly and vector: the outputs' numbers; classification: the labels' probabilities. */
  decide(columns: readonly Float64Column[], decision: Decision | null): Scores
}

const NUMERIC = ['float32', 'float64', 'int64', 'int32', 'uint8', 'int8', 'int16', 'bool']

/** Numbers per row of an output; null where the file does not say. */
function widthOf({ shape }: OnnxValue): number | null {
  const row = shape.slice(1)
  return row.every((size) => typeof size === 'number')
    ? row.reduce((product, size) => product * size, 1)
    : null
}

/**
 * Understands the outputs of a graph: a label and probabilities, as scikit-learn's classifiers give; probabilities alone,
 * which a Softmax or the manifest tell; else numbers. `trial` gives the widths that the file leaves open.
 */
export async function readOnnxHead(
  values: readonly OnnxValue[],
  file: OnnxFile,
  manifest: Manifest | null,
  trial: (names: readonly string[]) => Promise<readonly number[]>,
): Promise<OnnxHead> {
  const numeric = values.filter(({ type }) => type !== null && NUMERIC.includes(type))
  const floats = numeric.filter(({ type }) => type === 'float32' || type === 'float64')
  if (numeric.length === 0) {
    const found = values.map(({ name, type }) => `${name} (${type ?? 'no tensor'})`).join(', ')
    throw new ModelError('model.unsupported', `The ONNX model gives no numbers, but ${found}.`)
  }
  const measure = async (list: readonly OnnxValue[]): Promise<readonly number[]> => {
    const known = list.map(widthOf)
    return known.includes(null) ? trial(list.map(({ name }) => name)) : (known as number[])
  }
  const hasLabel = values.length > floats.length
  const widths = await measure(floats)
  const total = widths.reduce((sum, width) => sum + width, 0)
  const labels = total === 0 ? [] : classLabels(floats, { total, hasLabel }, file, manifest)
  if (labels.length > 0) return classifier(floats, total, labels, manifest?.postprocess?.activation)
  return numbers(numeric, await measure(numeric), manifest)
}

function classLabels(
  floats: readonly OnnxValue[],
  { hasLabel, total }: { hasLabel: boolean; total: number },
  file: OnnxFile,
  manifest: Manifest | null,
): readonly string[] {
  const last = floats.length === 1 ? file.activations.get(floats[0]?.name ?? '') : undefined
  // A label beside numbers: probabilities, unless the manifest knows that they are none yet.
  const isLabelled =
    hasLabel &&
    (file.labels !== null || (floats.length === 1 && manifest?.postprocess?.activation === undefined))
  const isClassifier = total > 1 && (isLabelled || last === 'softmax')
  const head = isClassifier ? 'probabilities' : last === 'sigmoid' ? 'sigmoid' : 'numbers'
  const labels = networkLabels({ width: total, head }, manifest)
  const isNamed = manifest?.postprocess?.labels !== undefined
  return !isNamed && labels.length > 0 && file.labels?.length === labels.length ? file.labels : labels
}

function classifier(
  floats: readonly OnnxValue[],
  width: number,
  labels: readonly string[],
  activation: Activation | undefined,
): OnnxHead {
  return {
    task: 'classification',
    labels,
    outputs: labels,
    fetched: floats.map(({ name }) => name),
    width,
    decide(columns, decision) {
      const classes = classProbabilities(columns, activation)
      return { prediction: decideLabel(classes, labels, decision), outputs: classes }
    },
  }
}

function numbers(
  values: readonly OnnxValue[],
  widths: readonly number[],
  manifest: Manifest | null,
): OnnxHead {
  const width = widths.reduce((sum, each) => sum + each, 0)
  const wanted = manifest?.task
  const task: ModelTask =
    wanted === 'anomaly' || wanted === 'vector' ? wanted : width === 1 ? 'regression' : 'vector'
  const own = values.flatMap(({ name }, i) =>
    widths[i] === 1 ? [name] : Array.from({ length: widths[i] ?? 0 }, (_, k) => `${name}${k}`),
  )
  const named = manifest?.signature?.outputs === undefined ? own : outputNames(width, manifest)
  return {
    task,
    labels: [],
    outputs: task === 'regression' ? [] : named,
    fetched: values.map(({ name }) => name),
    width,
    decide(columns) {
      const first = columns[0] ?? { type: 'float64', values: new Float64Array(0), present: new Uint8Array(0) }
      return { prediction: first, outputs: task === 'regression' ? [] : columns }
    },
  }
}

/** Copies the rows of fetched tensors into columns, starting at row `from`. Throws where a tensor has another size. */
export function collect(
  tensors: readonly OnnxTensor[],
  columns: readonly Float64Column[],
  { from, to, padded }: { from: number; to: number; padded: number },
): void {
  let k = 0
  for (const { data, dims } of tensors) {
    const width = data.length / padded
    if (!Number.isInteger(width) || k + width > columns.length) {
      throw new ModelError(
        'model.corrupt',
        `The ONNX model gives a tensor of [${dims.join(', ')}] for ${padded} rows.`,
      )
    }
    for (let i = 0; i < width; i++, k++) {
      const { values } = columns[k]!
      for (let row = from; row < to; row++) values[row] = Number(data[(row - from) * width + i])
    }
  }
  if (k !== columns.length)
    throw new ModelError('model.corrupt', `The ONNX model gives ${k} numbers for a row.`)
}
