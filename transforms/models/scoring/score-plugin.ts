import {
  type Example,
  type Model,
  ModelError,
  type Transform,
  type TransformContext,
  type TransformPlugin,
} from 'sluice'
import { type Config, config, ScoreModel } from './score-h2o-model.ts'
import { openModels } from './scoring.ts'

/** The formats of H2O's own exports. */
export const H2O_FORMATS: readonly string[] = ['h2o-mojo', 'h2o-pojo']

/** Which models a transform scores with. */
export interface ScoreKind {
  readonly name: string
  readonly summary: string
  /** In words, for messages: "a DL4J network", "an H2O GBM". */
  readonly what: string
  readonly formats: readonly string[]
  /** Any algorithm where it is not given. */
  readonly algorithms?: readonly string[]
  readonly examples: readonly Example[]
  /** What else a model must be; returns what is wrong with it. */
  readonly check?: (model: Model) => string | undefined
}

/** A transform that scores with models of some kind; all of them do the same. */
export function scorePlugin({
  algorithms,
  check,
  examples,
  formats,
  name,
  summary,
  what,
}: ScoreKind): TransformPlugin<typeof config.keys> {
  return {
    kind: 'transform',
    name,
    version: '0.1.0',
    summary,
    config,
    examples,
    async open(values: Config, context: TransformContext): Promise<Transform> {
      const models = await openModels(values, context)
      const { model } = models
      const isKind = formats.includes(model.format) && (algorithms?.includes(model.algorithm) ?? true)
      if (!isKind) {
        throw new ModelError(
          'model.unsupported',
          `The model ${model.name} is not ${what} but ${model.algorithm} (${model.format}). Use the transform for that kind.`,
        )
      }
      const problem = check?.(model)
      if (problem !== undefined)
        throw new ModelError('model.unsupported', `The model ${model.name} ${problem}`)
      return new ScoreModel(models, values, context)
    },
  }
}
