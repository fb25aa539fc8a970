import { ModelError } from '../../api/errors.ts'
import { type Feature, TreeBuilder, type TreeEnsemble } from '../engines/tree-ensemble.ts'
import type { LoadedModel } from '../loaded-model.ts'
import { createGbm } from './h2o-gbm.ts'
import { type MojoInfo, readMojoInfo } from './mojo-info.ts'
import { MojoTreeReader } from './mojo-trees.ts'
import { openZip, type Zip } from './zip.ts'

/** The newest format that was checked against h2o-genmodel. */
const NEWEST_VERSION = 1.4
/** More than any model that fits a task host's memory has. */
const MAX_NODES = 8_000_000
const MAX_TREES = 10_000_000
/** Encodings under which h2o-genmodel looks a level up in the column's own domain. */
const ENCODINGS = ['AUTO', 'Enum', 'SortByResponse']

function unsupported(what: string, instead: string): ModelError {
  return new ModelError('model.unsupported', `${what} ${instead}`)
}

/**
 * Reads an H2O MOJO, 1.0 to 1.40. Gradient boosting machines only; every other algorithm is refused by name.
 * Throws ModelError (`model.corrupt`, `model.unsupported`).
 */
export function readMojo(bytes: Buffer): LoadedModel {
  return readGbm(bytes).model
}

/** The same, with the trees. */
export function readGbm(bytes: Buffer): { model: LoadedModel; trees: TreeEnsemble } {
  const zip = openZip(bytes)
  const info = readMojoInfo(zip)
  checkSupported(info)
  const version = info.number('mojo_version')
  const featureCount = info.integer('n_features')
  const features = info.columns
    .slice(0, featureCount)
    .map((_, i): Feature => info.domains[i]?.length ?? 'numeric')
  if (features.length !== featureCount) {
    throw new ModelError(
      'model.corrupt',
      'model.ini announces more features than columns. Export the model again.',
    )
  }
  const trees = readTrees(zip, info, { features, version })
  return { model: createGbm(info, trees), trees }
}

function checkSupported(info: MojoInfo): void {
  const algorithm = info.text('algorithm')
  if (algorithm !== 'Gradient Boosting Machine') {
    throw unsupported(
      `The MOJO holds a model of the algorithm "${algorithm}" (${info.find('algo') ?? algorithm}), which is not supported yet;`,
      algorithm === 'XGBoost'
        ? 'GBM is. Train it as an H2O GBM.'
        : 'GBM is. Train a GBM, or look in the documentation for when this algorithm comes.',
    )
  }
  const version = info.number('mojo_version')
  if (version < 1 || version > NEWEST_VERSION) {
    throw unsupported(
      `The MOJO has format version ${info.text('mojo_version')}; 1.0 to 1.40 are supported.`,
      'Export it with H2O 3.46 or earlier.',
    )
  }
  const encoding = version < NEWEST_VERSION ? 'AUTO' : info.text('_genmodel_encoding')
  if (!ENCODINGS.includes(encoding)) {
    throw unsupported(
      `The model encodes categories as ${encoding}, which is not supported;`,
      `${ENCODINGS.join(', ')} are. Train it with categorical_encoding="enum".`,
    )
  }
  if ((info.find('endianness') ?? 'LITTLE_ENDIAN') !== 'LITTLE_ENDIAN') {
    throw unsupported('The MOJO was written on a big-endian machine.', 'Export it on a little-endian one.')
  }
}

/** MOJO 1.0 did not say how many trees a group has: one per class, but one for two classes. */
function treesPerGroup(info: MojoInfo): number {
  if (info.find('n_trees_per_class') !== undefined) return info.integer('n_trees_per_class')
  const classes = info.integer('n_classes')
  return classes === 2 && info.find('binomial_double_trees') !== 'true' ? 1 : classes
}

function readTrees(zip: Zip, info: MojoInfo, shape: { features: Feature[]; version: number }): TreeEnsemble {
  const groups = info.integer('n_trees')
  const outputs = treesPerGroup(info)
  // Classes may lack trees, but each group has at least one.
  if (groups > zip.size || groups * outputs > MAX_TREES) {
    throw new ModelError('model.corrupt', 'The MOJO lacks most of its trees. Export the model again.')
  }
  const builder = new TreeBuilder(shape.features)
  const found = new Uint32Array(groups)
  for (let output = 0; output < outputs; output++) {
    builder.startOutput()
    for (let group = 0; group < groups; group++) {
      // A class that a group has no tree for has no file (h2o-genmodel skips it too).
      const name = `trees/t${pad(output, 2)}_${pad(group, 3)}.bin`
      if (!zip.has(name)) continue
      new MojoTreeReader(zip.read(name), shape.features, shape.version, builder).read()
      if (builder.nodes > MAX_NODES) {
        throw new ModelError(
          'model.corrupt',
          `The model has more than ${MAX_NODES} nodes. Train a smaller one.`,
        )
      }
      found[group] = 1
    }
  }
  const missing = found.indexOf(0)
  if (missing >= 0) {
    throw new ModelError('model.corrupt', `The MOJO lacks tree ${missing}. Export the model again.`)
  }
  return builder.build()
}

function pad(number: number, digits: number): string {
  return String(number).padStart(digits, '0')
}
