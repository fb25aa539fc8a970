import {
  activate,
  type Activation,
  type ActivationSettings,
  type GraphWriter,
} from '../engines/activations.ts'
import { convolve, pool, poolAll } from './keras-images.ts'
import { corrupt, isObject, type Json, type KerasLayer, unsupported } from './keras-config.ts'
import type { LayerWeights, WeightsOf } from './keras-weights.ts'

/** A value on its way through the layers. */
export interface Flow {
  readonly value: string
  /** Of one row, in Keras' order. */
  readonly shape: readonly number[]
  /** The last activation, which says what the outputs are. */
  readonly activation: Activation
}

export interface LayerContext {
  readonly graph: GraphWriter
  readonly weightsOf: WeightsOf
  /** Keras 3 changed hard_sigmoid. */
  readonly keras: number
}

type Writer = (context: LayerContext, layer: KerasLayer, flow: Flow) => Flow

const pass: Writer = (_, __, flow) => flow

/** The layers that are read. The numbers they give are those of inference: dropout does nothing. */
const WRITERS: Readonly<Record<string, Writer>> = {
  Dense: dense,
  Activation: (context, layer, flow) => activated(context, layer, flow),
  ReLU: (context, { config }, flow) => {
    if (number(config, 'threshold', 0) !== 0) throw unsupported('a ReLU layer with a threshold')
    const slope = number(config, 'negative_slope', 0)
    const limit = config['max_value']
    if (slope !== 0 && typeof limit === 'number')
      throw unsupported('a ReLU layer with a slope and a largest value')
    if (slope !== 0) return applied(context, flow, 'leaky-relu', { alpha: slope })
    return applied(context, flow, 'relu', typeof limit === 'number' ? { limit } : {})
  },
  LeakyReLU: (context, { config }, flow) =>
    applied(context, flow, 'leaky-relu', {
      alpha: number(config, 'negative_slope', number(config, 'alpha', 0.3)),
    }),
  ELU: (context, { config }, flow) => applied(context, flow, 'elu', { alpha: number(config, 'alpha', 1) }),
  Softmax: (context, { config }, flow) => {
    if (number(config, 'axis', -1) !== -1)
      throw unsupported('a Softmax layer over another axis than the last')
    return applied(context, flow, 'softmax')
  },
  Dropout: pass,
  SpatialDropout2D: pass,
  GaussianNoise: pass,
  GaussianDropout: pass,
  ActivityRegularization: pass,
  Flatten: flatten,
  BatchNormalization: batchNormalization,
  Normalization: normalization,
  Rescaling: ({ graph }, { config }, flow) => {
    const scaled = graph.node('Mul', [flow.value, graph.scalar(number(config, 'scale', 1))])
    return {
      ...flow,
      value: graph.node('Add', [scaled, graph.scalar(number(config, 'offset', 0))]),
      activation: 'linear',
    }
  },
  Conv2D: (context, layer, flow) => {
    const weights = exactly(context.weightsOf(layer), layer, layer.config['use_bias'] === false ? 1 : 2)
    return activated(context, layer, { ...flow, ...convolve(context.graph, layer, flow, weights) })
  },
  MaxPooling2D: ({ graph }, layer, flow) => ({ ...flow, ...pool(graph, layer, flow, 'MaxPool') }),
  AveragePooling2D: ({ graph }, layer, flow) => ({ ...flow, ...pool(graph, layer, flow, 'AveragePool') }),
  GlobalMaxPooling2D: ({ graph }, layer, flow) => ({ ...flow, ...poolAll(graph, layer, flow, 'ReduceMax') }),
  GlobalAveragePooling2D: ({ graph }, layer, flow) => ({
    ...flow,
    ...poolAll(graph, layer, flow, 'ReduceMean'),
  }),
}

export function writeLayer(context: LayerContext, layer: KerasLayer, flow: Flow): Flow {
  const writer = Object.hasOwn(WRITERS, layer.kind) ? WRITERS[layer.kind] : undefined
  if (writer === undefined) throw unsupported(`a layer of the class ${layer.kind}`)
  if (layer.config['quantization_config'] != null) throw unsupported('a quantized layer')
  return writer(context, layer, flow)
}

function number(config: Json, key: string, fallback: number): number {
  const value = config[key]
  return typeof value === 'number' ? value : fallback
}

function exactly(weights: LayerWeights, layer: KerasLayer, count: number): LayerWeights {
  if (weights.count === count) return weights
  throw corrupt(`has ${weights.count} weights for the layer ${layer.name}, which takes ${count}`)
}

