import { ModelError } from '../../../api/errors.ts'
import { DlLayers } from '../../scores/dl-layers.ts'
import { AUTOENCODER_OUTPUTS, type Dl, scoreDl } from '../../scores/dl-score.ts'
import type { DenseLayer } from '../../engines/dense-network.ts'
import type { LoadedModel } from '../../loaded-model.ts'
import {
  commonFacts,
  corrupt,
  numbersOf,
  readBalance,
  readBlocks,
  readDecision,
  readInputs,
  readLabels,
} from './mojo-head.ts'
import type { MojoInfo } from './mojo-info.ts'

/** Activations of hidden layers; a name ending in WithDropout scales the layer's outputs. */
const ACTIVATIONS = { Rectifier: 'relu', Tanh: 'tanh', ExpRectifier: 'elu', Maxout: 'maxout' } as const
/** Families whose output is a logarithm; see linkInv in genmodel. */
const LOG_FAMILIES = ['poisson', 'gamma', 'tweedie', 'multinomial']
const FAMILIES = [
  ...LOG_FAMILIES,
  ...['bernoulli', 'quasibinomial', 'gaussian', 'laplace', 'huber', 'quantile', 'custom', 'AUTO'],
]

/** Reads a Deep Learning model or autoencoder, all of which stands in `model.ini`. */
export function createDeepLearning(info: MojoInfo): LoadedModel {
  const dl = readDl(info)
  const isAutoencoder = dl.kind === 'autoencoder'
  return {
    format: 'h2o-mojo',
    formatVersion: info.text('mojo_version'),
    algorithm: isAutoencoder ? 'autoencoder' : 'deeplearning',
    task: isAutoencoder ? 'anomaly' : dl.kind,
    labels: dl.labels,
    outputs: isAutoencoder ? AUTOENCODER_OUTPUTS : dl.labels,
    decision: readDecision(info, dl.labels),
    inputs: readInputs(info, { isOffsetRead: false }), // genmodel does not use a network's offset
    facts: {
      ...commonFacts(info),
      distribution: info.text('distribution'),
      activation: info.text('activation'),
      layers: (info.findNumbers('neural_network_sizes') ?? []).join('-'),
      ...(dl.balance === null ? {} : { probabilities: 'corrected to the prior (balance_classes)' }),
    },
    score: (columns, length, decision) => scoreDl({ ...dl, decision }, columns, length),
  }
}

function readDl(info: MojoInfo): Omit<Dl, 'decision'> {
  const { catOffsets, numbers } = readBlocks(info)
  const labels = readLabels(info, ['Binomial', 'Multinomial', 'Regression', 'AutoEncoder'])
  const isAutoencoder = info.text('category') === 'AutoEncoder'
  const family = info.text('distribution')
  if (!FAMILIES.includes(family)) {
    throw new ModelError(
      'model.unsupported',
      `The distribution ${family} of the model is not supported. Train it with another one.`,
    )
  }
  const useAllLevels = info.text('use_all_factor_levels') === 'true'
  const isPlain = catOffsets
    .slice(1)
    .every((end, c) => end - catOffsets[c]! === (info.domains[c] ?? []).length + 1)
  if (isAutoencoder && !(useAllLevels && isPlain))
    throw corrupt('the blocks of the autoencoder are not its levels')
  const standardized = info.findNumbers('norm_mul') !== undefined && numbers > 0
  return {
    kind: isAutoencoder ? 'autoencoder' : labels.length > 0 ? 'classification' : 'regression',
    labels,
    inputs: {
      catOffsets,
      numbers,
      useAllLevels,
      missing: 'last',
      standardization: standardized
        ? { sub: numbersOf(info, 'norm_sub', numbers), mul: numbersOf(info, 'norm_mul', numbers) }
        : null,
    },
    layers: new DlLayers(
      readLayers(info, catOffsets.at(-1)! + numbers, isAutoencoder ? null : labels.length),
    ),
    response: readResponse(info),
    link: LOG_FAMILIES.includes(family) && labels.length === 0 && !isAutoencoder ? 'log' : 'identity',
    balance: readBalance(info, labels.length),
    prior: info.findNumbers('prior_class_distrib') ?? null,
  }
}

