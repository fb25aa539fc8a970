import type { Float64Column } from '../../../api/batch.ts'
import { ModelError } from '../../../api/errors.ts'
import type { ModelTask, OutputType, Scores } from '../../../api/models.ts'
import type { OnnxTensor, OnnxValue } from '../../engines/onnx-session.ts'
import type { Decision } from '../../loaded-model.ts'
import type { Activation, Manifest } from '../../manifest/manifest.ts'
import { classProbabilities, decideLabel, networkLabels } from '../../scores/network-labels.ts'
import { outputNames, refuseWide } from '../../scores/network-model.ts'
import type { OnnxFile } from './onnx-file.ts'
import { isLong, isNumeric, type Slice } from './onnx-inputs.ts'

/** Rows of a graph's outputs: its numbers, and what it says the label is, as a place in its list of classes or -1. */
export interface OnnxRows {
  readonly columns: readonly Float64Column[]
  readonly levels: Int32Array | null
}

/** How the outputs of a graph become scores. */
export interface OnnxHead {
  readonly task: ModelTask
  readonly labels: readonly string[]
  readonly outputs: readonly string[]
  /** The graph's outputs that are fetched for their numbers. */
  readonly fetched: readonly string[]
  /** The output that is fetched for the label, after the others. */
  readonly label: { readonly name: string; levelOf(value: unknown): number } | null
  /** Numbers per row of all fetched outputs. */
  readonly width: number
  /** What each of them is; empty where all are FP64. */
  readonly types: readonly OutputType[]
  /** Anomaly and vector: the outputs' numbers; classification: the labels' probabilities. */
  decide(rows: OnnxRows, decision: Decision | null): Scores
}

/** Understands numbers and labels that a graph gives, by `widths`: numbers per row of each output. */
export interface OnnxOutputs {
  readonly values: readonly OnnxValue[]
  readonly widths: ReadonlyMap<string, number>
}

/** Outputs that are fetched to see their widths. */
export function readableOutputs(values: readonly OnnxValue[]): readonly OnnxValue[] {
  if (values.some(({ type }) => isNumeric(type)))
    return values.filter(({ type }) => isNumeric(type) || type === 'string')
  const found = values.map(({ name, type }) => `${name} (${type ?? 'no tensor'})`).join(', ')
  throw new ModelError(
    'model.unsupported',
    `The ONNX model gives no numbers, but ${found}. Export it with its numbers or probabilities as a tensor.`,
  )
}

/**
 * Understands the outputs of a graph: a label and probabilities, as scikit-learn's classifiers give; probabilities alone,
 * which a Softmax or the manifest tell; else numbers.
 */
export function readOnnxHead(
  { values, widths }: OnnxOutputs,
  file: OnnxFile,
  manifest: Manifest | null,
): OnnxHead {
  refuseWide(
    'gives',
    values.reduce((sum, { name }) => sum + (widths.get(name) ?? 0), 0),
  )
  const floats = values.filter(({ type }) => type?.startsWith('float') === true)
  const total = floats.reduce((sum, { name }) => sum + (widths.get(name) ?? 0), 0)
  const label = values.find(
    (each) => !floats.includes(each) && each.type !== 'bool' && widths.get(each.name) === 1,
  )
  const hasLabel = label !== undefined
  const labels = total === 0 ? [] : classLabels(floats, { total, hasLabel }, file, manifest)
  if (labels.length === 0) return numbers(values, widths, manifest)
  const activation = manifest?.postprocess?.activation
  return {
    task: 'classification',
    labels,
    outputs: labels,
    fetched: floats.map(({ name }) => name),
    label: label === undefined ? null : labelOf(label.name, labels, file),
    width: total,
    types: [],
    decide: (rows, decision) => classify(rows, labels, decision, activation),
  }
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

/** The graph's own label, which need not be that of the largest number; null where it cannot be told which class it is. */
function labelOf(name: string, labels: readonly string[], file: OnnxFile): OnnxHead['label'] {
  const own = file.labels?.length === labels.length ? file.labels : null
  if (own === null && !file.places.has(name)) return null
  const places = new Map((own ?? labels.map((_, i) => String(i))).map((each, i) => [each, i]))
  return { name, levelOf: (value) => places.get(String(value)) ?? -1 }
}

function classify(
  { columns, levels }: OnnxRows,
  labels: readonly string[],
  decision: Decision | null,
  activation: Activation | undefined,
): Scores {
  const classes = classProbabilities(columns, activation)
  const prediction = decideLabel(classes, labels, decision)
  if (levels === null || decision !== null) return { prediction, outputs: classes }
  const own = prediction.levels.map((level, row) => (levels[row]! < 0 ? level : levels[row]!))
  return { prediction: { ...prediction, levels: own }, outputs: classes }
}

function numbers(
  all: readonly OnnxValue[],
  widths: ReadonlyMap<string, number>,
  manifest: Manifest | null,
): OnnxHead {
  const values = all.filter(({ type }) => isNumeric(type))
  const width = values.reduce((sum, { name }) => sum + (widths.get(name) ?? 0), 0)
  const wanted = manifest?.task
  const task: ModelTask =
    wanted === 'anomaly' || wanted === 'vector' ? wanted : width === 1 ? 'regression' : 'vector'
  const own = values.flatMap(({ name }) =>
    widths.get(name) === 1 ? [name] : Array.from({ length: widths.get(name) ?? 0 }, (_, k) => `${name}${k}`),
  )
  const named = manifest?.signature?.outputs === undefined ? own : outputNames(width, manifest)
  return {
    task,
    labels: [],
    outputs: task === 'regression' ? [] : named,
    fetched: values.map(({ name }) => name),
    label: null,
    width,
    types: values.flatMap(({ name, type }) =>
      new Array<OutputType>(widths.get(name) ?? 0).fill(isLong(type) ? 'INT64' : 'FP64'),
    ),
    decide({ columns }) {
      const first = columns[0] ?? { type: 'float64', values: new Float64Array(0), present: new Uint8Array(0) }
      return { prediction: first, outputs: task === 'regression' ? [] : columns }
    },
  }
}

/**
 * Copies the rows of fetched tensors into columns, starting at row `from`, and the labels after them. Copies nothing and
 * is false where a tensor has another size: a graph may give numbers for all rows together.
 */
export function collect(
  tensors: readonly OnnxTensor[],
  { columns, levels }: OnnxRows,
  {
    from,
    to,
    padded,
    levelOf,
    tooLarge,
  }: Slice & {
    levelOf: (value: unknown) => number
    tooLarge: (row: number, what: string) => void
  },
): boolean {
  const fits = tensors.every(
    ({ data, dims }) => (padded === 1 || dims[0] === padded) && data.length % padded === 0,
  )
  const widths = tensors.map(({ data }) => data.length / padded)
  const width = widths.reduce((sum, each) => sum + each, 0)
  if (!fits || width !== columns.length + Number(levels !== null)) return false
  let k = 0
  tensors.forEach(({ data }, t) => {
    const own = widths[t]!
    for (let i = 0; i < own; i++, k++) {
      const column = columns[k]
      for (let row = from; row < to; row++) {
        const value = data[(row - from) * own + i]
        if (column !== undefined) {
          column.values[row] = Number(value)
          if (column.exact === undefined || typeof value !== 'bigint') continue
          column.exact[row] = value
          if (column.exact[row] !== value)
            tooLarge(row, `its output is the UINT64 ${value}, which is beyond INT64`)
        } else if (levels !== null) levels[row] = levelOf(value)
      }
    }
  })
  return true
}
