import { ModelError } from '../../../api/errors.ts'
import type { TreeEnsemble } from '../../engines/tree-ensemble.ts'
import type { LoadedModel } from '../../loaded-model.ts'
import { createDeepLearning } from './h2o-deep-learning.ts'
import { createDrf } from './h2o-drf.ts'
import { createGbm } from './h2o-gbm.ts'
import { createGlm } from './h2o-glm.ts'
import { createIsolationForest } from './h2o-isolation.ts'
import { readCalibration } from './mojo-calibration.ts'
import { readForest } from './mojo-forest.ts'
import { type MojoInfo, readMojoInfo } from './mojo-info.ts'
import { openZip, type Zip } from '../zip.ts'

interface Algorithm {
  /** The newest format that was checked against h2o-genmodel. */
  readonly newest: number
  /** The format that began to say how categories are encoded; Infinity where none does. */
  readonly encodedSince: number
  /** Encodings under which h2o-genmodel looks a level up in the column's own domain. */
  readonly encodings: readonly string[]
  read(zip: Zip, info: MojoInfo): LoadedModel
}

const TREES = { newest: 1.4, encodedSince: 1.4, encodings: ['AUTO', 'Enum', 'SortByResponse'] }
const NETWORKS = { newest: 1.1, encodedSince: 1.1, encodings: ['AUTO', 'OneHotInternal', 'SortByResponse'] }

const GBM: Algorithm = {
  ...TREES,
  read: (zip, info) => createGbm(info, readForest(zip, info), readCalibration(zip, info)),
}
const DRF: Algorithm = {
  ...TREES,
  read: (zip, info) => createDrf(info, readForest(zip, info), readCalibration(zip, info)),
}
const ISOLATION: Algorithm = {
  ...TREES,
  read: (zip, info) => createIsolationForest(info, readForest(zip, info)),
}
const DEEP_LEARNING: Algorithm = { ...NETWORKS, read: (_, info) => createDeepLearning(info) }
const GLM: Algorithm = {
  newest: 1,
  encodedSince: Infinity,
  encodings: ['AUTO'],
  read: (_, info) => createGlm(info),
}

/** By what `model.ini` calls the algorithm, older names included (ModelMojoFactory in h2o-genmodel). */
const ALGORITHMS: Readonly<Record<string, Algorithm>> = {
  'Gradient Boosting Machine': GBM,
  'Gradient Boosting Method': GBM,
  'Distributed Random Forest': DRF,
  'Isolation Forest': ISOLATION,
  'Generalized Linear Modeling': GLM,
  'Generalized Linear Model': GLM,
  'Deep Learning': DEEP_LEARNING,
  'deep learning': DEEP_LEARNING,
}
const SUPPORTED = 'GBM, DRF, Isolation Forest, GLM, Deep Learning and autoencoders'

/**
 * Reads an H2O MOJO: GBM, DRF and Isolation Forest 1.0 to 1.40, GLM 1.0, Deep Learning and autoencoders 1.0 and 1.10; every
 * other algorithm is refused by name. Throws ModelError (`model.corrupt`, `model.unsupported`).
 */
export function readMojo(bytes: Buffer): LoadedModel {
  const zip = openZip(bytes)
  const info = readMojoInfo(zip)
  return supported(info).read(zip, info)
}

/** A GBM with its trees. */
export function readGbm(bytes: Buffer): { model: LoadedModel; trees: TreeEnsemble } {
  const zip = openZip(bytes)
  const info = readMojoInfo(zip)
  supported(info)
  const trees = readForest(zip, info)
  return { model: createGbm(info, trees), trees }
}

function unsupported(what: string, instead: string): ModelError {
  return new ModelError('model.unsupported', `${what} ${instead}`)
}

function supported(info: MojoInfo): Algorithm {
  const name = info.text('algorithm')
  const algorithm = Object.hasOwn(ALGORITHMS, name) ? ALGORITHMS[name] : undefined
  if (algorithm === undefined) {
    throw unsupported(
      `The MOJO holds a model of the algorithm "${name}" (${info.find('algo') ?? name}), which is not supported;`,
      name === 'XGBoost'
        ? 'GBM is. Train it as an H2O GBM, or export it to ONNX.'
        : `${SUPPORTED} are. Train one of these, or export the model to ONNX.`,
    )
  }
  const { newest, encodedSince, encodings } = algorithm
  const version = info.number('mojo_version')
  if (version < 1 || version > newest) {
    throw unsupported(
      `The MOJO has format version ${info.text('mojo_version')}; 1.0 to ${newest.toFixed(2)} are supported.`,
      'Export it with H2O 3.46 or earlier.',
    )
  }
  const encoding = version < encodedSince ? 'AUTO' : info.text('_genmodel_encoding')
  if (!encodings.includes(encoding)) {
    throw unsupported(
      `The model encodes categories as ${encoding}, which is not supported;`,
      `${encodings.join(', ')} are. Train it with categorical_encoding="auto".`,
    )
  }
  if ((info.find('endianness') ?? 'LITTLE_ENDIAN') !== 'LITTLE_ENDIAN') {
    throw unsupported('The MOJO was written on a big-endian machine.', 'Export it on a little-endian one.')
  }
  return algorithm
}
