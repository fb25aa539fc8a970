import type { Float64Column, ModelColumn } from '../../api/batch.ts'
import { ModelError, messageOf } from '../../api/errors.ts'
import type { Scores } from '../../api/models.ts'
import { openSession, type OnnxSession, type OnnxTensor, type OnnxValue } from '../engines/onnx-session.ts'
import type { Decision, LoadedModel } from '../loaded-model.ts'
import type { Manifest, ManifestTensor } from '../manifest.ts'
import { networkDecision } from '../network-labels.ts'
import { readOnnxFile } from './onnx-file.ts'
import { feed, type OnnxInput, readOnnxInputs } from './onnx-inputs.ts'
import { collect, type OnnxHead, readOnnxHead } from './onnx-outputs.ts'

/** Rows that are given to a graph at once. */
const MOST_ROWS = 1024
/** Numbers of one input that are given at once: images come in small groups. */
const MOST_NUMBERS = 2 ** 22

const DATATYPES: Readonly<Record<string, string>> = {
  float32: 'FP32',
  float64: 'FP64',
  float16: 'FP16',
  int64: 'INT64',
  int32: 'INT32',
  int16: 'INT16',
  int8: 'INT8',
  uint8: 'UINT8',
  bool: 'BOOL',
  string: 'BYTES',
}

/** Reads an ONNX model of any graph that onnxruntime runs. Throws ModelError. */
export async function readOnnx(bytes: Buffer, manifest: Manifest | null): Promise<LoadedModel> {
  const file = readOnnxFile(bytes)
  const session = await openSession(file.bytes)
  checkTensors('inputs', manifest?.inputs, session.inputs)
  checkTensors('outputs', manifest?.outputs, session.outputs)
  const inputs = readOnnxInputs(session.inputs, manifest)
  const head = await readOnnxHead(session.outputs, file, manifest, (names) => tryOut(session, inputs, names))
  const columns = inputs.flatMap((input) => input.columns)
  return {
    format: 'onnx',
    formatVersion: file.version,
    algorithm: 'graph',
    task: head.task,
    labels: head.labels,
    outputs: head.outputs,
    decision: networkDecision(head.width, head.labels),
    inputs: columns,
    ...(inputs.length === 1 && columns[0]?.name !== inputs[0]?.name ? { namesColumns: false } : {}),
    facts: {
      producer: file.producer,
      operators: file.operators,
      tensors: [...session.inputs, ...session.outputs].map(describe).join(', '),
    },
    score: (values, length, decision) => score({ session, inputs, head, decision }, values, length),
  }
}

function describe({ name, type, shape }: OnnxValue): string {
  return `${name} ${type === null ? 'map' : (DATATYPES[type] ?? type)}[${shape.map((size) => (typeof size === 'number' ? size : -1)).join(',')}]`
}

/** Holds what the manifest says of a graph's tensors against the graph. */
function checkTensors(
  key: 'inputs' | 'outputs',
  declared: readonly ManifestTensor[] | undefined,
  found: readonly OnnxValue[],
): void {
  for (const { name, datatype, shape } of declared ?? []) {
    const value = found.find((each) => each.name === name)
    const sizes = value?.shape.map((size) => (typeof size === 'number' ? size : -1)) ?? []
    // An open size of either fits: a file may leave open what its manifest knows.
    const fits =
      value !== undefined &&
      DATATYPES[value.type ?? ''] === datatype &&
      sizes.length === shape.length &&
      sizes.every((size, i) => size === -1 || shape[i] === -1 || size === shape[i])
    if (fits) continue
    const said = `${key}: says ${name} ${datatype}[${shape.join(',')}]`
    const has = value === undefined ? found.map(describe).join(', ') : describe(value)
    throw new ModelError('model.manifest', `${said}, but the model has ${has}. Correct the manifest.`)
  }
}

/** Runs one row of zeros, to see how wide the outputs are that the file leaves open. */
async function tryOut(
  session: OnnxSession,
  inputs: readonly OnnxInput[],
  names: readonly string[],
): Promise<readonly number[]> {
  const feeds: Record<string, OnnxTensor> = {}
  let rows = 1
  for (const input of inputs) {
    rows = input.batch ?? 1
    feeds[input.name] = feed(input, [], { from: 0, to: 0, padded: rows }, () => undefined)
  }
  try {
    const tensors = await session.run(feeds, names)
    return tensors.map(({ data }) => data.length / rows)
  } catch (error) {
    const what = `The ONNX model does not say how large its outputs are, and fails on zeros: ${messageOf(error)}.`
    throw new ModelError('model.unsupported', what, { cause: error })
  }
}

interface Scoring {
  readonly session: OnnxSession
  readonly inputs: readonly OnnxInput[]
  readonly head: OnnxHead
  readonly decision: Decision | null
}

async function score(
  { session, inputs, head, decision }: Scoring,
  columns: readonly ModelColumn[],
  length: number,
): Promise<Scores> {
  const results = Array.from({ length: head.width }, (): Float64Column => {
    return { type: 'float64', values: new Float64Array(length), present: new Uint8Array(length).fill(1) }
  })
  const lacking = new Set<number>()
  const widest = Math.max(...inputs.map(({ shape }) => shape.reduce((product, each) => product * each, 1)))
  const step = inputs[0]?.batch ?? Math.max(1, Math.min(MOST_ROWS, Math.floor(MOST_NUMBERS / widest)))
  /** A graph may fail on what one row holds, e.g. a text that it does not know: halves find that row. */
  const run = async (from: number, to: number): Promise<void> => {
    const slice = { from, to, padded: inputs[0]?.batch ?? to - from }
    const feeds: Record<string, OnnxTensor> = {}
    let at = 0
    for (const input of inputs) {
      const own = columns.slice(at, at + input.columns.length)
      feeds[input.name] = feed(input, own, slice, (row) => lacking.add(row))
      at += own.length
    }
    const tensors = await session.run(feeds, head.fetched).catch(() => null)
    if (tensors !== null) collect(tensors, results, slice)
    else if (to - from === 1) lacking.add(from)
    else {
      const middle = (from + to) >>> 1
      await run(from, middle)
      await run(middle, to)
    }
  }
  for (let from = 0; from < length; from += step) await run(from, Math.min(from + step, length))
  for (const row of lacking) for (const { values } of results) values[row] = NaN
  return head.decide(results, decision)
}
