import { GraphWriter } from '../../engines/activations.ts'
import { toTensor } from '../../engines/dense-network.ts'
import { encodeGraph } from '../../engines/onnx-graph.ts'
import { openSession } from '../../engines/onnx-session.ts'
import type { LoadedModel } from '../../loaded-model.ts'
import type { Manifest } from '../../manifest/manifest.ts'
import { type Network, networkModel } from '../../scores/network-model.ts'
import { withHdf5 } from './hdf5.ts'
import { corrupt, type KerasModel, readKerasModel, isObject } from './keras-config.ts'
import type { Flow } from './keras-flow.ts'
import { writeLayer } from './keras-layers.ts'
import { h5Weights, kerasWeights, type WeightsOf } from './keras-weights.ts'
import { openZip } from '../zip.ts'

interface Written {
  readonly model: KerasModel
  readonly graph: GraphWriter
  readonly flow: Flow
  readonly version: string
}

/** Reads a `.h5` or `.hdf5` file of model.save(), Keras 2 or 3. Throws ModelError. */
export async function readKerasH5(bytes: Buffer, manifest: Manifest | null): Promise<LoadedModel> {
  const written = await withHdf5(bytes, 'The file', (file) => {
    const config = file.text('', 'model_config')
    if (config === null)
      throw corrupt('has no configuration: it may hold weights only. Save it with model.save()')
    const version = file.text('', 'keras_version') ?? '1'
    return write(readKerasModel(config, version), h5Weights(file), version)
  })
  return finish(written, 'keras-h5', manifest)
}

const HDF5 = Buffer.from('\x89HDF\r\n\x1a\n', 'latin1')

/** Reads a `.keras` file: a zip since Keras 2.12, HDF5 before. Throws ModelError. */
export async function readKerasZip(bytes: Buffer, manifest: Manifest | null): Promise<LoadedModel> {
  if (bytes.subarray(0, HDF5.length).equals(HDF5)) return readKerasH5(bytes, manifest)
  const zip = openZip(bytes)
  const version = readVersion(zip.has('metadata.json') ? zip.text('metadata.json') : '{}')
  const model = readKerasModel(zip.text('config.json'), version)
  const written = await withHdf5(zip.read('model.weights.h5'), '"model.weights.h5"', (file) =>
    write(model, kerasWeights(file), version),
  )
  return finish(written, 'keras', manifest)
}

function readVersion(metadata: string): string {
  try {
    const parsed: unknown = JSON.parse(metadata)
    return isObject(parsed) && typeof parsed['keras_version'] === 'string' ? parsed['keras_version'] : '3'
  } catch {
    throw corrupt('has metadata that is not JSON')
  }
}

function write(model: KerasModel, weightsOf: WeightsOf, version: string): Written {
  const graph = new GraphWriter(model.precision)
  const context = { graph, weightsOf, keras: Number.parseInt(version, 10) }
  let flow: Flow = { value: 'input', shape: model.inputShape, activation: 'linear' }
  for (const layer of model.layers) flow = writeLayer(context, layer, flow)
  return { model, graph, flow, version }
}

async function finish(
  { model, graph, flow, version }: Written,
  format: string,
  manifest: Manifest | null,
): Promise<LoadedModel> {
  const { inputShape, inputName, precision, kind, layers } = model
  const width = flow.shape.reduce((product, each) => product * each, 1)
  const output = graph.node('Reshape', [flow.value, graph.integers([-1, width])])
  const session = await openSession(
    encodeGraph({
      inputs: [{ name: 'input', type: precision, shape: ['rows', ...inputShape] }],
      outputs: [{ name: output, type: precision, shape: ['rows', width] }],
      nodes: graph.nodes,
      tensors: graph.tensors,
    }),
  )
  // Probabilities lie along the last axis: with others, they are many lists of classes.
  const isOneList = flow.shape.at(-1) === width
  const head =
    flow.activation === 'softmax' && isOneList
      ? 'probabilities'
      : flow.activation === 'sigmoid'
        ? 'sigmoid'
        : 'numbers'
  const network: Network = {
    inputShape,
    inputName,
    precision,
    width,
    head,
    async run(input, rows) {
      const [result] = await session.run({ input: toTensor(input, [rows, ...inputShape], precision) }, [
        output,
      ])
      return result?.data as Float32Array | Float64Array
    },
  }
  const facts = {
    layers: layers.map(({ kind: name }) => name).join(', '),
    parameters: graph.tensors.reduce(
      (sum, { data }) => sum + (data instanceof BigInt64Array ? 0 : data.length),
      0,
    ),
  }
  return networkModel(network, { format, formatVersion: version, algorithm: kind, facts }, manifest)
}
