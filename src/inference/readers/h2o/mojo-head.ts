import { type TreeEngine, type TreeEnsemble, treeCount } from '../../engines/tree-ensemble.ts'
import { ModelError } from '../../../api/errors.ts'
import type { ModelInput } from '../../../api/models.ts'
import type { Calibration } from '../../scores/calibration.ts'
import type { Balance } from '../../scores/class-scores.ts'
import type { Decision } from '../../loaded-model.ts'
import type { MojoInfo } from './mojo-info.ts'

/** What `model.ini` says that every H2O algorithm reads alike. */

export function corrupt(what: string): ModelError {
  return new ModelError('model.corrupt', `model.ini: ${what}. Export the model again.`)
}

/** What h2o-genmodel calls the classes of a response of two numbers (quasibinomial), whichever they are. */
export const NUMERIC_LABELS: readonly string[] = ['0', '1']

export function readBalance(info: MojoInfo, classes: number): Balance | null {
  if (classes === 0 || !info.flag('balance_classes')) return null
  const prior = info.findNumbers('prior_class_distrib')
  const model = info.findNumbers('model_class_distrib')
  if (prior?.length !== classes || model?.length !== classes) {
    throw corrupt('the class distributions that balance_classes needs are missing')
  }
  return { prior, model }
}

/** Two classes: the second one wins from the model's own threshold on. Else the largest probability decides. */
export function readDecision(info: MojoInfo, labels: readonly string[]): Decision | null {
  if (labels.length !== 2) return null
  return { threshold: info.number('default_threshold'), thresholdClass: labels[1] ?? '' }
}

/** The features in the model's order, and the offset column after them where it `isRead`. */
export function readInputs(
  info: MojoInfo,
  { isOffsetRead }: { isOffsetRead: boolean },
): readonly ModelInput[] {
  const count = info.integer('n_features')
  if (count > info.columns.length) throw corrupt('it announces more features than columns')
  const inputs = info.columns.slice(0, count).map((name, i): ModelInput => {
    const domain = info.domains[i] ?? null
    return domain === null
      ? { name, type: 'numeric', required: true }
      : { name, type: 'categorical', domain, required: true }
  })
  const offset = isOffsetRead ? info.find('offset_column') : undefined
  if (offset === undefined) return inputs
  if (inputs.some((input) => input.name === offset))
    throw corrupt(`the offset column ${offset} is a feature too`)
  return [...inputs, { name: offset, type: 'numeric', required: true }]
}

/** Labels of a model whose category is one of a few; none for Regression. */
export function readLabels(info: MojoInfo, categories: readonly string[]): readonly string[] {
  const category = info.text('category')
  if (!categories.includes(category)) {
    throw new ModelError(
      'model.unsupported',
      `A model of this algorithm and the category ${category} is not supported; ${categories.join(', ')} are. Train one of these.`,
    )
  }
  if (!['Binomial', 'Multinomial', 'Ordinal'].includes(category)) return []
  const classes = info.integer('n_classes')
  const domain = info.domains.at(-1)
  const labels = domain ?? (category === 'Binomial' ? NUMERIC_LABELS : [])
  const isRight = category === 'Binomial' ? classes === 2 : classes > 2
  if (labels.length !== classes || !isRight)
    throw corrupt(`${classes} classes do not fit a ${category} model`)
  return labels
}

/** A list of numbers that must have this length. */
export function numbersOf(info: MojoInfo, key: string, length: number): readonly number[] {
  const numbers = info.findNumbers(key) ?? []
  if (numbers.length !== length)
    throw corrupt(`${key} has ${numbers.length} numbers where ${length} are needed`)
  return numbers
}

/** `cats`, `nums` and `cat_offsets`: categories first, then numbers. */
export interface Blocks {
  readonly catOffsets: readonly number[]
  readonly numbers: number
}

/** Checks that the columns are as announced and that each category has a block of its own. */
export function readBlocks(info: MojoInfo): Blocks {
  const cats = info.integer('cats')
  const numbers = info.integer('nums')
  if (cats + numbers !== info.integer('n_features'))
    throw corrupt('cats and nums do not make up the features')
  const isNumber = (i: number) => (info.domains[i] ?? null) === null
  for (let i = 0; i < cats + numbers; i++) {
    if (isNumber(i) !== i >= cats)
      throw corrupt(`column ${info.columns[i] ?? i} is not of the kind announced`)
  }
  const catOffsets = cats === 0 ? [0] : numbersOf(info, 'cat_offsets', cats + 1)
  const isAscending = catOffsets.every(
    (each, i) => Number.isInteger(each) && each >= (catOffsets[i - 1] ?? 0),
  )
  if (!isAscending || catOffsets[0] !== 0) throw corrupt('cat_offsets is not ascending from 0')
  return { catOffsets, numbers }
}

/** What people are told of every H2O model. */
export function commonFacts(info: MojoInfo): Record<string, string | number> {
  return {
    category: info.text('category'),
    ...(info.find('supervised') === 'false' ? {} : { response: info.columns.at(-1) ?? '' }),
    h2o: info.find('h2o_version') ?? 'unknown',
  }
}

/** The same of a model of trees. */
export function treeFacts(
  info: MojoInfo,
  trees: TreeEnsemble,
  engine: TreeEngine,
  calibration: Calibration | null = null,
): Record<string, string | number> {
  return {
    ...commonFacts(info),
    trees: treeCount(trees),
    nodes: trees.feature.length,
    engine: engine.name,
    ...(calibration === null ? {} : { calibration: `${calibration.method}, beside the probabilities` }),
  }
}
