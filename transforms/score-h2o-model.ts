import {
  type CategoryColumn,
  ConfigError,
  type ConfigOf,
  defineConfig,
  type Field,
  key,
  type Model,
  OPTIONAL_FLOAT64,
  OPTIONAL_STRING,
  type RecordBatch,
  type Schema,
  type SchemaCheck,
  type SideName,
  type Transform,
} from 'sluice'
import { chooseModels, mergeScores, type ModelChoice } from './model-choice.ts'
import { failUnscored, MODEL_KEYS } from './model-fields.ts'
import { checkModelSchema } from './model-schema.ts'
import { type FieldSource, placeFields, readInputs } from './model-inputs.ts'

export const config = defineConfig({
  model: key.string({
    doc: `${MODEL_KEYS.model.doc} Or several with weights, \`a:0.9,b:0.1\`: each record goes to one, by a hash of its key; the header of \`version.header\` says to which.`,
    importance: 'HIGH',
    group: 'Model',
    check: (value) => (value === '' ? 'Expected the name or the path of a model' : undefined),
  }),
  prefix: key.string({
    doc: 'Put before the names of the fields that are added: `prediction`, `p_<class>` for each class (an anomaly model: its scores by name), `model_version`.',
    importance: 'MEDIUM',
    group: 'Output',
    default: '',
    check: (value) =>
      /^([A-Za-z_]\w*)?$/.test(value) ? undefined : 'A field name has letters, digits and "_" only',
  }),
  fields: MODEL_KEYS.fields,
  'model.seed': key.string({
    doc: 'With several models: a text that makes the split random instead of by key: records go to models by a hash of this and of their place in the topic.',
    importance: 'LOW',
    group: 'Model',
    default: '',
  }),
  'version.header': key.boolean({
    doc: 'Whether each scored record gets the header `sluice.model`: the name and version of the model that scored it, e.g. `airline-delay$3`.',
    importance: 'LOW',
    group: 'Output',
    default: false,
  }),
})

export const MODEL_HEADER = 'sluice.model'

export type Config = ConfigOf<typeof config.keys>

/** Reads the model's columns of a batch, scores all rows in one call, and adds what the model says. */
export class ScoreModel implements Transform {
  readonly adds: readonly string[]
  readonly #model: Model
  readonly #side: SideName
  readonly #source: FieldSource
  readonly #outputs: readonly Field[]
  readonly #addsHeader: boolean
  readonly #choice: ModelChoice
  readonly #seed: string

  constructor(choice: ModelChoice, model: Model, side: SideName, values: Config) {
    this.#choice = choice
    this.#seed = values['model.seed']
    this.#model = model
    this.#side = side
    this.#source = placeFields(model, values.fields)
    this.#outputs = outputFields(model, values.prefix)
    this.adds = this.#outputs.map(({ name }) => name)
    this.#addsHeader = values['version.header']
  }

  async apply(batch: RecordBatch): Promise<RecordBatch> {
    const { models } = this.#choice
    const chosen =
      models.length > 1 ? chooseModels(batch, this.#choice, this.#seed) : new Int32Array(batch.length)
    const scoring = models.map(async (model) => {
      const columns = readInputs(batch, this.#side, model, this.#source)
      const scores = await model.score(columns, batch.length)
      return { scores, name: model.name, version: scores.version ?? model.version }
    })
    const all = await Promise.all(scoring)
    const [first] = all
    const scores =
      all.length === 1 && first !== undefined
        ? first.scores
        : mergeScores(
            all.map((each) => each.scores),
            chosen,
          )
    failUnscored(batch, this.#side, this.#model, scores)
    const versions: CategoryColumn = {
      type: 'category',
      levels: chosen,
      domain: all.map(({ version }) => version),
    }
    const added = [scores.prediction, ...scores.outputs, versions]
    const scored = batch.append(this.#side, this.#outputs, added)
    if (!this.#addsHeader) return scored
    const names = all.map(({ name, version }) => `${name}$${version}`)
    return this.#withHeader(scored, (row) => names[chosen[row] ?? 0])
  }

  #withHeader(batch: RecordBatch, modelOf: (row: number) => string | undefined): RecordBatch {
    const isScored = (row: number): boolean => batch.isLive(row) && !batch.isNull(this.#side, row)
    const models = Array.from({ length: batch.length }, (_, row) => (isScored(row) ? modelOf(row) : null))
    return batch.withHeader(MODEL_HEADER, models)
  }

  checkSchema(schema: Schema | null): SchemaCheck {
    return checkModelSchema(schema, this.#model, this.#source, this.#outputs)
  }
}

/** Nullable with default null, so that a later model's fields stay compatible. */
function outputFields(model: Model, prefix: string): Field[] {
  const isClassifier = model.task === 'classification'
  // Avro's names: letters, digits and "_".
  const names = model.outputs.map((name) => `${isClassifier ? 'p_' : ''}${name.replace(/\W/g, '_')}`)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) {
    const both = model.outputs.filter((_, i) => names[i] === twice).join(' and ')
    const message = `The classes ${both} of the model would both become the field ${prefix}${twice}. Train it with other class names.`
    throw new ConfigError([{ path: 'model', message }])
  }
  return [
    { name: `${prefix}prediction`, schema: isClassifier ? OPTIONAL_STRING : OPTIONAL_FLOAT64 },
    ...names.map((name) => ({ name: `${prefix}${name}`, schema: OPTIONAL_FLOAT64 })),
    { name: `${prefix}model_version`, schema: OPTIONAL_STRING },
  ]
}
