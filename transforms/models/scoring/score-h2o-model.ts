import {
  type Column,
  ConfigError,
  type ConfigOf,
  defineConfig,
  type Field,
  type Model,
  OPTIONAL_FLOAT64,
  type RecordBatch,
  type Schema,
  type SchemaCheck,
  type SideName,
  type Transform,
  type TransformContext,
} from 'sluice'
import { LABELS_TYPE, type LabelType, labelType } from './label-type.ts'
import { FIELDS, MISSING_FIELDS, MODEL_KEYS } from './model-keys.ts'
import { checkModelSchema } from './model-schema.ts'
import { nameOutputs, outputKeys, type OutputFields } from './output-fields.ts'
import { firstRepeated } from './first-repeated.ts'
import { type OpenModels, Scoring } from './scoring.ts'

export const config = defineConfig({
  ...MODEL_KEYS,
  fields: FIELDS,
  'missing.fields': MISSING_FIELDS,
  'labels.type': LABELS_TYPE,
  ...outputKeys(
    '`prediction`, `p_<class>` for each class, `cal_<class>` too where an H2O model calibrates them (an anomaly model: its scores by name)',
    'model_version',
  ),
})

export type Config = ConfigOf<typeof config.keys>

/** Reads the model's columns of a batch, scores all rows in one call, and adds what the model says. */
export class ScoreModel implements Transform {
  readonly adds: readonly Field[]
  readonly #model: Model
  readonly #scoring: Scoring
  readonly #side: SideName
  readonly #outputs: OutputFields
  readonly #labels: LabelType

  constructor(models: OpenModels, values: Config, context: TransformContext) {
    this.#model = models.model
    this.#scoring = new Scoring(models, values, context, { fields: values.fields })
    this.#side = context.side
    this.#labels = labelType(values['labels.type'], models.model)
    this.#outputs = nameOutputs(outputsOf(models.model, this.#labels.schema), values)
    this.adds = this.#outputs.fields
  }

  async apply(batch: RecordBatch): Promise<RecordBatch> {
    const scoring = this.#scoring.begin(batch)
    const { prediction, outputs, calibrated = [] } = await scoring.scoreFields()
    const first = prediction.type === 'category' ? this.#labels.columnOf(prediction) : prediction
    const all = [first, ...outputs, ...calibrated, scoring.versions]
    const columns = this.#outputs.select<Column>(all)
    return scoring.finish(batch.append(this.#side, this.adds, columns))
  }

  checkSchema(schema: Schema | null): SchemaCheck {
    return checkModelSchema(schema, this.#model, this.#scoring.source)
  }

  close(): void {
    this.#scoring.close()
  }
}

const OPTIONAL_INT64: Schema = { ...OPTIONAL_FLOAT64, type: 'INT64' }

/** Nullable with default null, so that a later model's fields stay compatible. */
function outputsOf(model: Model, label: Schema): readonly Field[] {
  const isClassifier = model.task === 'classification'
  // Avro's names: letters, digits and "_".
  const names = model.outputs.map((name) => `${isClassifier ? 'p_' : ''}${name.replace(/\W/g, '_')}`)
  const twice = firstRepeated(names)
  if (twice !== undefined) {
    const both = model.outputs.filter((_, i) => names[i] === twice).join(' and ')
    const message = `The classes ${both} of the model would both become the field ${twice}. Train it with other class names.`
    throw new ConfigError([{ path: 'model', message }])
  }
  const schemaOf = (k: number): Schema =>
    model.outputTypes?.[k] === 'INT64' ? OPTIONAL_INT64 : OPTIONAL_FLOAT64
  const calibrated = model.isCalibrated === true ? names.map((name) => name.replace(/^p_/, 'cal_')) : []
  return [
    { name: 'prediction', schema: isClassifier ? label : schemaOf(0) },
    ...names.map((name, k) => ({ name, schema: schemaOf(k) })),
    ...calibrated.map((name) => ({ name, schema: OPTIONAL_FLOAT64 })),
  ]
}
