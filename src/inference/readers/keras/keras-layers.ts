import { activate } from '../../engines/activations.ts'
import {
  activationLayer,
  isActivationLayer,
  type KerasActivation,
  readActivation,
} from './keras-activations.ts'
import { convolve, pool, poolAll } from './keras-images.ts'
import { batchNormalization, normalization, rescaling } from './keras-scaling.ts'
import { corrupt, type KerasLayer, numberOf, unsupported } from './keras-config.ts'
import type { Flow, LayerContext } from './keras-flow.ts'
import { exactly } from './keras-weights.ts'

type Writer = (context: LayerContext, layer: KerasLayer, flow: Flow) => Flow

const pass: Writer = (_, __, flow) => flow

/** The layers that are read. The numbers they give are those of inference: dropout does nothing. */
const WRITERS: Readonly<Record<string, Writer>> = {
  Dense: dense,
  Activation: (context, layer, flow) => activated(context, layer, flow),
  Identity: pass,
  Dropout: pass,
  AlphaDropout: pass,
  SpatialDropout2D: pass,
  GaussianNoise: pass,
  GaussianDropout: pass,
  ActivityRegularization: pass,
  Flatten: flatten,
  Reshape: reshape,
  BatchNormalization: batchNormalization,
  Normalization: normalization,
  Rescaling: rescaling,
  Conv2D: (context, layer, flow) => {
    const weights = exactly(context.weightsOf(layer), layer, layer.config['use_bias'] === false ? 1 : 2)
    return activated(context, layer, { ...flow, ...convolve(context.graph, layer, flow, weights) })
  },
  // Means of probabilities are some too; their maxima are not.
  MaxPooling2D: ({ graph }, layer, flow) => ({
    ...pool(graph, layer, flow, 'MaxPool'),
    activation: 'linear',
  }),
  AveragePooling2D: ({ graph }, layer, flow) => ({ ...flow, ...pool(graph, layer, flow, 'AveragePool') }),
  GlobalMaxPooling2D: ({ graph }, layer, flow) => ({
    ...poolAll(graph, layer, flow, 'ReduceMax'),
    activation: 'linear',
  }),
  GlobalAveragePooling2D: ({ graph }, layer, flow) => ({
    ...flow,
    ...poolAll(graph, layer, flow, 'ReduceMean'),
  }),
}

export function writeLayer(context: LayerContext, layer: KerasLayer, flow: Flow): Flow {
  if (isActivationLayer(layer.kind))
    return applied(context, flow, activationLayer(layer.kind, layer.config, flow.shape.length))
  const writer = Object.hasOwn(WRITERS, layer.kind) ? WRITERS[layer.kind] : undefined
  if (writer === undefined) throw unsupported(`a layer of the class ${layer.kind}`)
  if (layer.config['quantization_config'] != null) throw unsupported('a quantized layer')
  return writer(context, layer, flow)
}

/** Kernel: inputs × units. It applies to the last axis. */
function dense(context: LayerContext, layer: KerasLayer, flow: Flow): Flow {
  const { graph } = context
  const units = numberOf(layer.config, 'units', 0)
  const width = flow.shape.at(-1) ?? 0
  const hasBias = layer.config['use_bias'] !== false
  const weights = exactly(context.weightsOf(layer), layer, hasBias ? 2 : 1)
  const kernel = graph.numbers([width, units], weights.at(0, [width, units]).values)
  const bias = hasBias ? [graph.numbers([units], weights.at(1, [units]).values)] : []
  let value: string
  if (flow.shape.length === 1) value = graph.node('Gemm', [flow.value, kernel, ...bias])
  else {
    const product = graph.node('MatMul', [flow.value, kernel])
    value = bias.length === 0 ? product : graph.node('Add', [product, ...bias])
  }
  return activated(context, layer, { ...flow, value, shape: [...flow.shape.slice(0, -1), units] })
}

/** Applies what the layer's configuration names. */
function activated(context: LayerContext, layer: KerasLayer, flow: Flow): Flow {
  const about = { keras: context.keras, rank: flow.shape.length }
  return applied(context, flow, readActivation(layer.config['activation'], about))
}

function applied({ graph }: LayerContext, flow: Flow, { activation, settings }: KerasActivation): Flow {
  const value = activate(graph, flow.value, activation, settings)
  // Probabilities lie along the last axis.
  const isOther = activation === 'softmax' && settings.axis !== undefined
  return { ...flow, value, activation: isOther ? 'linear' : activation }
}

/** Images with the channels in front are flattened as if these were last. */
function flatten({ graph }: LayerContext, layer: KerasLayer, flow: Flow): Flow {
  const size = flow.shape.reduce((product, each) => product * each, 1)
  const isFirst = layer.config['data_format'] === 'channels_first' && flow.shape.length > 1
  const order = [0, ...flow.shape.slice(1).map((_, i) => i + 2), 1]
  const value = isFirst ? graph.node('Transpose', [flow.value], { perm: { ints: order } }) : flow.value
  const activation = flow.shape.at(-1) === size ? flow.activation : 'linear'
  const flat = graph.node('Reshape', [value, graph.integers([-1, size])])
  return { value: flat, shape: [size], activation }
}

/** The target has one size at most that is open, -1. */
function reshape({ graph }: LayerContext, layer: KerasLayer, flow: Flow): Flow {
  const target: unknown = layer.config['target_shape']
  const sizes: readonly unknown[] = Array.isArray(target) ? target : []
  const size = flow.shape.reduce((product, each) => product * each, 1)
  const known = sizes
    .filter((each) => each !== -1)
    .reduce<number>((product, each) => product * Number(each), 1)
  const shape = sizes.map((each) => (each === -1 ? size / known : Number(each)))
  const isShape = shape.every((each) => Number.isInteger(each) && each > 0)
  if (!isShape || shape.length === 0 || shape.reduce((product, each) => product * each, 1) !== size)
    throw corrupt(`gives the layer ${layer.name} the shape ${JSON.stringify(target)} for ${size} numbers`)
  const value = graph.node('Reshape', [flow.value, graph.integers([-1, ...shape])])
  return { ...flow, value, shape, activation: 'linear' }
}
