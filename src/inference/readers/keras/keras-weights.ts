import type { Hdf5, Tensor } from './hdf5.ts'
import { corrupt, type KerasLayer } from './keras-config.ts'

/** The weights of one layer, by their place in its list. */
export interface LayerWeights {
  readonly count: number
  /** Throws `model.corrupt` where there is none, or it has another shape. */
  at(index: number, shape: readonly number[]): Tensor
}

export type WeightsOf = (layer: KerasLayer) => LayerWeights

/** `.h5` files: model_weights/<layer> names its weights in order. */
export function h5Weights(file: Hdf5): WeightsOf {
  return (layer) => {
    const group = `model_weights/${layer.name}`
    const names = file.texts(group, 'weight_names') ?? []
    return weights(
      layer,
      names.map((name) => `${group}/${name}`),
      file,
    )
  }
}

/** `model.weights.h5` of `.keras` files: layers/<place>/vars/<number>. */
export function kerasWeights(file: Hdf5): WeightsOf {
  return (layer) => {
    const group = `layers/${layer.place}/vars`
    return weights(
      layer,
      file.names(group).map((_, i) => `${group}/${i}`),
      file,
    )
  }
}

function weights(layer: KerasLayer, paths: readonly string[], file: Hdf5): LayerWeights {
  return {
    count: paths.length,
    at(index, shape) {
      const path = paths[index]
      if (path === undefined) throw corrupt(`lacks weights of the layer ${layer.name}`)
      const tensor = file.tensor(path)
      if (tensor.shape.join() === shape.join()) return tensor
      throw corrupt(
        `has weights of the shape [${tensor.shape.join(', ')}] where the layer ${layer.name} takes [${shape.join(', ')}]`,
      )
    },
  }
}

/** Throws where a layer has another number of weights. */
export function exactly(weights: LayerWeights, layer: KerasLayer, count: number): LayerWeights {
  if (weights.count === count) return weights
  throw corrupt(`has ${weights.count} weights for the layer ${layer.name}, which takes ${count}`)
}
