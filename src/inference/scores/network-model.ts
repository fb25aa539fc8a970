import type { Float64Column, ModelColumn } from '../../api/batch.ts'
import { ModelError } from '../../api/errors.ts'
import type { ModelInput, ModelTask, Scores } from '../../api/models.ts'
import type { Decision, LoadedModel } from '../loaded-model.ts'
import { type Activation, fitsDatatype, type Manifest, type ManifestTensor } from '../manifest/manifest.ts'
import {
  classProbabilities,
  decideLabel,
  type Head,
  networkDecision,
  networkLabels,
} from './network-labels.ts'

type Numbers = Float32Array | Float64Array

/** A network of one numeric input per row and some numeric outputs. */
export interface Network {
  /** Of one row; a single size where a row is a vector. */
  readonly inputShape: readonly number[]
  /** The name of the input tensor, where a row is more than a vector. */
  readonly inputName: string
  readonly precision: 'FP32' | 'FP64'
  /** How many numbers it gives per row. */
  readonly width: number
  readonly head: Head
  /** Takes `rows` rows one after the other; gives `width` numbers for each. */
  run(input: Numbers, rows: number): Promise<Numbers>
}

export interface NetworkFacts {
  readonly format: string
  readonly formatVersion: string
  readonly algorithm: string
  readonly facts: LoadedModel['facts']
}

/** More columns than a record has, and more numbers than an image has. */
const MOST_COLUMNS = 2 ** 17
const MOST_CELLS = 2 ** 24

/** Refuses a row that a file of a few bytes may claim, before anything of that size is made. */
export function refuseWide(what: 'takes' | 'gives', count: number, isTensor = false): void {
  const most = isTensor ? MOST_CELLS : MOST_COLUMNS
  if (count <= most) return
  const message = `The model ${what} ${count} numbers a row; at most ${most} are supported. Export it with fewer.`
  throw new ModelError('model.unsupported', message)
}

/** Rows that are given to the engine at once hold at most so many numbers. */
const MOST_NUMBERS = 2 ** 22

/**
 * Makes a model of a network whose file names neither columns nor labels: both come from the manifest, else columns are
 * f0, f1 … and labels class0, class1 …. Throws `model.manifest` where the manifest does not fit.
 */
export function networkModel(network: Network, what: NetworkFacts, manifest: Manifest | null): LoadedModel {
  const size = network.inputShape.reduce((product, each) => product * each, 1)
  refuseWide('takes', size, network.inputShape.length > 1)
  refuseWide('gives', network.width)
  checkTensor('inputs', manifest?.inputs, network.precision, network.inputShape)
  checkTensor('outputs', manifest?.outputs, network.precision, [network.width])
  const labels = networkLabels(network, manifest)
  const activation = manifest?.postprocess?.activation
  const task: ModelTask = labels.length > 0 ? 'classification' : network.width === 1 ? 'regression' : 'vector'
  const names = outputNames(network.width, manifest)
  return {
    ...what,
    task,
    labels,
    outputs: task === 'classification' ? labels : task === 'regression' ? [] : names,
    decision: networkDecision(network.width, labels),
    inputs: networkInputs(network, manifest),
    namesColumns: false,
    facts: { ...what.facts, precision: network.precision },
    score: (columns, length, decision) =>
      scoreNetwork({ network, task, labels, activation, decision }, columns, length),
  }
}

/** Holds the one tensor that a manifest declares against the network; the file has no names of its own. */
function checkTensor(
  key: 'inputs' | 'outputs',
  declared: readonly ManifestTensor[] | undefined,
  precision: string,
  shape: readonly number[],
): void {
  if (declared === undefined) return
  const [tensor] = declared
  const fits =
    declared.length === 1 &&
    tensor !== undefined &&
    fitsDatatype(tensor.datatype, precision) &&
    tensor.shape.join() === [-1, ...shape].join()
  if (fits) return
  const said = declared.map((each) => `${each.datatype}[${each.shape.join(',')}]`).join(', ')
  const what = `${key}: says ${said}, but the model has ${precision}[${[-1, ...shape].join(',')}]`
  throw new ModelError('model.manifest', `${what}. Correct the manifest.`)
}

