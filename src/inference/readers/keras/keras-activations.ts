import type { Activation, ActivationSettings } from '../../engines/activations.ts'
import { isObject, type Json, numberOf, unsupported } from './keras-config.ts'

export interface KerasActivation {
  readonly activation: Activation
  readonly settings: ActivationSettings
}

const NAMES: Readonly<Record<string, Activation>> = {
  linear: 'linear',
  relu: 'relu',
  relu6: 'relu6',
  tanh: 'tanh',
  sigmoid: 'sigmoid',
  softmax: 'softmax',
  log_softmax: 'log-softmax',
  // softmax_v2 and its like are the names of TensorFlow's own functions, as Keras 2 wrote them.
  softmax_v2: 'softmax',
  log_softmax_v2: 'log-softmax',
  elu: 'elu',
  celu: 'elu',
  selu: 'selu',
  softplus: 'softplus',
  softsign: 'softsign',
  silu: 'swish',
  swish: 'swish',
  gelu: 'gelu',
  exponential: 'exponential',
  hard_sigmoid: 'hard-sigmoid',
  hard_silu: 'hard-swish',
  hard_swish: 'hard-swish',
  hard_tanh: 'hard-tanh',
  hard_shrink: 'hard-shrink',
  soft_shrink: 'soft-shrink',
  tanh_shrink: 'tanh-shrink',
  leaky_relu: 'leaky-relu',
  log_sigmoid: 'log-sigmoid',
  mish: 'mish',
  squareplus: 'squareplus',
  sparse_plus: 'sparse-plus',
  sparse_sigmoid: 'sparse-sigmoid',
}

/** Activations that are layers of their own, and may stand where a layer names its activation. */
const LAYERS: Readonly<Record<string, (config: Json, rank: number) => KerasActivation>> = {
  ReLU: (config) => {
    const limit = config['max_value'] == null ? {} : { limit: numberOf(config, 'max_value', 0) }
    const settings = {
      alpha: numberOf(config, 'negative_slope', 0),
      threshold: numberOf(config, 'threshold', 0),
      isOpen: true,
      ...limit,
    }
    return { activation: 'relu', settings }
  },
  LeakyReLU: (config) => {
    const alpha = numberOf(config, 'negative_slope', numberOf(config, 'alpha', 0.3))
    return { activation: 'leaky-relu', settings: { alpha } }
  },
  ELU: (config) => ({ activation: 'elu', settings: { alpha: numberOf(config, 'alpha', 1) } }),
  Softmax: (config, rank) => {
    const given = config['axis'] ?? -1
    const axis: unknown = Array.isArray(given) && given.length === 1 ? given[0] : given
    if (typeof axis !== 'number')
      throw unsupported(`a Softmax layer over the axes ${JSON.stringify(given)} together`)
    if (axis === 0 || axis === -rank - 1)
      throw unsupported('a Softmax layer over the batch (axis 0), with which rows influence each other')
    return { activation: 'softmax', settings: axis === -1 || axis === rank ? {} : { axis } }
  },
}

export function isActivationLayer(kind: string): boolean {
  return Object.hasOwn(LAYERS, kind)
}

/** A layer of the class `kind`; `rank` is the number of axes of one row. */
export function activationLayer(kind: string, config: Json, rank: number): KerasActivation {
  const found = LAYERS[kind]?.(config, rank)
  if (found === undefined) throw unsupported(`the activation ${kind}`)
  return found
}

/** What a layer's configuration names as its activation: a text, an object around one, or a layer. */
export function readActivation(
  given: unknown,
  { keras, rank }: { keras: number; rank: number },
): KerasActivation {
  const inner = isObject(given) ? given['config'] : (given ?? 'linear')
  if (isObject(given) && isObject(inner)) return activationLayer(String(given['class_name']), inner, rank)
  const name = typeof inner === 'string' ? inner : JSON.stringify(inner)
  const activation = Object.hasOwn(NAMES, name) ? NAMES[name] : undefined
  if (activation === undefined) throw unsupported(`the activation ${name}`)
  if (activation === 'hard-sigmoid') return { activation, settings: { alpha: keras >= 3 ? 1 / 6 : 0.2 } }
  return { activation, settings: activation === 'leaky-relu' ? { alpha: 0.2 } : {} }
}
