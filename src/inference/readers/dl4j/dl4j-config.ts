import { ModelError } from '../../../api/errors.ts'
import type { Activation, ActivationSettings } from '../../engines/activations.ts'

/** One layer of a MultiLayerNetwork as inference needs it. */
export interface Dl4jLayer extends ActivationSettings {
  readonly name: string
  /** Null where the layer has no weights. */
  readonly dense: { readonly inputs: number; readonly outputs: number; readonly hasBias: boolean } | null
  readonly activation: Activation
}

export type Json = Readonly<Record<string, unknown>>

/** Layer classes that are read, by their simple name; the short names are those of configurations before 1.0.0-beta. */
const DENSE = ['DenseLayer', 'OutputLayer', 'dense', 'output']
const PLAIN = ['ActivationLayer', 'LossLayer', 'activation', 'loss']
const DROPOUT = ['DropoutLayer', 'dropout']

const ACTIVATION_CLASSES: Readonly<Record<string, Activation>> = {
  identity: 'linear',
  relu: 'relu',
  relu6: 'relu6',
  thresholdedrelu: 'relu',
  tanh: 'tanh',
  sigmoid: 'sigmoid',
  softmax: 'softmax',
  elu: 'elu',
  selu: 'selu',
  lrelu: 'leaky-relu',
  leakyrelu: 'leaky-relu',
  softplus: 'softplus',
  softsign: 'softsign',
  swish: 'swish',
  mish: 'mish',
  hardsigmoid: 'hard-sigmoid',
  hardtanh: 'hard-tanh',
  cube: 'cube',
  rationaltanh: 'rational-tanh',
  rectifiedtanh: 'rectified-tanh',
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function corrupt(what: string): ModelError {
  return new ModelError('model.corrupt', `configuration.json ${what}. Save the model again.`)
}

function unsupported(what: string): ModelError {
  return new ModelError(
    'model.unsupported',
    `The network has ${what}, which is not supported: Dense, Output, Activation, Loss and Dropout layers are. ` +
      'Export a network with others as ONNX.',
  )
}

/** Reads configuration.json of a MultiLayerNetwork. Throws `model.unsupported` with the name of what is not supported. */
export function readDl4jLayers(config: Json): readonly Dl4jLayer[] {
  if (
    isObject(config['networkInputs']) ||
    isObject(config['vertices']) ||
    Array.isArray(config['networkInputs'])
  )
    throw unsupported('the form of a ComputationGraph')
  for (const each of Object.values(
    isObject(config['inputPreProcessors']) ? config['inputPreProcessors'] : {},
  )) {
    throw unsupported(`the input preprocessor ${className(each)}`)
  }
  const confs = config['confs']
  if (!Array.isArray(confs) || confs.length === 0) throw corrupt('has no layers')
  return confs.map((conf: unknown, i) => {
    const layer = isObject(conf) ? conf['layer'] : undefined
    if (!isObject(layer)) throw corrupt(`has no layer ${i}`)
    return readLayer(layer, i)
  })
}

function readLayer(layer: Json, i: number): Dl4jLayer {
  const kind = className(layer)
  const body = unwrapped(layer)
  const given = body['layerName']
  const name = typeof given === 'string' ? given : `layer${i}`
  if (DROPOUT.includes(kind)) return { name, dense: null, activation: 'linear' }
  const isDense = DENSE.includes(kind)
  if (!isDense && !PLAIN.includes(kind)) throw unsupported(`a layer of the class ${kind}`)
  if (body['hasLayerNorm'] === true) throw unsupported('a layer with layer normalization (hasLayerNorm)')
  const dense = isDense
    ? {
        inputs: size(body, 'nin', name),
        outputs: size(body, 'nout', name),
        hasBias: body['hasBias'] !== false,
      }
    : null
  return { name, dense, ...readActivation(body) }
}

function size(body: Json, key: string, name: string): number {
  const value = body[key] ?? body[key === 'nin' ? 'nIn' : 'nOut']
  if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 2 ** 31) return value
  throw corrupt(`gives the layer ${name} the ${key} ${JSON.stringify(value)}`)
}

/** The simple name of a Jackson type: of `@class`, or the key of the object that wraps it in old configurations. */
function className(value: unknown): string {
  if (typeof value === 'string') return value
  if (!isObject(value)) return String(value)
  const name = value['@class']
  if (typeof name === 'string') return name.split(/[.$]/).at(-1) ?? name
  return Object.keys(value)[0] ?? 'unknown'
}

function unwrapped(value: Json): Json {
  if (typeof value['@class'] === 'string') return value
  const inner = Object.values(value)[0]
  return isObject(inner) ? inner : {}
}

/** `activationFn`, an object; `activationFunction`, a text, before 0.7. */
function readActivation(body: Json): Pick<Dl4jLayer, 'activation' | keyof ActivationSettings> {
  const value = body['activationFn'] ?? body['activationFunction'] ?? 'identity'
  const given = className(value)
  const name = given.replace(/^Activation/, '').toLowerCase()
  const settings = isObject(value) ? unwrapped(value) : {}
  const number = (key: string, fallback: number) => {
    const found = settings[key] ?? fallback
    if (typeof found === 'number') return found
    throw corrupt(`gives the activation ${given} the ${key} ${JSON.stringify(found).slice(0, 100)}`)
  }
  if (name === 'gelu') return { activation: settings['precise'] === true ? 'gelu-nd4j' : 'gelu-sigmoid' }
  // What ND4J makes of its randomized ReLU where nothing is trained: max(x, (l + u) / 2).
  if (name === 'rrelu')
    return { activation: 'cut-off', threshold: (number('l', 1 / 8) + number('u', 1 / 3)) / 2 }
  const found = Object.hasOwn(ACTIVATION_CLASSES, name) ? ACTIVATION_CLASSES[name] : undefined
  if (found === undefined) throw unsupported(`the activation ${given}`)
  if (name === 'thresholdedrelu') return { activation: found, threshold: number('theta', 1), isOpen: true }
  if (name === 'relu') {
    const slope = { alpha: number('negativeSlope', 0), threshold: number('threshold', 0) }
    const limit = settings['max'] == null ? {} : { limit: number('max', 0) }
    return { activation: found, ...slope, ...limit }
  }
  const takesAlpha = found === 'leaky-relu' || found === 'elu'
  if (!takesAlpha || settings['alpha'] == null) return { activation: found }
  return { activation: found, alpha: number('alpha', 0) }
}
