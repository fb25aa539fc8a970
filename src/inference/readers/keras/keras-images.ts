import type { GraphWriter } from '../../engines/activations.ts'
import { corrupt, type KerasLayer, unsupported } from './keras-config.ts'
import type { LayerWeights } from './keras-weights.ts'

interface Value {
  readonly value: string
  readonly shape: readonly number[]
}

/** An image in ONNX' order: channels, rows, columns. */
interface Image {
  readonly value: string
  readonly channels: number
  readonly size: readonly [number, number]
}

const TO_FIRST = { perm: { ints: [0, 3, 1, 2] } }
const TO_LAST = { perm: { ints: [0, 2, 3, 1] } }

function isFirst(layer: KerasLayer): boolean {
  return layer.config['data_format'] === 'channels_first'
}

function toImage(graph: GraphWriter, layer: KerasLayer, { value, shape }: Value): Image {
  const [a, b, c] = shape
  if (a === undefined || b === undefined || c === undefined || shape.length !== 3) {
    throw corrupt(`gives the layer ${layer.name} a value of ${shape.length} axes where it takes an image`)
  }
  if (isFirst(layer)) return { value, channels: a, size: [b, c] }
  return { value: graph.node('Transpose', [value], TO_FIRST), channels: c, size: [a, b] }
}

/** onnxruntime removes a pair of transpositions that undo each other. */
function fromImage(graph: GraphWriter, layer: KerasLayer, { value, channels, size }: Image): Value {
  if (isFirst(layer)) return { value, shape: [channels, ...size] }
  return { value: graph.node('Transpose', [value], TO_LAST), shape: [...size, channels] }
}

/** onnxruntime convolves and pools in float only. */
function refuseDouble(graph: GraphWriter, layer: KerasLayer): void {
  if (graph.precision === 'FP64') throw unsupported(`a ${layer.kind} layer of float64`)
}

function pair(
  layer: KerasLayer,
  key: string,
  fallback: readonly [number, number] | null,
): readonly [number, number] {
  const given = layer.config[key] ?? fallback
  const list: readonly unknown[] = Array.isArray(given) ? given : [given, given]
  const [a, b] = list
  const isSize = (size: unknown) =>
    typeof size === 'number' && Number.isInteger(size) && size > 0 && size < 2 ** 16
  if (list.length === 2 && isSize(a) && isSize(b)) return [a as number, b as number]
  throw corrupt(`gives the layer ${layer.name} the ${key} ${JSON.stringify(given)}`)
}

/** How a window moves over an image: ONNX' attributes, and the size that comes out. */
function windows(
  layer: KerasLayer,
  size: readonly [number, number],
  {
    kernel,
    strides,
    dilations,
  }: Readonly<Record<'kernel' | 'strides' | 'dilations', readonly [number, number]>>,
) {
  const padding = layer.config['padding'] ?? 'valid'
  if (padding !== 'same' && padding !== 'valid') throw unsupported(`the padding ${JSON.stringify(padding)}`)
  const before: number[] = []
  const after: number[] = []
  const out = size.map((length, i) => {
    const span = (kernel[i]! - 1) * dilations[i]! + 1
    const stride = strides[i]!
    const count = padding === 'same' ? Math.ceil(length / stride) : Math.floor((length - span) / stride) + 1
    if (count < 1) throw corrupt(`gives the layer ${layer.name} an image that is smaller than its window`)
    const missing = padding === 'same' ? Math.max((count - 1) * stride + span - length, 0) : 0
    before.push(Math.floor(missing / 2))
    after.push(Math.ceil(missing / 2))
    return count
  })
  const attributes = {
    kernel_shape: { ints: kernel },
    strides: { ints: strides },
    pads: { ints: [...before, ...after] },
  }
  return { attributes, out: out as [number, number] }
}

/** Kernel: rows × columns × channels / groups × filters; ONNX wants filters first. */
export function convolve(graph: GraphWriter, layer: KerasLayer, flow: Value, weights: LayerWeights): Value {
  refuseDouble(graph, layer)
  const image = toImage(graph, layer, flow)
  const kernel = pair(layer, 'kernel_size', null)
  const dilations = pair(layer, 'dilation_rate', [1, 1])
  const strides = pair(layer, 'strides', [1, 1])
  const filters = Number(layer.config['filters'])
  const groups = Number(layer.config['groups'] ?? 1)
  const depth = image.channels / groups
  const { values } = weights.at(0, [...kernel, depth, filters])
  const [rows, columns] = kernel
  const turned = new Float64Array(values.length)
  let at = 0
  for (let filter = 0; filter < filters; filter++)
    for (let channel = 0; channel < depth; channel++)
      for (let cell = 0; cell < rows * columns; cell++)
        turned[at++] = values[(cell * depth + channel) * filters + filter]!
  const { attributes, out } = windows(layer, image.size, { kernel, strides, dilations })
  const operands = [image.value, graph.numbers([filters, depth, rows, columns], turned)]
  if (weights.count > 1) operands.push(graph.numbers([filters], weights.at(1, [filters]).values))
  const value = graph.node('Conv', operands, {
    ...attributes,
    dilations: { ints: dilations },
    group: { int: groups },
  })
  return fromImage(graph, layer, { value, channels: filters, size: out })
}

export function pool(
  graph: GraphWriter,
  layer: KerasLayer,
  flow: Value,
  op: 'MaxPool' | 'AveragePool',
): Value {
  refuseDouble(graph, layer)
  const image = toImage(graph, layer, flow)
  const kernel = pair(layer, 'pool_size', [2, 2])
  const strides = pair(layer, 'strides', kernel)
  const { attributes, out } = windows(layer, image.size, { kernel, strides, dilations: [1, 1] })
  const value = graph.node(op, [image.value], attributes)
  return fromImage(graph, layer, { ...image, value, size: out })
}

export function poolAll(
  graph: GraphWriter,
  layer: KerasLayer,
  flow: Value,
  op: 'ReduceMax' | 'ReduceMean',
): Value {
  const { channels } = toImage(graph, layer, flow)
  const axes = isFirst(layer) ? [2, 3] : [1, 2]
  const keeps = layer.config['keepdims'] === true
  const value = graph.node(op, [flow.value], { axes: { ints: axes }, keepdims: { int: Number(keeps) } })
  if (!keeps) return { value, shape: [channels] }
  return { value, shape: isFirst(layer) ? [channels, 1, 1] : [1, 1, channels] }
}
