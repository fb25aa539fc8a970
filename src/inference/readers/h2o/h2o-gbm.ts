import { ModelError } from '../../../api/errors.ts'
import { chooseEngine } from '../../engines/choose-engine.ts'
import type { TreeEnsemble } from '../../engines/tree-ensemble.ts'
import type { Calibration } from '../../scores/calibration.ts'
import { type GbmParameters, type Link, LINKS, scoreGbm } from '../../scores/gbm-score.ts'
import type { LoadedModel } from '../../loaded-model.ts'
import { corrupt, NUMERIC_LABELS, readBalance, readDecision, readInputs, treeFacts } from './mojo-head.ts'
import type { MojoInfo } from './mojo-info.ts'

/** Distributions whose f is the log-odds of the second class. */
const LOGISTIC = ['bernoulli', 'quasibinomial', 'modified_huber']
/** Link functions of MOJOs that do not name theirs (LinkFunctionType in h2o-genmodel). */
const DEFAULT_LINK: Readonly<Record<string, Link>> = {
  bernoulli: 'logit',
  quasibinomial: 'logit',
  modified_huber: 'logit',
  multinomial: 'log',
  poisson: 'log',
  gamma: 'log',
  tweedie: 'log',
  gaussian: 'identity',
  huber: 'identity',
  laplace: 'identity',
  quantile: 'identity',
  custom: 'identity',
}

function unsupported(what: string): ModelError {
  return new ModelError('model.unsupported', `${what} Train it with another distribution.`)
}

/** Puts the head of a GBM (labels, link, offset, class balance) on its trees. */
export function createGbm(
  info: MojoInfo,
  trees: TreeEnsemble,
  calibration: Calibration | null = null,
): LoadedModel {
  const parameters = { ...readParameters(info, trees), calibration }
  const engine = chooseEngine(trees)
  const { labels } = parameters
  return {
    format: 'h2o-mojo',
    formatVersion: info.text('mojo_version'),
    algorithm: 'gbm',
    task: labels.length > 0 ? 'classification' : 'regression',
    labels,
    outputs: labels,
    ...(calibration === null ? {} : { isCalibrated: true }),
    decision: readDecision(info, labels),
    inputs: readInputs(info, { isOffsetRead: true }),
    facts: {
      ...treeFacts(info, trees, engine, calibration),
      distribution: info.text('distribution'),
      link: parameters.link,
      ...(parameters.hasOffset ? { offset: info.text('offset_column') } : {}),
      ...(parameters.balance === null ? {} : { probabilities: 'corrected to the prior (balance_classes)' }),
    },
    score: (columns, length, decision) => scoreGbm({ parameters, engine, decision }, columns, length),
  }
}

function readParameters(info: MojoInfo, trees: TreeEnsemble): GbmParameters {
  const distribution = info.text('distribution')
  const fallback = DEFAULT_LINK[distribution]
  if (fallback === undefined)
    throw unsupported(`The distribution ${distribution} of the model is not supported.`)
  const link = (info.find('link_function') ?? fallback) as Link
  if (!LINKS.includes(link)) throw unsupported(`The link function ${link} of the model is not supported.`)
  const kind = LOGISTIC.includes(distribution)
    ? 'logistic'
    : distribution === 'multinomial'
      ? 'softmax'
      : 'regression'
  const labels = readLabels(info, kind)
  const sums = kind === 'softmax' && labels.length > 2 ? labels.length : 1
  if (trees.outputs < sums || trees.outputs > Math.max(1, labels.length)) {
    throw corrupt(`${trees.outputs} trees per group do not fit ${labels.length} classes`)
  }
  return {
    kind,
    link,
    labels,
    initF: info.number('init_f'),
    hasOffset: info.find('offset_column') !== undefined,
    outputs: trees.outputs,
    balance: readBalance(info, labels.length),
    prior: info.findNumbers('prior_class_distrib') ?? null,
  }
}

function readLabels(info: MojoInfo, kind: GbmParameters['kind']): readonly string[] {
  const category = info.text('category')
  const classes = info.integer('n_classes')
  const expected = kind === 'regression' ? ['Regression'] : ['Binomial', 'Multinomial']
  if (!expected.includes(category)) {
    throw unsupported(
      `A ${category} model with the distribution ${info.text('distribution')} is not supported.`,
    )
  }
  if (kind === 'regression') return []
  const labels = info.domains.at(-1) ?? (category === 'Binomial' ? NUMERIC_LABELS : [])
  const isRight = category === 'Binomial' ? classes === 2 : classes > 2 && kind === 'softmax'
  if (labels.length !== classes || !isRight)
    throw corrupt(`${classes} classes do not fit a ${category} model`)
  return labels
}