function networkInputs(network: Network, manifest: Manifest | null): readonly ModelInput[] {
  const { inputShape, inputName, precision } = network
  const width = inputShape[0] ?? 1
  if (inputShape.length > 1)
    return [{ name: inputName, type: 'tensor', shape: inputShape, datatype: precision, required: true }]
  const declared = manifest?.signature?.inputs
  if (declared === undefined) {
    return Array.from({ length: width }, (_, i) => ({ name: `f${i}`, type: 'numeric', required: true }))
  }
  if (declared.length !== width) {
    throw new ModelError(
      'model.manifest',
      `The manifest names ${declared.length} columns, but the model takes ${width}. Correct the manifest.`,
    )
  }
  return declared.map(({ name }) => ({ name, type: 'numeric', required: true }))
}

/** The names of outputs that are no classes. */
export function outputNames(width: number, manifest: Manifest | null): readonly string[] {
  const declared = manifest?.signature?.outputs
  if (declared === undefined || width === 1) return Array.from({ length: width }, (_, i) => `output${i}`)
  if (declared.length === width) return declared.map(({ name }) => name)
  throw new ModelError(
    'model.manifest',
    `signature.outputs names ${declared.length} columns, but the model gives ${width}. Correct the manifest.`,
  )
}

interface Scoring {
  readonly network: Network
  readonly task: ModelTask
  readonly labels: readonly string[]
  readonly activation: Activation | undefined
  readonly decision: Decision | null
}

/** A network has no path for missing values: a row that lacks a number, or has none, gives NaN. */
async function scoreNetwork(
  { activation, decision, labels, network, task }: Scoring,
  columns: readonly ModelColumn[],
  length: number,
): Promise<Scores> {
  const size = network.inputShape.reduce((product, each) => product * each, 1)
  const input = toRows(columns, size, length, network.precision)
  const result = new Float64Array(length * network.width)
  const step = Math.max(1, Math.floor(MOST_NUMBERS / Math.max(size, network.width)))
  for (let from = 0; from < length; from += step) {
    const rows = Math.min(step, length - from)
    const part = await network.run(input.subarray(from * size, (from + rows) * size), rows)
    result.set(part, from * network.width)
  }
  poison(input, result, { size, width: network.width, length })
  const outputs = Array.from({ length: network.width }, (_, k) => pick(result, k, network.width, length))
  if (task !== 'classification') {
    const first = outputs[0] ?? {
      type: 'float64',
      values: new Float64Array(length),
      present: new Uint8Array(length),
    }
    return { prediction: first, outputs: task === 'regression' ? [] : outputs }
  }
  const classes = classProbabilities(outputs, activation)
  return { prediction: decideLabel(classes, labels, decision), outputs: classes }
}

/** NaN in, NaN out: engines may lose it (the larger of NaN and 0 is 0 to some kernels). */
function poison(
  input: Numbers,
  result: Float64Array,
  { size, width, length }: { size: number; width: number; length: number },
): void {
  for (let row = 0; row < length; row++) {
    let sum = 0
    for (let i = row * size; i < (row + 1) * size; i++) sum += input[i]! * 0
    // x · 0 is 0 for every number and NaN for NaN and ±∞, which no network has an answer to either.
    if (Number.isNaN(sum)) result.fill(NaN, row * width, (row + 1) * width)
  }
}

function pick(values: Float64Array, at: number, width: number, length: number): Float64Column {
  const column = new Float64Array(length)
  for (let row = 0; row < length; row++) column[row] = values[row * width + at]!
  return { type: 'float64', values: column, present: new Uint8Array(length).fill(1) }
}

/** Columns side by side as rows of the engine's numbers; a tensor column is that already. */
export function toRows(
  columns: readonly ModelColumn[],
  size: number,
  length: number,
  precision: 'FP32' | 'FP64',
): Numbers {
  const made = (count: number) => (precision === 'FP64' ? new Float64Array(count) : new Float32Array(count))
  const first = columns[0]
  if (first?.type === 'tensor') {
    if (first.data.length !== size * length)
      throw new RangeError(`a tensor of ${first.data.length} numbers for ${length} rows of ${size}`)
    const rows = made(size * length)
    for (let i = 0; i < rows.length; i++) rows[i] = Number(first.data[i])
    return rows
  }
  const rows = made(size * length)
  columns.forEach((column, k) => {
    if (column.type !== 'float64') throw new TypeError(`a column of type ${column.type} for a numeric input`)
    const { values, present } = column
    for (let row = 0; row < length; row++) rows[row * size + k] = present[row] === 1 ? values[row]! : NaN
  })
  return rows
}
