import { ELEMENT, type GraphNode, type GraphTensor } from './onnx-graph.ts'

/** Activation functions of the networks that are read, by one name each. */
export const ACTIVATIONS = [
  'linear',
  'relu',
  'relu6',
  'tanh',
  'sigmoid',
  'softmax',
  'elu',
  'selu',
  'leaky-relu',
  'softplus',
  'softsign',
  'swish',
  'gelu',
  'gelu-tanh',
  'gelu-sigmoid',
  'gelu-nd4j',
  'exponential',
  'hard-sigmoid',
  'hard-tanh',
  'cube',
  'rational-tanh',
  'rectified-tanh',
  'mish',
  'maxout',
  'log-softmax',
  'log-sigmoid',
  'hard-swish',
  'hard-shrink',
  'soft-shrink',
  'tanh-shrink',
  'squareplus',
  'sparse-plus',
  'sparse-sigmoid',
  'cut-off',
] as const
export type Activation = (typeof ACTIVATIONS)[number]

export interface ActivationSettings {
  /** What a negative number is multiplied by (relu, leaky-relu), or the scale of the negative part (elu). */
  readonly alpha?: number
  /** relu: what the output is cut off at. */
  readonly limit?: number
  /** relu: below it, alpha times the distance to it; cut-off: the smallest output. */
  readonly threshold?: number
  /** relu: the threshold itself counts as below. */
  readonly isOpen?: boolean
  /** softmax: counted with the batch, the last where it is not given. */
  readonly axis?: number
}

type Precision = 'FP64' | 'FP32'

/** Writes nodes that compute one value from others; made-up names start with `name`. */
export class GraphWriter {
  readonly nodes: GraphNode[] = []
  readonly tensors: GraphTensor[] = []
  readonly precision: Precision
  #count = 0

  constructor(precision: Precision) {
    this.precision = precision
  }

  /** Adds a node with one output and returns that output's name. */
  node(op: string, inputs: readonly string[], attributes: GraphNode['attributes'] = {}): string {
    const output = `v${this.#count++}`
    this.nodes.push({ op, inputs, outputs: [output], attributes })
    return output
  }

  /** A node of an operator that onnxruntime has in float only. */
  inFloat(op: string, input: string): string {
    if (this.precision === 'FP32') return this.node(op, [input])
    const narrow = this.node('Cast', [input], { to: { int: ELEMENT.FP32 } })
    return this.node('Cast', [this.node(op, [narrow])], { to: { int: ELEMENT.FP64 } })
  }

  /** Adds numbers in the graph's precision. */
  numbers(dims: readonly number[], values: ArrayLike<number>): string {
    const name = `t${this.#count++}`
    const data = this.precision === 'FP64' ? Float64Array.from(values) : Float32Array.from(values)
    this.tensors.push({ name, dims, data })
    return name
  }

  integers(values: readonly number[]): string {
    const name = `t${this.#count++}`
    this.tensors.push({ name, dims: [values.length], data: BigInt64Array.from(values, BigInt) })
    return name
  }

  scalar(value: number): string {
    return this.numbers([], [value])
  }
}

type Form = (graph: GraphWriter, x: string, settings: ActivationSettings) => string

const clip = (graph: GraphWriter, x: string, low: number, high: number) =>
  graph.node('Clip', [x, graph.scalar(low), graph.scalar(high)])
const simple =
  (op: string): Form =>
  (graph, x) =>
    graph.node(op, [x])