function readResponse(info: MojoInfo): Dl['response'] {
  const mul = info.findNumbers('norm_resp_mul')
  if (mul === undefined || mul.length === 0) return null
  return { mul: mul[0]!, sub: numbersOf(info, 'norm_resp_sub', mul.length)[0]! }
}

/** `classes`: null for an autoencoder, 0 for a regression. */
function readLayers(info: MojoInfo, inputs: number, classes: number | null): DenseLayer[] {
  const sizes = info.findNumbers('neural_network_sizes') ?? []
  const outputs = classes === null ? inputs : Math.max(1, classes)
  const isCount = sizes.every((size) => Number.isInteger(size) && size > 0)
  if (isCount && isHashed(info, sizes, inputs)) {
    throw new ModelError(
      'model.unsupported',
      `The network has ${sizes[0]} inputs for ${inputs} levels and numbers: it hashes categories (max_categorical_features), which h2o-genmodel does not read either. Train it without.`,
    )
  }
  if (sizes.length < 2 || !isCount || sizes[0] !== inputs || sizes.at(-1) !== outputs) {
    throw corrupt(`neural_network_sizes is ${sizes.join(', ')} for ${inputs} inputs and ${outputs} outputs`)
  }
  const activation = info.text('activation')
  const name = activation.replace(/WithDropout$/, '') as keyof typeof ACTIVATIONS
  if (!Object.hasOwn(ACTIVATIONS, name) || (classes === null && name === 'Maxout')) {
    throw new ModelError(
      'model.unsupported',
      `The activation ${activation} of the model is not supported; ${Object.keys(ACTIVATIONS).join(', ')} are. Train it with one of these.`,
    )
  }
  const last = sizes.length - 2
  const dropouts = activation === name ? [] : numbersOf(info, 'hidden_dropout_ratios', last + 1)
  if (classes === null && (dropouts[last] ?? 0) !== 0) throw corrupt('the last layer drops outputs')
  return sizes.slice(1).map((size, i): DenseLayer => {
    const head = classes === 0 ? 'linear' : 'softmax'
    const kind = i === last && classes !== null ? head : ACTIVATIONS[name]
    // What a layer with dropout gives is scaled; here the next layer's weights are.
    const scale = 1 - (dropouts[i - 1] ?? 0)
    return readLayer(info, i, { inputs: sizes[i]!, units: size, activation: kind, scale })
  })
}

/** The weights fit the inputs, which are fewer than the columns make, levels that are really there. */
function isHashed(info: MojoInfo, sizes: readonly number[], inputs: number): boolean {
  const [first = 0, second = 0] = sizes
  const weights = info.findNumbers('weight_layer0')?.length ?? 0
  const columns = info.integer('n_features')
  const levels = info.domains.slice(0, columns).reduce((sum, domain) => sum + (domain?.length ?? 0), columns)
  return first < inputs && inputs <= levels && (weights === first * second || weights === 2 * first * second)
}

interface Shape {
  readonly inputs: number
  readonly units: number
  readonly activation: DenseLayer['activation']
  readonly scale: number
}

function readLayer(info: MojoInfo, i: number, { inputs, units, activation, scale }: Shape): DenseLayer {
  const pieces = activation === 'maxout' ? 2 : 1
  const stored = numbersOf(info, `weight_layer${i}`, inputs * units * pieces)
  const bias = Float64Array.from(numbersOf(info, `bias_layer${i}`, units * pieces))
  const weights = Float64Array.from(stored, (weight) => Math.fround(weight) * scale)
  if (!weights.every(Number.isFinite) || !bias.every(Number.isFinite))
    throw corrupt(`layer ${i} is not finite`)
  return { activation, bias, weights: pieces === 1 ? weights : sideBySide(weights, inputs) }
}

/** Maxout's two weights of each input stand together; here each piece is a row of its own. */
function sideBySide(weights: Float64Array, inputs: number): Float64Array {
  return weights.map((_, at) => {
    const [row, input] = [Math.floor(at / inputs), at % inputs]
    return weights[2 * ((row >> 1) * inputs + input) + (row & 1)]!
  })
}
