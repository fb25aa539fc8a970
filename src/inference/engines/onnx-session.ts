import type { InferenceSession, Tensor } from 'onnxruntime-node'
import { ModelError, messageOf } from '../../api/errors.ts'

/** What tensors hold in JavaScript; booleans are bytes, float16 and bfloat16 are not read. */
export type OnnxData =
  | Float32Array
  | Float64Array
  | Int32Array
  | BigInt64Array
  | Uint8Array
  | Int8Array
  | Int16Array
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
        'Run: npm install onnxruntime-node --onnxruntime-node-install=skip',
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

/** Loads a serialized ONNX model. Throws `model.corrupt` where onnxruntime refuses it. */
export async function openSession(bytes: Uint8Array): Promise<OnnxSession> {
  const ort = await loadRuntime()
  let session: InferenceSession
  try {
    session = await ort.InferenceSession.create(bytes, OPTIONS)
  } catch (error) {
    const what = `onnxruntime refuses the model: ${messageOf(error)}. Export it again.`
    throw new ModelError('model.corrupt', what, { cause: error })
  }
  return {
    inputs: session.inputMetadata.map(valueOf),
    outputs: session.outputMetadata.map(valueOf),
    async run(feeds, outputs) {
      const tensors: Record<string, Tensor> = {}
      for (const [name, { type, data, dims }] of Object.entries(feeds)) {
        // The union of all element types has no common constructor; `type` and `data` belong together.
        tensors[name] = new ort.Tensor(type as 'float32', data as Float32Array, dims)
      }
      const results = await session.run(tensors, outputs)
      return outputs.map((name): OnnxTensor => {
        const { type, dims, data } = results[name] as Tensor
        return { type, dims, data: data as OnnxData }
      })
    },
  }
}

function valueOf(metadata: InferenceSession.ValueMetadata): OnnxValue {
  return metadata.isTensor
    ? { name: metadata.name, type: metadata.type, shape: metadata.shape }
    : { name: metadata.name, type: null, shape: [] }
}
