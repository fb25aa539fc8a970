import { ModelError } from '../../api/errors.ts'
import { activate, type Activation, type ActivationSettings, GraphWriter } from './activations.ts'
import { encodeGraph } from './onnx-graph.ts'
import { openSession } from './onnx-session.ts'

export interface DenseLayer extends ActivationSettings {
  /** Row-major, one row of `inputs` numbers per output. */
  readonly weights: Float32Array | Float64Array
  /** One number per output. */
  readonly bias: Float32Array | Float64Array
  readonly activation: Activation
}

/** A network of dense layers, ready to run. */
export interface DenseNetwork {
  readonly inputs: number
  readonly outputs: number
  /** Computes `rows` rows (row-major, `inputs` numbers each); gives `outputs` numbers for each. */
  run(input: Float32Array | Float64Array, rows: number): Promise<Float32Array | Float64Array>
}

/** Builds the network as an ONNX graph and loads it. Throws `model.corrupt` where the layers do not fit together. */
export async function createDenseNetwork(
  layers: readonly DenseLayer[],
  precision: 'FP64' | 'FP32',
): Promise<DenseNetwork> {
  const graph = new GraphWriter(precision)
  const first = layers[0]
  if (first === undefined) throw corrupt('it has no layers')
  const inputs = first.weights.length / first.bias.length
  let width = inputs
  let value = 'input'
  layers.forEach(({ weights, bias, activation, ...settings }, i) => {
    const outputs = bias.length
    if (outputs === 0 || weights.length !== outputs * width || !Number.isInteger(width)) {
      throw corrupt(`layer ${i + 1} has ${weights.length} weights for ${width} inputs and ${outputs} outputs`)
    }
    const operands = [value, graph.numbers([outputs, width], weights), graph.numbers([outputs], bias)]
    value = activate(graph, graph.node('Gemm', operands, { transB: { int: 1 } }), activation, settings)
    width = activation === 'maxout' ? outputs / 2 : outputs
  })
  const type = precision
  const session = await openSession(
    encodeGraph({
      inputs: [{ name: 'input', type, shape: ['rows', inputs] }],
      outputs: [{ name: value, type, shape: ['rows', width] }],
      nodes: graph.nodes,
      tensors: graph.tensors,
    }),
  )
  return {
    inputs,
    outputs: width,
    async run(input, rows) {
      const [result] = await session.run({ input: toTensor(input, [rows, inputs], precision) }, [value])
      return result?.data as Float32Array | Float64Array
    },
  }
}

/** Numbers as a tensor of the precision; copied only where they have the other one. */
export function toTensor(
  input: Float32Array | Float64Array,
  dims: readonly number[],
  precision: 'FP64' | 'FP32',
) {
  if (precision === 'FP64') {
    return { type: 'float64', dims, data: input instanceof Float64Array ? input : Float64Array.from(input) }
  }
  return { type: 'float32', dims, data: input instanceof Float32Array ? input : Float32Array.from(input) }
}

function corrupt(what: string): ModelError {
  return new ModelError('model.corrupt', `The network is damaged: ${what}. Export the model again.`)
}
