import {
  type Example,
  type Model,
  ModelError,
  type Transform,
  type TransformContext,
  type TransformPlugin,
} from 'sluice'
import { loadChoice } from './model-choice.ts'
import { type Config, config, ScoreModel } from './score-h2o-model.ts'

/** Which models a transform scores with. */
export interface NetworkKind {
  readonly name: string
  readonly summary: string
  /** In words, for messages: "a DL4J network". */
  readonly what: string
  readonly formats: readonly string[]
  readonly examples: readonly Example[]
  /** What else a model must be; returns what is wrong with it. */
  readonly check?: (model: Model) => string | undefined
}

/** A transform that scores with models of one trainer; all of them do the same. */
export function scoreNetworkPlugin({
  check,
  examples,
  formats,
  name,
  summary,
  what,
}: NetworkKind): TransformPlugin<typeof config.keys> {
  return {
    kind: 'transform',
    name,
    version: '0.1.0',
    summary,
    config,
    examples,
    async open(values: Config, context: TransformContext): Promise<Transform> {
      const choice = await loadChoice(context.models, values.model)
      const model = choice.models[0] as Model
      if (!formats.includes(model.format)) {
        throw new ModelError(
          'model.unsupported',
          `The model ${model.name} is not ${what} but ${model.algorithm} (${model.format}). Use the transform for that kind.`,
        )
      }
      const problem = check?.(model)
      if (problem !== undefined)
        throw new ModelError('model.unsupported', `The model ${model.name} ${problem}`)
      return new ScoreModel(choice, model, context.side, values)
    },
  }
}