const FORMS: Readonly<Record<Activation, Form>> = {
  linear: (_, x) => x,
  relu,
  relu6: (graph, x) => clip(graph, x, 0, 6),
  tanh: simple('Tanh'),
  sigmoid: simple('Sigmoid'),
  softmax: (graph, x, { axis }) => graph.node('Softmax', [x], { axis: { int: axis ?? -1 } }),
  elu: (graph, x, { alpha }) => elu(graph, x, 1, alpha ?? 1),
  selu: (graph, x) => elu(graph, x, 1.0507009873554805, 1.6732632423543772),
  'leaky-relu': (graph, x, { alpha }) => {
    const below = graph.node('Mul', [graph.node('Min', [x, graph.scalar(0)]), graph.scalar(alpha ?? 0.01)])
    return graph.node('Add', [graph.node('Relu', [x]), below])
  },
  softplus,
  mish: (graph, x) => graph.node('Mul', [x, graph.node('Tanh', [softplus(graph, x)])]),
  softsign: (graph, x) => graph.node('Div', [x, onePlus(graph, graph.node('Abs', [x]))]),
  // Not x · Sigmoid(x), which onnxruntime fuses into a kernel that exists in float only.
  swish: (graph, x) => graph.node('Div', [x, onePlus(graph, graph.node('Exp', [graph.node('Neg', [x])]))]),
  gelu: (graph, x) =>
    gelu(graph, x, graph.inFloat('Erf', graph.node('Mul', [x, graph.scalar(Math.SQRT1_2)]))),
  'gelu-tanh': (graph, x) => geluTanh(graph, x, graph.node('Mul', [graph.scalar(0.044715), cube(graph, x)])),
  'gelu-sigmoid': (graph, x) => {
    const power = graph.node('Exp', [graph.node('Mul', [x, graph.scalar(-1.702)])])
    return graph.node('Div', [x, onePlus(graph, power)])
  },
  // ND4J's "precise" form takes the factor to the third power too.
  'gelu-nd4j': (graph, x) => geluTanh(graph, x, cube(graph, graph.node('Mul', [graph.scalar(0.044715), x]))),
  exponential: simple('Exp'),
  'hard-sigmoid': (graph, x, { alpha }) => {
    const scaled = graph.node('Mul', [x, graph.scalar(alpha ?? 0.2)])
    return clip(graph, graph.node('Add', [scaled, graph.scalar(0.5)]), 0, 1)
  },
  'hard-tanh': (graph, x) => clip(graph, x, -1, 1),
  cube,
  'rational-tanh': rationalTanh,
  'rectified-tanh': (graph, x) => graph.node('Relu', [graph.node('Tanh', [x])]),
  // H2O: the larger of each two numbers that stand side by side.
  maxout: (graph, x) =>
    graph.node('ReduceMax', [graph.node('Reshape', [x, graph.integers([0, -1, 2])])], {
      axes: { ints: [2] },
      keepdims: { int: 0 },
    }),
  'log-softmax': (graph, x) => graph.node('LogSoftmax', [x], { axis: { int: -1 } }),
  'log-sigmoid': (graph, x) => graph.node('Neg', [softplus(graph, graph.node('Neg', [x]))]),
  'hard-swish': (graph, x) => {
    const cut = clip(graph, graph.node('Add', [x, graph.scalar(3)]), 0, 6)
    return graph.node('Mul', [x, graph.node('Div', [cut, graph.scalar(6)])])
  },
  'hard-shrink': (graph, x) => {
    const isLarge = graph.node('Greater', [graph.node('Abs', [x]), graph.scalar(0.5)])
    return graph.node('Where', [isLarge, x, graph.scalar(0)])
  },
  'soft-shrink': (graph, x) => graph.node('Sub', [x, clip(graph, x, -0.5, 0.5)]),
  'tanh-shrink': (graph, x) => graph.node('Sub', [x, graph.node('Tanh', [x])]),
  squareplus: (graph, x) => {
    const square = graph.node('Add', [graph.node('Mul', [x, x]), graph.scalar(4)])
    return graph.node('Mul', [graph.node('Add', [x, graph.node('Sqrt', [square])]), graph.scalar(0.5)])
  },
  // 0 to −1, (x + 1)² / 4 to 1, then x.
  'sparse-plus': (graph, x) => {
    const cut = graph.node('Add', [clip(graph, x, -1, 1), graph.scalar(1)])
    const curve = graph.node('Mul', [graph.node('Mul', [cut, cut]), graph.scalar(0.25)])
    const over = graph.node('Relu', [graph.node('Sub', [x, graph.scalar(1)])])
    return graph.node('Add', [curve, over])
  },
  'sparse-sigmoid': (graph, x) =>
    graph.node('Mul', [graph.node('Add', [clip(graph, x, -1, 1), graph.scalar(1)]), graph.scalar(0.5)]),
  'cut-off': (graph, x, { threshold }) => graph.node('Max', [x, graph.scalar(threshold ?? 0)]),
}

