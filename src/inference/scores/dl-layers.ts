import { ModelError } from '../../api/errors.ts'
import type { DenseLayer, DenseNetwork } from '../engines/dense-network.ts'
import { activateRows, runLayers } from '../engines/dense-loops.ts'

type H2oActivation = 'linear' | 'relu' | 'tanh' | 'elu' | 'softmax' | 'maxout'

/** Below this many multiplications a batch is computed faster in loops than handed to ONNX Runtime. */
const FEW = 16_000
/** Beyond this a later layer could overflow. ONNX Runtime's Relu and ReduceMax take infinity and NaN otherwise than genmodel. */
const HUGE = 1e100

/** Which inputs of a row are not 0, and their values; `width` for each row. */
export interface SparseRows {
  readonly width: number
  readonly columns: Int32Array
  readonly values: Float64Array
}

/**
 * H2O's layers in double. The first one reads a row's few inputs that are not 0 (each category is one of many), the
 * others are dense: loops for few rows, ONNX Runtime for many. Both differ from h2o-genmodel by the order of additions.
 */
export class DlLayers {
  readonly #first: DenseLayer
  /** The first layer's weights, one row of outputs per input. */
  readonly #byInput: Float64Array
  readonly #others: readonly DenseLayer[]
  readonly #multiplications: number
  #network: Promise<DenseNetwork | null> | undefined

  constructor(layers: readonly DenseLayer[]) {
    const [first, ...others] = layers
    if (first === undefined)
      throw new ModelError('model.corrupt', 'The network has no layers. Export it again.')
    this.#first = first
    this.#others = others
    this.#byInput = transpose(first)
    this.#multiplications = others.reduce((sum, { weights }) => sum + weights.length, 0)
  }

  /** Numbers per row that the last layer gives. */
  get outputs(): number {
    const last = this.#others.at(-1) ?? this.#first
    return last.activation === 'maxout' ? last.bias.length / 2 : last.bias.length
  }

  async run(input: SparseRows, rows: number): Promise<Float64Array> {
    const hidden = this.#runFirst(input, rows)
    if (this.#others.length === 0) return hidden
    const isFew = rows * this.#multiplications < FEW
    const network = isFew || mayOverflow(hidden) ? null : await this.#load()
    return network === null
      ? runLayers(this.#others, hidden, rows)
      : ((await network.run(hidden, rows)) as Float64Array)
  }

  /** Null where ONNX Runtime is not installed: the loops do without. */
  #load(): Promise<DenseNetwork | null> {
    this.#network ??= import('../engines/dense-network.ts')
      .then(({ createDenseNetwork }) => createDenseNetwork(this.#others, 'FP64'))
      .catch((error: unknown) => {
        if (error instanceof ModelError && error.code === 'model.unsupported') return null
        throw error
      })
    return this.#network
  }

  #runFirst(input: SparseRows, rows: number): Float64Array {
    const { bias, activation } = this.#first
    const units = bias.length
    const sums = new Float64Array(rows * units)
    for (let row = 0; row < rows; row++) {
      sums.set(bias, row * units)
      for (let at = row * input.width; at < (row + 1) * input.width; at += 4) {
        addFour(this.#byInput, input, at, { sums, from: row * units, units })
      }
    }
    return activateRows(activation as H2oActivation, sums, units)
  }
}

function transpose({ weights, bias }: DenseLayer): Float64Array {
  const [units, inputs] = [bias.length, weights.length / bias.length]
  const byInput = new Float64Array(weights.length)
  for (let k = 0; k < units; k++) {
    for (let i = 0; i < inputs; i++) byInput[i * units + k] = weights[k * inputs + i]!
  }
  return byInput
}

function addFour(
  weights: Float64Array,
  { columns, values }: SparseRows,
  at: number,
  { sums, from, units }: { sums: Float64Array; from: number; units: number },
): void {
  const [a, b] = [columns[at]! * units, columns[at + 1]! * units]
  const [c, d] = [columns[at + 2]! * units, columns[at + 3]! * units]
  const [u, v, w, x] = [values[at]!, values[at + 1]!, values[at + 2]!, values[at + 3]!]
  for (let k = 0; k < units; k++) {
    const sum = weights[a + k]! * u + weights[b + k]! * v + weights[c + k]! * w + weights[d + k]! * x
    sums[from + k]! += sum
  }
}

/** A loop and not `every`: called for each number that took as long as half of the network (bench/networks.ts). */
function mayOverflow(values: Float64Array): boolean {
  for (let i = 0; i < values.length; i++) if (!(Math.abs(values[i]!) < HUGE)) return true
  return false
}
