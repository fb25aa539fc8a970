import { ModelError } from '../../../api/errors.ts'

export type Json = Readonly<Record<string, unknown>>

/** One layer of a Keras model's configuration. */
export interface KerasLayer {
  readonly kind: string
  readonly name: string
  readonly config: Json
  /** Where `.keras` files keep its weights: layers are counted per class, in order. */
  readonly place: string
}

export interface KerasModel {
  /** `Sequential` or `Functional`. */
  readonly kind: string
  readonly layers: readonly KerasLayer[]
  /** Of one row. */
  readonly inputShape: readonly number[]
  readonly inputName: string
  readonly precision: 'FP32' | 'FP64'
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function corrupt(what: string): ModelError {
  return new ModelError('model.corrupt', `The Keras model ${what}. Save it again.`)
}

export function unsupported(what: string): ModelError {
  return new ModelError(
    'model.unsupported',
    `The Keras model has ${what}, which is not supported. Export it as ONNX: model.export(path, format="onnx").`,
  )
}

/** A setting of a layer that is a number; `fallback` where it is not there. Throws where it is anything else. */
export function numberOf(config: Json, key: string, fallback: number): number {
  const value = config[key] ?? fallback
  if (typeof value === 'number') return value
  throw unsupported(`the ${key} ${JSON.stringify(value).slice(0, 100)}`)
}

/**
 * Reads the configuration of a Sequential model, or of a functional one whose layers follow one another. `version` is
 * that of the Keras that wrote it.
 */
export function readKerasModel(json: string, version: string): KerasModel {
  let root: unknown
  try {
    root = JSON.parse(json)
  } catch (error) {
    throw new ModelError(
      'model.corrupt',
      'The configuration of the Keras model is not JSON. Save it again.',
      {
        cause: error,
      },
    )
  }
  if (!isObject(root)) throw corrupt('has no configuration')
  const kind = String(root['class_name'])
  if (!['Sequential', 'Functional', 'Model'].includes(kind)) throw unsupported(`the class ${kind}`)
  refuseCustom(root)
  // Keras up to 2.2.2 wrote the layers of a Sequential model as a list.
  const config = Array.isArray(root['config']) ? { layers: root['config'] } : root['config']
  if (!isObject(config) || !Array.isArray(config['layers'])) throw corrupt('has no layers')
  const all = readLayers(config['layers'], Number.parseInt(version, 10))
  const layers = kind === 'Sequential' ? all.map(({ layer }) => layer) : inOrder(all, config)
  const inputs = all.filter(({ layer }) => layer.kind === 'InputLayer')
  if (inputs.length > 1) throw unsupported(`${inputs.length} inputs`)
  const shape = [
    ...layers
      .slice(0, 1)
      .flatMap((layer) => [layer.config['batch_shape'], layer.config['batch_input_shape']]),
    config['build_input_shape'],
    isObject(root['build_config']) ? root['build_config']['input_shape'] : undefined,
  ].find(Array.isArray)
  return {
    kind: kind === 'Model' ? 'Functional' : kind,
    layers: layers.filter((layer) => layer.kind !== 'InputLayer'),
    inputShape: rowShape(shape),
    inputName: layers[0]?.kind === 'InputLayer' ? layers[0].name : 'input',
    precision: readPrecision(layers),
  }
}

interface Linked {
  readonly layer: KerasLayer
  /** The layers that it takes its inputs from. */
  readonly sources: readonly string[]
}

/** A class of somebody's own may have the name of one of Keras': it says where it comes from. */
function refuseCustom(value: Json): void {
  const { module, registered_name: registered } = value
  const isOwn = module === null || (typeof module === 'string' && !/^(tf_)?keras(\.|$)/.test(module))
  const isRegistered = typeof registered === 'string' && registered.includes('>')
  if (isRegistered) throw unsupported(`a class of its own, ${registered}`)
  if (isOwn) throw unsupported(`a class of its own, ${String(value['class_name'])}`)
}

function readLayers(list: readonly unknown[], keras: number): readonly Linked[] {
  const counts = new Map<string, number>()
  return list.map((each) => {
    const config = isObject(each) ? each['config'] : undefined
    if (!isObject(each) || !isObject(config)) throw corrupt('has a layer without a configuration')
    refuseCustom(each)
    const kind = String(each['class_name'])
    const snake = snakeCase(kind)
    const count = counts.get(snake) ?? 0
    counts.set(snake, count + 1)
    const name = typeof config['name'] === 'string' ? config['name'] : kind
    const layer = { kind, name, config, place: count === 0 ? snake : `${snake}_${count}` }
    // Keras 3 overrides it where a model predicts.
    if (keras < 3 && isTraining(each['inbound_nodes']))
      throw unsupported(`the layer ${name} called with training=True`)
    return { layer, sources: readSources(each['inbound_nodes'], name) }
  })
}

/** Whether a layer was called with `training=True`: it then drops out, or normalizes by the batch, for ever. */
function isTraining(nodes: unknown): boolean {
  if (Array.isArray(nodes)) return nodes.some(isTraining)
  if (!isObject(nodes)) return false
  return nodes['training'] === true || Object.values(nodes).some(isTraining)
}

/** keras.utils.naming.to_snake_case. */
function snakeCase(kind: string): string {
  return kind
    .replace(/\W+/g, '')
    .replace(/(.)([A-Z][a-z]+)/g, '$1_$2')
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
}

/** Keras 2: [[["name", 0, 0, {}], …]]. Keras 3: [{"args": [{…"keras_history": ["name", 0, 0]}], …}]. */
function readSources(nodes: unknown, name: string): readonly string[] {
  if (!Array.isArray(nodes)) return []
  if (nodes.length > 1) throw unsupported(`the layer ${name} in two places`)
  const found: string[] = []
  const search = (value: unknown): void => {
    if (Array.isArray(value)) {
      if (typeof value[0] === 'string' && typeof value[1] === 'number') found.push(value[0])
      else value.forEach(search)
    } else if (isObject(value)) {
      if (Array.isArray(value['keras_history'])) found.push(String(value['keras_history'][0]))
      else Object.values(value).forEach(search)
    }
  }
  search(nodes)
  return found
}

/** Follows a functional model from its input to its output: each layer must take one layer's output. */
function inOrder(all: readonly Linked[], config: Json): readonly KerasLayer[] {
  const output = onlyName(config['output_layers'], 'outputs')
  const input = onlyName(config['input_layers'], 'inputs')
  const byName = new Map(all.map((each) => [each.layer.name, each]))
  const order: KerasLayer[] = []
  for (let name = output; ;) {
    const found = byName.get(name)
    if (found === undefined || order.length > all.length)
      throw corrupt(`has no layer ${name} that leads to its input`)
    order.unshift(found.layer)
    if (name === input) break
    if (found.sources.length !== 1)
      throw unsupported(`branches: ${found.layer.kind} takes ${found.sources.length} layers`)
    name = found.sources[0] ?? ''
  }
  if (order.length !== all.length)
    throw unsupported('branches: not every layer is between its input and its output')
  return order
}

/** ["name", 0, 0], or a list or an object of such. */
function onlyName(value: unknown, what: string): string {
  const given: unknown = isObject(value) ? Object.values(value) : value
  if (!Array.isArray(given)) throw corrupt(`does not name its ${what}`)
  const list: readonly unknown[] = typeof given[0] === 'string' ? [given] : given
  const first: unknown = list[0]
  if (list.length > 1) throw unsupported(`${list.length} ${what}`)
  if (!Array.isArray(first) || typeof first[0] !== 'string') throw corrupt(`does not name its ${what}`)
  return first[0]
}

function rowShape(shape: readonly unknown[] | undefined): readonly number[] {
  if (shape === undefined) throw corrupt('does not say what shape its input has')
  const sizes = shape.slice(1)
  const isSize = (size: unknown): size is number =>
    typeof size === 'number' && Number.isInteger(size) && size > 0
  if (sizes.length === 0 || !sizes.every(isSize)) {
    throw unsupported(`an input of the shape ${JSON.stringify(shape)}: only that of the batch may be open`)
  }
  return sizes
}

/** Of the layers that compute: whole numbers that go in become floats in the first of them. */
function readPrecision(layers: readonly KerasLayer[]): 'FP32' | 'FP64' {
  const types = layers.map(({ kind, config }) => ({
    isInput: kind === 'InputLayer',
    name: typeName(config['dtype']),
  }))
  const isOpen = (name: string) => /^(u?int\d+|float32|float64)$/.test(name) && types.length > 1
  const other = types.find(
    ({ name, isInput }) => !['float32', 'float64'].includes(name) && !(isInput && isOpen(name)),
  )
  if (other !== undefined) throw unsupported(`numbers of the type ${other.name}`)
  const names = types.filter(({ isInput }) => !isInput || types.length === 1).map(({ name }) => name)
  const isDouble = names.includes('float64')
  if (isDouble && names.includes('float32')) throw unsupported('layers of float32 and of float64')
  return isDouble ? 'FP64' : 'FP32'
}

/** A text, or a policy: an object with the name of one, or of a class of its own. */
function typeName(dtype: unknown): string {
  if (dtype == null) return 'float32'
  if (!isObject(dtype)) return typeof dtype === 'string' ? dtype : JSON.stringify(dtype)
  const inner = dtype['config']
  return String((isObject(inner) ? inner['name'] : undefined) ?? dtype['class_name'])
}
