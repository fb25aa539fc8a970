import { ModelError } from '../../../api/errors.ts'
import { type Feature, TreeBuilder, type TreeEnsemble } from '../../engines/tree-ensemble.ts'
import type { MojoInfo } from './mojo-info.ts'
import { MojoTreeReader } from './mojo-trees.ts'
import type { Zip } from '../zip.ts'

/** More than any model that fits a task host's memory has. */
const MAX_NODES = 8_000_000
const MAX_TREES = 10_000_000

/** MOJO 1.0 did not say how many trees a group has: one per class, but one for two classes. */
function treesPerGroup(info: MojoInfo): number {
  if (info.find('n_trees_per_class') !== undefined) return info.integer('n_trees_per_class')
  const classes = info.integer('n_classes')
  return classes === 2 && info.find('binomial_double_trees') !== 'true' ? 1 : classes
}

/** Reads all trees of a MOJO: those of a GBM, a random forest or an isolation forest. */
export function readForest(zip: Zip, info: MojoInfo): TreeEnsemble {
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
  const groups = info.integer('n_trees')
  const outputs = treesPerGroup(info)
  // Classes may lack trees, but each group has at least one.
  if (groups > zip.size || groups * outputs > MAX_TREES) {
    throw new ModelError('model.corrupt', 'The MOJO lacks most of its trees. Export the model again.')
  }
  const builder = new TreeBuilder(features)
  const found = new Uint32Array(groups)
  for (let output = 0; output < outputs; output++) {
    builder.startOutput()
    for (let group = 0; group < groups; group++) {
      // A class that a group has no tree for has no file (h2o-genmodel skips it too).
      const name = `trees/t${pad(output, 2)}_${pad(group, 3)}.bin`
      if (!zip.has(name)) continue
      new MojoTreeReader(zip.read(name), features, version, builder).read()
      if (builder.nodes > MAX_NODES) {
        throw new ModelError(
          'model.unsupported',
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
