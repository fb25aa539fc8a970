import { chooseEngine } from '../../engines/choose-engine.ts'
import { type TreeEnsemble, treeCount } from '../../engines/tree-ensemble.ts'
import type { Calibration } from '../../scores/calibration.ts'
import { type Drf, scoreDrf } from '../../scores/drf-score.ts'
import type { LoadedModel } from '../../loaded-model.ts'
import { corrupt, readBalance, readDecision, readInputs, readLabels, treeFacts } from './mojo-head.ts'
import type { MojoInfo } from './mojo-info.ts'

/** Puts the head of a random forest on its trees. */
export function createDrf(info: MojoInfo, trees: TreeEnsemble, calibration: Calibration | null): LoadedModel {
  const labels = readLabels(info, ['Binomial', 'Multinomial', 'Regression'])
  const isDouble = labels.length === 2 && info.find('binomial_double_trees') === 'true'
  const expected = labels.length > 2 || isDouble ? labels.length : 1
  if (trees.outputs !== expected)
    throw corrupt(`${trees.outputs} trees per group do not fit ${labels.length} classes`)
  if (treeCount(trees) === 0) throw corrupt('the forest has no trees')
  const engine = chooseEngine(trees)
  const drf: Omit<Drf, 'decision'> = {
    engine,
    labels,
    outputs: trees.outputs,
    trees: info.integer('n_trees'),
    balance: readBalance(info, labels.length),
    prior: info.findNumbers('prior_class_distrib') ?? null,
    calibration,
  }
  return {
    format: 'h2o-mojo',
    formatVersion: info.text('mojo_version'),
    algorithm: 'drf',
    task: labels.length > 0 ? 'classification' : 'regression',
    labels,
    outputs: labels,
    ...(calibration === null ? {} : { isCalibrated: true }),
    decision: readDecision(info, labels),
    inputs: readInputs(info, { isOffsetRead: false }),
    facts: treeFacts(info, trees, engine, calibration),
    score: (columns, length, decision) => scoreDrf({ ...drf, decision }, columns, length),
  }
}
