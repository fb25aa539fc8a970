import { chooseEngine } from '../../engines/choose-engine.ts'
import { type TreeEnsemble, treeCount } from '../../engines/tree-ensemble.ts'
import { ISOLATION_OUTPUTS, scoreIsolation } from '../../scores/isolation-score.ts'
import type { LoadedModel } from '../../loaded-model.ts'
import { corrupt, readInputs, readLabels, treeFacts } from './mojo-head.ts'
import type { MojoInfo } from './mojo-info.ts'

/** Puts the head of an isolation forest on its trees, the leaves of which are path lengths. */
export function createIsolationForest(info: MojoInfo, trees: TreeEnsemble): LoadedModel {
  readLabels(info, ['AnomalyDetection'])
  if (trees.outputs !== 1) throw corrupt(`an isolation forest has one tree per group, not ${trees.outputs}`)
  if (treeCount(trees) === 0) throw corrupt('the forest has no trees')
  const forest = {
    engine: chooseEngine(trees),
    trees: info.integer('n_trees'),
    minPath: info.find('min_path_length') === undefined ? 0 : info.integer('min_path_length'),
    maxPath: info.find('max_path_length') === undefined ? 0 : info.integer('max_path_length'),
  }
  // Where training was told how many rows are unusual, the file has the score that tells them apart.
  const threshold = info.find('output_anomaly_flag') === 'true' ? info.number('default_threshold') : undefined
  return {
    format: 'h2o-mojo',
    formatVersion: info.text('mojo_version'),
    algorithm: 'isolationforest',
    task: 'anomaly',
    labels: [],
    outputs: ISOLATION_OUTPUTS,
    decision: null,
    ...(threshold === undefined ? {} : { threshold }),
    inputs: readInputs(info, { isOffsetRead: false }),
    facts: treeFacts(info, trees, forest.engine),
    score: (columns, length) => scoreIsolation(forest, columns, length),
  }
}
