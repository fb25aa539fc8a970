import type { Float64Column, ModelColumn } from '../../../api/batch.ts'
import { ModelError, messageOf } from '../../../api/errors.ts'
import type { Scores } from '../../../api/models.ts'
import { openSession, type OnnxSession, type OnnxTensor, type OnnxValue } from '../../engines/onnx-session.ts'
import type { Decision, LoadedModel } from '../../loaded-model.ts'
import { fitsDatatype, type Manifest, type ManifestTensor } from '../../manifest/manifest.ts'
import { networkDecision } from '../../scores/network-labels.ts'
import { readOnnxFile } from './onnx-file.ts'
import { feed, type OnnxInput, readOnnxInputs } from './onnx-inputs.ts'
import { howRowsDepend } from './onnx-mixing.ts'
import { collect, type OnnxHead, readableOutputs, readOnnxHead } from './onnx-outputs.ts'

/** Rows that are given to a graph at once. */
const MOST_ROWS = 1024
const ONE_BY_ONE = 'rows influence each other in this graph, so each is scored alone'

const HOW_TO_PART = 'Export it so that a row depends on itself alone, e.g. with model.eval() before.'

/** Numbers of one input that are given at once: images come in small groups. */
const MOST_NUMBERS = 2 ** 22

const DATATYPES: Readonly<Record<string, string>> = {
  float32: 'FP32',
  float64: 'FP64',
  float16: 'FP16',
  bool: 'BOOL',
  string: 'BYTES',
}

/** The name that a manifest has for a type of numbers: `INT8` and the like are those of ONNX in capitals. */
function datatypeOf(type: string): string {
  return DATATYPES[type] ?? type.toUpperCase()
}

/** Reads an ONNX model of any graph that onnxruntime runs. Throws ModelError. */
export async function readOnnx(bytes: Buffer, manifest: Manifest | null): Promise<LoadedModel> {
  const file = readOnnxFile(bytes)
  const session = await openSession(file.bytes)
  checkTensors('inputs', manifest?.inputs, session.inputs)
  checkTensors('outputs', manifest?.outputs, session.outputs)
  const inputs = readOnnxInputs(session.inputs, manifest)
  const values = readableOutputs(session.outputs)
  const { widths, isSingle, isMixing = false } = await measure(session, inputs, values)
  const head = readOnnxHead({ values, widths }, file, manifest)
  const columns = inputs.flatMap((input) => input.columns)
  return {
    format: 'onnx',
    formatVersion: file.version,
    algorithm: 'graph',
    task: head.task,
    labels: head.labels,
    outputs: head.outputs,
    ...(head.types.includes('INT64') ? { outputTypes: head.types } : {}),
    decision: head.label === null ? networkDecision(head.width, head.labels) : null, // else the graph's own label
    inputs: columns,
    ...(hasNames(inputs) ? {} : { namesColumns: false }),
    ...(head.label === null ? {} : { namesLabels: true }),
    ...(isMixing ? { warnings: [`${ONE_BY_ONE}, which is slower. ${HOW_TO_PART}`] } : {}),
    facts: {
      producer: file.producer,
      operators: file.operators,
      ...(isMixing ? { batches: ONE_BY_ONE } : {}),
      tensors: [...session.inputs, ...session.outputs].map(describe).join(', '),
    },
    score: (given, length, decision) => score({ session, inputs, head, decision, isSingle }, given, length),
  }
}

function describe({ name, type, shape }: OnnxValue): string {
  return `${name} ${type === null ? 'map' : datatypeOf(type)}[${shape.map((size) => (typeof size === 'number' ? size : -1)).join(',')}]`
}

