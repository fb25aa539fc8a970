import { ModelError } from '../../../api/errors.ts'
import { type Glm, GLM_LINKS, type GlmLink, scoreGlm } from '../../scores/glm-score.ts'
import type { LoadedModel } from '../../loaded-model.ts'
import {
  type Blocks,
  commonFacts,
  corrupt,
  numbersOf,
  readBlocks,
  readDecision,
  readInputs,
  readLabels,
} from './mojo-head.ts'
import type { MojoInfo } from './mojo-info.ts'

const BINOMIAL = ['binomial', 'quasibinomial', 'fractionalbinomial']

/** Reads a generalised linear model, all of which stands in `model.ini`. */
export function createGlm(info: MojoInfo): LoadedModel {
  const glm = readGlm(info)
  return {
    format: 'h2o-mojo',
    formatVersion: info.text('mojo_version'),
    algorithm: 'glm',
    task: glm.labels.length > 0 ? 'classification' : 'regression',
    labels: glm.labels,
    outputs: glm.labels,
    decision: readDecision(info, glm.labels),
    inputs: readInputs(info, { isOffsetRead: glm.hasOffset }),
    facts: {
      ...commonFacts(info),
      family: info.text('family'),
      link: info.text('link'),
      coefficients: glm.beta.reduce((sum, beta) => sum + beta.length, 0),
      ...(glm.hasOffset ? { offset: info.text('offset_column') } : {}),
    },
    score: (columns, length, decision) => scoreGlm({ ...glm, decision }, columns, length),
  }
}

function readGlm(info: MojoInfo): Omit<Glm, 'decision'> {
  const blocks = readBlocks(info)
  const family = info.text('family')
  const kind = kindOf(family)
  const link = (kind === 'multinomial' || kind === 'ordinal' ? 'logit' : info.text('link')) as GlmLink
  if (!GLM_LINKS.includes(link)) {
    throw new ModelError(
      'model.unsupported',
      `The link function ${link} of the model is not supported; ${GLM_LINKS.join(', ')} are. Train it with another link.`,
    )
  }
  const labels = readLabels(info, [
    kind === 'regression' ? 'Regression' : `${kind.charAt(0).toUpperCase()}${kind.slice(1)}`,
  ])
  return {
    ...blocks,
    kind,
    labels,
    link,
    tweediePower: link === 'tweedie' ? info.number('tweedie_link_power') : 0,
    useAllLevels: info.find('use_all_factor_levels') === 'true',
    imputed: readImputed(info, blocks),
    beta: readBeta(info, blocks, kind, labels.length),
    hasOffset: kind !== 'multinomial' && info.find('offset_column') !== undefined,
  }
}

function kindOf(family: string): Glm['kind'] {
  if (BINOMIAL.includes(family)) return 'binomial'
  return family === 'multinomial' || family === 'ordinal' ? family : 'regression'
}

function readImputed(info: MojoInfo, { catOffsets, numbers }: Blocks): Glm['imputed'] {
  if (info.find('mean_imputation') !== 'true') return null
  return {
    modes: numbersOf(info, 'cat_modes', catOffsets.length - 1),
    means: numbersOf(info, 'num_means', numbers),
  }
}

/** One row of coefficients per class; the last one of an ordinal model is not used. */
function readBeta(
  info: MojoInfo,
  blocks: Blocks,
  kind: Glm['kind'],
  classes: number,
): readonly (readonly number[])[] {
  const perRow = blocks.catOffsets.at(-1)! + blocks.numbers + 1
  const rows = kind === 'multinomial' || kind === 'ordinal' ? classes : 1
  const beta = numbersOf(info, 'beta', rows * perRow)
  if (!beta.every(Number.isFinite)) throw corrupt('a coefficient is not finite')
  const used = kind === 'ordinal' ? rows - 1 : rows
  return Array.from({ length: used }, (_, k) => beta.slice(k * perRow, (k + 1) * perRow))
}
