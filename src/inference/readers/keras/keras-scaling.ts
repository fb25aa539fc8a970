import { corrupt, type KerasLayer, numberOf, unsupported } from './keras-config.ts'
import type { Flow, LayerContext } from './keras-flow.ts'
import { exactly } from './keras-weights.ts'

/** The axes of a layer that has statistics per feature, counted without the batch, in order. */
function axesOf(layer: KerasLayer, { shape }: Flow): readonly number[] {
  const given = layer.config['axis'] ?? []
  const axes: readonly unknown[] = Array.isArray(given) ? given : [given]
  const found = axes.map((axis) => {
    const place = typeof axis === 'number' ? (axis < 0 ? shape.length + axis : axis - 1) : -1
    if (shape[place] === undefined)
      throw corrupt(`has a ${layer.kind} layer over the axis ${String(axis)} that is not there`)
    return place
  })
  return found.toSorted((a, b) => a - b)
}

/** The shape of statistics per feature of some axes, for operators that repeat them along the others. */
function spread({ shape }: Flow, axes: readonly number[]): readonly number[] {
  return shape.map((size, i) => (axes.includes(i) ? size : 1))
}

/** Weights: gamma (if scale), beta (if center), moving mean, moving variance. */
export function batchNormalization(context: LayerContext, layer: KerasLayer, flow: Flow): Flow {
  const { graph } = context
  const axes = axesOf(layer, flow)
  const [axis] = axes
  if (axis === undefined || axes.length > 1)
    throw unsupported(`a BatchNormalization layer over the axes ${JSON.stringify(layer.config['axis'])}`)
  const shape = [flow.shape[axis] ?? 0]
  const hasScale = layer.config['scale'] !== false
  const hasCenter = layer.config['center'] !== false
  const weights = exactly(context.weightsOf(layer), layer, 2 + Number(hasScale) + Number(hasCenter))
  const gamma = hasScale ? weights.at(0, shape).values : null
  const beta = hasCenter ? weights.at(Number(hasScale), shape).values : null
  const mean = weights.at(weights.count - 2, shape).values
  const variance = weights.at(weights.count - 1, shape).values
  const epsilon = numberOf(layer.config, 'epsilon', 1e-3)
  const scale = Array.from(variance, (each, i) => (gamma?.[i] ?? 1) / Math.sqrt(each + epsilon))
  const shift = scale.map((each, i) => (beta?.[i] ?? 0) - mean[i]! * each)
  const dims = spread(flow, axes)
  const scaled = graph.node('Mul', [flow.value, graph.numbers(dims, scale)])
  const value = graph.node('Add', [scaled, graph.numbers(dims, shift)])
  return { ...flow, value, activation: 'linear' }
}

/**
 * (x − mean) / max(√variance, 1e-7), or back where the layer inverts. Both are weights after adapt(), or stand in the
 * configuration.
 */
export function normalization({ graph, weightsOf }: LayerContext, layer: KerasLayer, flow: Flow): Flow {
  const axes = axesOf(layer, flow)
  const dims = spread(flow, axes)
  const size = dims.reduce((product, each) => product * each, 1)
  const shape = axes.map((axis) => flow.shape[axis] ?? 0)
  const statistics = (key: string, index: number): ArrayLike<number> => {
    const list = numbersOf(layer.config[key])
    if (list === null) return weightsOf(layer).at(index, shape).values
    if (list.length === size) return list
    if (list.length === 1) return Array.from({ length: size }, () => list[0]!)
    throw corrupt(`gives the layer ${layer.name} ${list.length} numbers as ${key} where it takes ${size}`)
  }
  const mean = graph.numbers(dims, statistics('mean', 0))
  const spreads = Array.from(statistics('variance', 1), (each) => Math.max(Math.sqrt(each), 1e-7))
  const deviation = graph.numbers(dims, spreads)
  // Subtracted first, as Keras does: with large means, x · scale + shift would lose digits of float.
  const value =
    layer.config['invert'] === true
      ? graph.node('Add', [mean, graph.node('Mul', [flow.value, deviation])])
      : graph.node('Div', [graph.node('Sub', [flow.value, mean]), deviation])
  return { ...flow, value, activation: 'linear' }
}

/** x · scale + offset: one number each, or one per feature of the last axis. */
export function rescaling({ graph }: LayerContext, layer: KerasLayer, flow: Flow): Flow {
  const width = flow.shape.at(-1) ?? 0
  const operand = (key: string, fallback: number): string => {
    const list = numbersOf(layer.config[key]) ?? [fallback]
    if (list.length === 1) return graph.scalar(list[0]!)
    if (list.length === width) return graph.numbers([width], list)
    throw corrupt(
      `gives the layer ${layer.name} ${list.length} numbers as ${key} where it takes 1 or ${width}`,
    )
  }
  const scaled = graph.node('Mul', [flow.value, operand('scale', 1)])
  return { ...flow, value: graph.node('Add', [scaled, operand('offset', 0)]), activation: 'linear' }
}

/** A number or a nest of lists of them, flat; null where there is none. A value that is no number is one that is not there. */
function numbersOf(value: unknown): readonly number[] | null {
  if (typeof value === 'number') return [value]
  if (!Array.isArray(value)) {
    if (value == null) return null
    throw unsupported(`the numbers ${JSON.stringify(value).slice(0, 100)}`)
  }
  return value.flat(8).map(Number)
}