/**
 * Applies an activation to the value `x` and returns the result's name. Written with operators that onnxruntime has in
 * both precisions (its Elu, Softplus and others exist in float only); the exact gelu has float's digits in both.
 */
export function activate(
  graph: GraphWriter,
  x: string,
  activation: Activation,
  settings: ActivationSettings = {},
): string {
  return FORMS[activation](graph, x, settings)
}

/** The smaller of x and the limit where x reaches the threshold, else alpha · (x − threshold). */
function relu(
  graph: GraphWriter,
  x: string,
  { alpha = 0, limit, threshold = 0, isOpen = false }: ActivationSettings,
): string {
  if (threshold === 0 && alpha === 0)
    return limit === undefined ? graph.node('Relu', [x]) : clip(graph, x, 0, limit)
  const at = graph.scalar(threshold)
  const isOver = graph.node(isOpen ? 'Greater' : 'GreaterOrEqual', [x, at])
  const over = limit === undefined ? x : graph.node('Min', [x, graph.scalar(limit)])
  const below = graph.node('Mul', [graph.node('Sub', [x, at]), graph.scalar(alpha)])
  return graph.node('Where', [isOver, over, below])
}

function onePlus(graph: GraphWriter, x: string): string {
  return graph.node('Add', [graph.scalar(1), x])
}

/** log(1 + e^x) without overflow: max(x, 0) + log(1 + e^−|x|). */
function softplus(graph: GraphWriter, x: string): string {
  const power = graph.node('Exp', [graph.node('Neg', [graph.node('Abs', [x])])])
  const log = graph.node('Log', [onePlus(graph, power)])
  return graph.node('Add', [graph.node('Relu', [x]), log])
}

function cube(graph: GraphWriter, x: string): string {
  return graph.node('Mul', [x, graph.node('Mul', [x, x])])
}

/** x/2 · (1 + tanh(√(2/π) · (x + cubed))). */
function geluTanh(graph: GraphWriter, x: string, cubed: string): string {
  const inner = graph.node('Mul', [graph.scalar(Math.sqrt(2 / Math.PI)), graph.node('Add', [x, cubed])])
  return gelu(graph, x, graph.node('Tanh', [inner]))
}

/** x/2 · (1 + inner). */
function gelu(graph: GraphWriter, x: string, inner: string): string {
  return graph.node('Mul', [graph.node('Mul', [x, graph.scalar(0.5)]), onePlus(graph, inner)])
}

function elu(graph: GraphWriter, x: string, scale: number, alpha: number): string {
  const below = graph.node('Min', [x, graph.scalar(0)])
  const curve = graph.node('Sub', [graph.node('Exp', [below]), graph.scalar(1)])
  const sum = graph.node('Add', [graph.node('Relu', [x]), graph.node('Mul', [curve, graph.scalar(alpha)])])
  return scale === 1 ? sum : graph.node('Mul', [sum, graph.scalar(scale)])
}

/** ND4J's: 1.7159 · sgn(y) · (1 − 1 / (1 + |y| + y² + 1.41645 y⁴)) with y = 2x/3. */
function rationalTanh(graph: GraphWriter, x: string): string {
  const op = (name: string, ...inputs: string[]) => graph.node(name, inputs)
  const y = op('Mul', x, graph.scalar(2 / 3))
  const square = op('Mul', y, y)
  const fourth = op('Mul', op('Mul', square, square), graph.scalar(1.41645))
  const below = op('Add', op('Add', graph.scalar(1), op('Abs', y)), op('Add', square, fourth))
  const curve = op('Sub', graph.scalar(1), op('Div', graph.scalar(1), below))
  return op('Mul', graph.scalar(1.7159), op('Mul', op('Sign', y), curve))
}
