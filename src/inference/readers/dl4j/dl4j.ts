import { ModelError } from '../../../api/errors.ts'
import { activate, GraphWriter } from '../../engines/activations.ts'
import { toTensor } from '../../engines/dense-network.ts'
import { encodeGraph } from '../../engines/onnx-graph.ts'
import { openSession } from '../../engines/onnx-session.ts'
import type { LoadedModel } from '../../loaded-model.ts'
import type { Manifest } from '../../manifest/manifest.ts'
import { type Network, networkModel } from '../../scores/network-model.ts'
import { corrupt, type Dl4jLayer, isObject, type Json, readDl4jLayers } from './dl4j-config.ts'
import { denormalize, type Dl4jNormalizer, normalize, readNormalizer } from './dl4j-normalizer.ts'
import { JavaStream } from '../java-stream.ts'
import { readVector } from './nd4j-array.ts'
import { openZip } from '../zip.ts'

type Numbers = Float32Array | Float64Array

/**
 * Reads a zip of DL4J's ModelSerializer: a MultiLayerNetwork of Dense, Output, Activation, Loss and Dropout layers, and
 * the normalizer that is packed with it. Scores as `normalizer.transform` and `network.output` do together. Throws
 * ModelError: `model.unsupported` with the name of what is not supported, `model.corrupt`.
 */
export async function readDl4j(bytes: Buffer, manifest: Manifest | null): Promise<LoadedModel> {
  const zip = openZip(bytes)
  if (zip.has('preprocessor.bin')) {
    const what = 'The network is packed with a preprocessor as DL4J before 0.9 wrote it (preprocessor.bin)'
    throw new ModelError('model.unsupported', `${what}. Pack it again: ModelSerializer.addNormalizerToModel.`)
  }
  const config = parseConfig(zip.text('configuration.json'))
  const layers = readDl4jLayers(config)
  const stream = new JavaStream(zip.read('coefficients.bin'), 'coefficients.bin')
  const { values } = readVector(stream)
  if (!stream.isAtEnd) throw stream.corrupt('is longer than its numbers')
  const normalizer = zip.has('normalizer.bin') ? readNormalizer(zip.read('normalizer.bin')) : null
  const network = await buildNetwork(layers, values, normalizer)
  const sizes = layers.flatMap(({ dense }) => (dense === null ? [] : [dense.outputs]))
  return networkModel(
    network,
    {
      format: 'dl4j',
      formatVersion: 'confs' in config && 'dataType' in config ? '1.0' : '0.9',
      algorithm: 'MultiLayerNetwork',
      facts: {
        layers: `${network.inputShape[0] ?? 0}-${sizes.join('-')}`,
        activations: layers.map(({ activation }) => activation).join(', '),
        parameters: values.length,
        normalizer: normalizer?.kind ?? 'none',
      },
    },
    manifest,
  )
}

function parseConfig(text: string): Json {
  let config: unknown
  try {
    config = JSON.parse(text)
  } catch (error) {
    throw new ModelError('model.corrupt', 'configuration.json is not JSON. Save the model again.', {
      cause: error,
    })
  }
  if (!isObject(config)) throw corrupt('is no object')
  return config
}

/** Per layer the weights, inputs × outputs in column-major order, then the biases. */
async function buildNetwork(
  layers: readonly Dl4jLayer[],
  values: Numbers,
  normalizer: Dl4jNormalizer | null,
): Promise<Network> {
  const precision = values instanceof Float64Array ? 'FP64' : 'FP32'
  const first = layers.find(({ dense }) => dense !== null)?.dense
  if (first == null) throw corrupt('has no layer with weights')
  const graph = new GraphWriter(precision)
  let value = normalizer === null ? 'input' : normalize(graph, 'input', normalizer.features, first.inputs)
  let width = first.inputs
  let at = 0
  const take = (count: number): Numbers => {
    if (at + count > values.length) throw misfit(values.length)
    at += count
    return values.subarray(at - count, at)
  }
  for (const { name, dense, activation, ...settings } of layers) {
    if (dense !== null) {
      const { inputs, outputs, hasBias } = dense
      if (inputs !== width) throw corrupt(`gives the layer ${name} ${inputs} inputs where ${width} come`)
      const operands = [value, graph.numbers([outputs, inputs], take(inputs * outputs))]
      if (hasBias) operands.push(graph.numbers([outputs], take(outputs)))
      value = graph.node('Gemm', operands, { transB: { int: 1 } })
      width = outputs
    }
    value = activate(graph, value, activation, settings)
  }
  if (at !== values.length) throw misfit(values.length)
  if (normalizer?.labels != null) value = denormalize(graph, value, normalizer.labels, width)
  const last = layers.findLast(({ activation }) => activation !== 'linear')?.activation
  return openNetwork(graph, value, {
    precision,
    inputs: first.inputs,
    width,
    last: layers.at(-1)?.activation ?? last,
  })
}

async function openNetwork(
  graph: GraphWriter,
  value: string,
  about: { precision: 'FP32' | 'FP64'; inputs: number; width: number; last: string | undefined },
): Promise<Network> {
  const { precision, inputs, width, last } = about
  const output = graph.node('Identity', [value])
  const session = await openSession(
    encodeGraph({
      inputs: [{ name: 'input', type: precision, shape: ['rows', inputs] }],
      outputs: [{ name: output, type: precision, shape: ['rows', width] }],
      nodes: graph.nodes,
      tensors: graph.tensors,
    }),
  )
  return {
    inputShape: [inputs],
    inputName: 'input',
    precision,
    width,
    head: last === 'softmax' ? 'probabilities' : last === 'sigmoid' ? 'sigmoid' : 'numbers',
    async run(input, rows) {
      const [result] = await session.run({ input: toTensor(input, [rows, inputs], precision) }, [output])
      return result?.data as Numbers
    },
  }
}

function misfit(found: number): ModelError {
  return new ModelError(
    'model.corrupt',
    `"coefficients.bin" holds ${found} numbers, which is not what the layers of configuration.json take. Save the model again.`,
  )
}