/** Holds what the manifest says of a graph's tensors against the graph. */
function checkTensors(
  key: 'inputs' | 'outputs',
  declared: readonly ManifestTensor[] | undefined,
  found: readonly OnnxValue[],
): void {
  for (const { name, datatype, shape } of declared ?? []) {
    const value = name === '' && found.length === 1 ? found[0] : found.find((each) => each.name === name)
    const sizes = value?.shape.map((size) => (typeof size === 'number' ? size : -1)) ?? []
    // An open size of either fits: a file may leave open what its manifest knows.
    const fits =
      value !== undefined &&
      fitsDatatype(datatype, datatypeOf(value.type ?? '')) &&
      sizes.length === shape.length &&
      sizes.every((size, i) => size === -1 || shape[i] === -1 || size === shape[i])
    if (fits) continue
    const said = `${key}: says ${name} ${datatype}[${shape.join(',')}]`
    const has = value === undefined ? found.map(describe).join(', ') : describe(value)
    throw new ModelError('model.manifest', `${said}, but the model has ${has}. Correct the manifest.`)
  }
}

/** A single input that is many numbers has no names for them. */
function hasNames(inputs: readonly OnnxInput[]): boolean {
  const [input] = inputs
  const [column] = input?.columns ?? []
  return inputs.length > 1 || (column?.name === input?.name && column?.type !== 'tensor')
}

interface Measured {
  /** Numbers per row of each output. */
  readonly widths: ReadonlyMap<string, number>
  /** Whether the graph takes the rows of a batch together: it must be given one at a time. */
  readonly isSingle: boolean
  /** Whether what it gives for a row depends on the others. */
  readonly isMixing?: boolean
}

/** Rows that are tried at once; no usual number of classes, which an output that is turned would have in their place. */
const TRIED_ROWS = 5

/** Runs rows of zeros to see how wide the outputs are: what a file says of them may be wrong, or nothing. */
async function measure(
  session: OnnxSession,
  inputs: readonly OnnxInput[],
  values: readonly OnnxValue[],
): Promise<Measured> {
  const batch = inputs[0]?.batch ?? null
  const names = values.map(({ name }) => name)
  const widthsOf = (tensors: readonly OnnxTensor[], rows: number) =>
    new Map(tensors.map(({ data }, i) => [names[i] ?? '', data.length / rows]))
  const rows = batch ?? (widestOf(inputs) * TRIED_ROWS > MOST_NUMBERS ? 1 : TRIED_ROWS)
  const areMixing = async (): Promise<boolean> => {
    const depend = await howRowsDepend(session, inputs, { outputs: names, rows })
    if (depend === 'time') throw changing()
    if (depend === 'beside' && batch !== null) throw mixing(batch)
    return depend === 'beside'
  }
  try {
    const tensors = await session.run(zeros(inputs, rows), names)
    const isTurned =
      batch === null && values.some(({ shape }) => typeof shape[0] === 'number' && shape[0] > 1)
    const fits = rows === 1 || tensors.every(({ dims }) => dims[0] === rows)
    if (fits && !isTurned) {
      const isMixing = await areMixing()
      // Rows that are too large to be tried together are not scored together either.
      return { widths: widthsOf(tensors, rows), isSingle: isMixing || rows === 1, isMixing }
    }
    if (batch !== null) {
      const sizes = tensors.map(({ dims }) => `[${dims.join(', ')}]`).join(' and ')
      throw new ModelError(
        'model.unsupported',
        `The ONNX model gives ${sizes} for ${rows} rows. Export it with an open batch.`,
      )
    }
    return { widths: widthsOf(await session.run(zeros(inputs, 1), names), 1), isSingle: true }
  } catch (error) {
    if (error instanceof ModelError) throw error
    const isMixing = await areMixing()
    return { widths: declared(values, error), isSingle: isMixing, isMixing }
  }
}

function changing(): ModelError {
  const what =
    'gives other numbers for the same row each time: it has noise, or parts that are still in training'
  return new ModelError('model.unsupported', `The ONNX model ${what}. ${HOW_TO_PART}`)
}

function mixing(batch: number): ModelError {
  const what = `takes ${batch} rows at once, which influence each other in it: what a record gets would depend on others`
  return new ModelError('model.unsupported', `The ONNX model ${what}. ${HOW_TO_PART}`)
}

