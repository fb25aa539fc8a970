import type { Activation, GraphWriter } from '../../engines/activations.ts'
import type { WeightsOf } from './keras-weights.ts'

/** A value on its way through the layers. */
export interface Flow {
  readonly value: string
  /** Of one row, in Keras' order. */
  readonly shape: readonly number[]
  /** The last activation, which says what the outputs are. */
  readonly activation: Activation
}

/** What layers write into, and take their weights from. */
export interface LayerContext {
  readonly graph: GraphWriter
  readonly weightsOf: WeightsOf
  /** Keras 3 changed hard_sigmoid. */
  readonly keras: number
}