/** Kernel: inputs × units. It applies to the last axis. */
function dense(context: LayerContext, layer: KerasLayer, flow: Flow): Flow {
  const { graph } = context
  const units = number(layer.config, 'units', 0)
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

const ACTIVATIONS: Readonly<Record<string, Activation>> = {
  linear: 'linear',
  relu: 'relu',
  relu6: 'relu6',
  tanh: 'tanh',
  sigmoid: 'sigmoid',
  softmax: 'softmax',
  elu: 'elu',
  selu: 'selu',
  softplus: 'softplus',
  softsign: 'softsign',
  silu: 'swish',
  swish: 'swish',
  gelu: 'gelu',
  exponential: 'exponential',
  hard_sigmoid: 'hard-sigmoid',
  leaky_relu: 'leaky-relu',
  mish: 'mish',
}

/** Applies what the layer's configuration names: a text, or an object around one. */
function activated(context: LayerContext, layer: KerasLayer, flow: Flow): Flow {
  const given = layer.config['activation'] ?? 'linear'
  const inner = isObject(given) ? given['config'] : given
  const name = typeof inner === 'string' ? inner : JSON.stringify(inner)
  const activation = Object.hasOwn(ACTIVATIONS, name) ? ACTIVATIONS[name] : undefined
  if (activation === undefined) throw unsupported(`the activation ${name}`)
  if (activation === 'hard-sigmoid')
    return applied(context, flow, activation, { alpha: context.keras >= 3 ? 1 / 6 : 0.2 })
  return applied(context, flow, activation, activation === 'leaky-relu' ? { alpha: 0.2 } : {})
}

function applied(
  { graph }: LayerContext,
  flow: Flow,
  activation: Activation,
  settings: ActivationSettings = {},
): Flow {
  return { ...flow, value: activate(graph, flow.value, activation, settings), activation }
}

/** Images with the channels in front are flattened as if these were last. */
function flatten({ graph }: LayerContext, layer: KerasLayer, flow: Flow): Flow {
  const size = flow.shape.reduce((product, each) => product * each, 1)
  const isFirst = layer.config['data_format'] === 'channels_first' && flow.shape.length > 1
  const order = [0, ...flow.shape.slice(1).map((_, i) => i + 2), 1]
  const value = isFirst ? graph.node('Transpose', [flow.value], { perm: { ints: order } }) : flow.value
  return { ...flow, value: graph.node('Reshape', [value, graph.integers([-1, size])]), shape: [size] }
}

/** The one axis of a layer that has statistics per feature, counted without the batch. */
function axisOf(layer: KerasLayer, flow: Flow): number {
  const given = layer.config['axis']
  const axis: unknown = Array.isArray(given) && given.length === 1 ? given[0] : given
  if (typeof axis !== 'number')
    throw unsupported(`a ${layer.kind} layer over the axes ${JSON.stringify(given)}`)
  const found = axis < 0 ? flow.shape.length + axis : axis - 1
  if (flow.shape[found] === undefined)
    throw corrupt(`has a ${layer.kind} layer over the axis ${axis} that is not there`)
  return found
}

/** x · scale + shift per feature of an axis. */
function affine(
  graph: GraphWriter,
  flow: Flow,
  axis: number,
  { scale, shift }: { scale: readonly number[]; shift: readonly number[] },
): Flow {
  const dims = flow.shape.slice(axis).map((size, i) => (i === 0 ? size : 1))
  const scaled = graph.node('Mul', [flow.value, graph.numbers(dims, scale)])
  return { ...flow, value: graph.node('Add', [scaled, graph.numbers(dims, shift)]), activation: 'linear' }
}

/** Weights: gamma (if scale), beta (if center), moving mean, moving variance. */
function batchNormalization({ graph, weightsOf }: LayerContext, layer: KerasLayer, flow: Flow): Flow {
  const axis = axisOf(layer, flow)
  const shape = [flow.shape[axis] ?? 0]
  const hasScale = layer.config['scale'] !== false
  const hasCenter = layer.config['center'] !== false
  const weights = exactly(weightsOf(layer), layer, 2 + Number(hasScale) + Number(hasCenter))
  const gamma = hasScale ? weights.at(0, shape).values : null
  const beta = hasCenter ? weights.at(Number(hasScale), shape).values : null
  const mean = weights.at(weights.count - 2, shape).values
  const variance = weights.at(weights.count - 1, shape).values
  const epsilon = number(layer.config, 'epsilon', 1e-3)
  const scale = Array.from(variance, (each, i) => (gamma?.[i] ?? 1) / Math.sqrt(each + epsilon))
  return affine(graph, flow, axis, {
    scale,
    shift: scale.map((each, i) => (beta?.[i] ?? 0) - mean[i]! * each),
  })
}

/** (x − mean) / max(√variance, 1e-7); both are weights after adapt(), or stand in the configuration. */
function normalization({ graph, weightsOf }: LayerContext, layer: KerasLayer, flow: Flow): Flow {
  const { config } = layer
  if (config['invert'] === true) throw unsupported('a Normalization layer that inverts')
  const given = config['axis']
  const isOne = given === null || (Array.isArray(given) && given.length === 0)
  const axis = isOne ? flow.shape.length - 1 : axisOf(layer, flow)
  const size = isOne ? 1 : (flow.shape[axis] ?? 0)
  const statistics = (key: string, index: number): ArrayLike<number> => {
    const value = config[key]
    const list = typeof value === 'number' ? [value] : value
    if (list == null) return weightsOf(layer).at(index, isOne ? [] : [size]).values
    const numbers = Array.isArray(list) ? list.flat(8).map(Number) : []
    if (numbers.length === size) return numbers
    if (numbers.length === 1) return Array.from({ length: size }, () => numbers[0]!)
    throw corrupt(`gives the layer ${layer.name} ${numbers.length} numbers as ${key} where it takes ${size}`)
  }
  const mean = statistics('mean', 0)
  const divisor = Array.from(statistics('variance', 1), (each) => Math.max(Math.sqrt(each), 1e-7))
  const dims = isOne ? [] : flow.shape.slice(axis).map((each, i) => (i === 0 ? each : 1))
  // Subtracted first, as Keras does: with large means, x · scale + shift would lose digits of float.
  const moved = graph.node('Sub', [flow.value, graph.numbers(dims, mean)])
  return { ...flow, value: graph.node('Div', [moved, graph.numbers(dims, divisor)]), activation: 'linear' }
}