function widestOf(inputs: readonly OnnxInput[]): number {
  return Math.max(...inputs.map(({ shape }) => shape.reduce((product, each) => product * each, 1)))
}

function zeros(inputs: readonly OnnxInput[], padded: number): Record<string, OnnxTensor> {
  const slice = { from: 0, to: 0, padded }
  return Object.fromEntries(inputs.map((input) => [input.name, feed(input, [], slice, () => undefined)]))
}

/** What the file says of its outputs' widths, for a graph that fails on zeros. */
function declared(values: readonly OnnxValue[], cause: unknown): ReadonlyMap<string, number> {
  return new Map(
    values.map(({ name, shape }) => {
      const row = shape.slice(1)
      if (row.every((size) => typeof size === 'number'))
        return [name, row.reduce((product, size) => product * size, 1)]
      const what = `The ONNX model does not say how large its outputs are, and fails on zeros: ${said(cause)}. Export it with fixed sizes of the outputs.`
      throw new ModelError('model.unsupported', what, { cause })
    }),
  )
}

/** onnxruntime's reason in one line, without where in its sources it arose. */
function said(error: unknown): string {
  const text = messageOf(error).replace(/\s+/g, ' ').trim()
  return text.replace(/\/\S*onnxruntime\S*:\d+ /, '').slice(0, 300)
}

interface Scoring {
  readonly session: OnnxSession
  readonly inputs: readonly OnnxInput[]
  readonly head: OnnxHead
  readonly decision: Decision | null
  readonly isSingle: boolean
}

async function score(
  { session, inputs, head, decision, isSingle }: Scoring,
  given: readonly ModelColumn[],
  length: number,
): Promise<Scores> {
  const { label } = head
  const levelOf = (value: unknown) => label?.levelOf(value) ?? -1
  const names = label === null ? head.fetched : [...head.fetched, label.name]
  const columns = Array.from({ length: head.width }, (_, k): Float64Column => {
    const exact = head.types[k] === 'INT64' ? { exact: new BigInt64Array(length) } : {}
    return {
      type: 'float64',
      values: new Float64Array(length),
      present: new Uint8Array(length).fill(1),
      ...exact,
    }
  })
  const results = { columns, levels: label === null ? null : new Int32Array(length) }
  const lacking = new Set<number>()
  const problems = new Map<number, string>()
  const widest = widestOf(inputs)
  const step = isSingle
    ? 1
    : (inputs[0]?.batch ?? Math.max(1, Math.min(MOST_ROWS, Math.floor(MOST_NUMBERS / widest))))
  /** A graph may fail on what one row holds, e.g. a text that it does not know: halves find that row. */
  const run = async (from: number, to: number): Promise<void> => {
    const slice = { from, to, padded: inputs[0]?.batch ?? to - from }
    const feeds: Record<string, OnnxTensor> = {}
    let at = 0
    for (const input of inputs) {
      const own = given.slice(at, at + input.columns.length)
      feeds[input.name] = feed(input, own, slice, (row, why) => {
        lacking.add(row)
        if (!problems.has(row)) problems.set(row, why)
      })
      at += own.length
    }
    const tensors = await session.run(feeds, names).catch((error: unknown) => said(error))
    const isText = typeof tensors === 'string'
    const tooLarge = (row: number, what: string) => {
      lacking.add(row)
      if (!problems.has(row)) problems.set(row, what)
    }
    if (!isText && collect(tensors, results, { ...slice, levelOf, tooLarge })) return
    if (to - from === 1) {
      lacking.add(from)
      problems.set(
        from,
        isText ? tensors : 'the graph gives outputs of other sizes for one row than for several',
      )
    } else {
      const middle = (from + to) >>> 1
      await run(from, middle)
      await run(middle, to)
    }
  }
  for (let from = 0; from < length; from += step) await run(from, Math.min(from + step, length))
  for (const row of lacking) for (const { values } of columns) values[row] = NaN
  return { ...head.decide(results, decision), ...(problems.size > 0 ? { problems } : {}) }
}
