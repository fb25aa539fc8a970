import type { InferenceSession, Tensor } from 'onnxruntime-node'
import { ModelError, messageOf } from '../../api/errors.ts'
import { fromHalf, toHalf } from './half.ts'
import { INSTALL_ONNXRUNTIME } from './install-onnxruntime.ts'

/** What tensors hold in JavaScript; booleans are bytes, float16 are floats here, bfloat16 is not read. */
export type OnnxData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | readonly string[]

export interface OnnxTensor {
  /** `float32`, `float64`, `int64`, `string`, … */
  readonly type: string
  readonly dims: readonly number[]
  readonly data: OnnxData
}

/** An input or output of a graph. */
export interface OnnxValue {
  readonly name: string
  /** The tensor's element type; null where it is no tensor but a sequence or a map. */
  readonly type: string | null
  /** A dimension without a fixed size has a name, or an empty text. */
  readonly shape: readonly (number | string)[]
}

/** A graph that is ready to run. `run` blocks the event loop while it computes. */
export interface OnnxSession {
  readonly inputs: readonly OnnxValue[]
  readonly outputs: readonly OnnxValue[]
  /** Computes the outputs that are named, in this order. Rejects with what onnxruntime throws. */
  run(feeds: Readonly<Record<string, OnnxTensor>>, outputs: readonly string[]): Promise<readonly OnnxTensor[]>
}

type Runtime = typeof import('onnxruntime-node')
let runtime: Promise<Runtime> | undefined

/** onnxruntime-node is an optional package: only models that need it ask for it (this file alone imports it). */
async function loadRuntime(): Promise<Runtime> {
  runtime ??= import('onnxruntime-node')
  try {
    return await runtime
  } catch (error) {
    runtime = undefined
    throw new ModelError(
      'model.unsupported',
      'The model needs the package onnxruntime-node, which is not installed here or has no build for this platform. ' +
        `Run: ${INSTALL_ONNXRUNTIME}`,
      { cause: error },
    )
  }
}

const OPTIONS: InferenceSession.SessionOptions = {
  executionProviders: ['cpu'],
  // One task host, one core: hosts side by side must not fight over the cores.
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  graphOptimizationLevel: 'all',
  logSeverityLevel: 4,
}

/** Loads a serialized ONNX model. Throws `model.unsupported` or `model.corrupt` where onnxruntime refuses it. */
export async function openSession(bytes: Uint8Array): Promise<OnnxSession> {
  const ort = await loadRuntime()
  let session: InferenceSession
  try {
    session = await ort.InferenceSession.create(bytes, OPTIONS)
  } catch (error) {
    throw refusal(messageOf(error), error)
  }
  return {
    inputs: session.inputMetadata.map(valueOf),
    outputs: session.outputMetadata.map(valueOf),
    async run(feeds, outputs) {
      const tensors: Record<string, Tensor> = {}
      for (const [name, { type, data, dims }] of Object.entries(feeds)) {
        tensors[name] = tensorOf(ort, { type, data, dims })
      }
      const results = await session.run(tensors, outputs)
      return outputs.map((name): OnnxTensor => {
        const { type, dims, data } = results[name] as Tensor
        if (type !== 'float16' || !ArrayBuffer.isView(data)) return { type, dims, data }
        // A Float16Array where the engine of JavaScript has such, else a Uint16Array.
        const halves = new Uint16Array(data.buffer, data.byteOffset, data.length)
        return { type, dims, data: fromHalf(halves) }
      })
    },
  }
}

function tensorOf(ort: Runtime, { type, data, dims }: OnnxTensor): Tensor {
  // The union of all element types has no common constructor; `type` and `data` belong together.
  if (type !== 'float16') return new ort.Tensor(type as 'float32', data as Float32Array, dims)
  const halves = toHalf(data as Float32Array)
  // Its Tensor makes a Float16Array of them where there is such, in which onnxruntime-node 1.30 finds nothing.
  return Object.assign(new ort.Tensor(type, halves, dims), { cpuData: halves })
}

/** What onnxruntime says, told apart: what it does not know by name, and what is damaged. */
function refusal(message: string, cause: unknown): ModelError {
  const opset = /Opset (\d+) is under development.*till opset (\d+)/s.exec(message)
  const format = /Unsupported model IR version: (\d+), max supported IR version: (\d+)/.exec(message)
  const [, found, most] = opset ?? format ?? []
  const what = opset === null ? 'IR version' : 'opset'
  if (found !== undefined)
    return unsupported(`has ${what} ${found}, but onnxruntime reads up to ${most}`, `a lower ${what}`, cause)
  const operator =
    /([\w.:]+)\(-?\d+\) is not a registered function/.exec(message) ??
    /No Op registered for (\S+)/.exec(message)
  if (operator !== null)
    return unsupported(
      `has the operator ${operator[1]}, which onnxruntime lacks`,
      "ONNX' own operators",
      cause,
    )
  const kernel = /Could not find an implementation for (\w+)/.exec(message)
  if (kernel !== null)
    return unsupported(`has ${kernel[1]} for a type that onnxruntime lacks it for`, 'float', cause)
  if (message.includes('Unsupported data type: 16')) return unsupported('has bfloat16', 'float', cause)
  return new ModelError('model.corrupt', `onnxruntime refuses the model: ${message}. Export it again.`, {
    cause,
  })
}

function unsupported(what: string, instead: string, cause: unknown): ModelError {
  const message = `The ONNX model ${what}. Export it with ${instead}.`
  return new ModelError('model.unsupported', message, { cause })
}

function valueOf(metadata: InferenceSession.ValueMetadata): OnnxValue {
  return metadata.isTensor
    ? { name: metadata.name, type: metadata.type, shape: metadata.shape }
    : { name: metadata.name, type: null, shape: [] }
}
