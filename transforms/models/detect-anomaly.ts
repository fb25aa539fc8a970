import {
  type Column,
  ConfigError,
  type ConfigOf,
  defineConfig,
  type Example,
  type Field,
  key,
  type Model,
  ModelError,
  OPTIONAL_FLOAT64,
  type RecordBatch,
  type Schema,
  type SchemaCheck,
  type SideName,
  struct,
  type Transform,
  type TransformContext,
  type TransformPlugin,
  type Value,
} from 'sluice'
import { readings, SENSORS } from '../examples/detect-anomaly-readings.ts'
import { FIELDS, MISSING_FIELDS, MODEL_KEYS } from './scoring/model-keys.ts'
import { checkModelSchema } from './scoring/model-schema.ts'
import { nameOutputs, outputKeys, type OutputFields } from './scoring/output-fields.ts'
import { type OpenModels, openModels, Scoring } from './scoring/scoring.ts'

const config = defineConfig({
  ...MODEL_KEYS,
  threshold: key.double({
    doc: 'A record is an anomaly where its score is above this. Without it the model’s own is used: `postprocess.threshold` of its manifest, or what an isolation forest was trained with.',
    importance: 'HIGH',
    group: 'Model',
    optional: true,
    check: (value) => (Number.isFinite(value) ? undefined : 'Expected a finite number'),
  }),
  fields: FIELDS,
  'missing.fields': MISSING_FIELDS,
  ...outputKeys('`anomaly_score`, `is_anomaly`', ''),
})

type Config = ConfigOf<typeof config.keys>

const OUTPUTS: readonly Field[] = [
  { name: 'anomaly_score', schema: OPTIONAL_FLOAT64 },
  { name: 'is_anomaly', schema: { type: 'BOOLEAN', optional: true, default: null } },
]

/** Scores all rows of a batch in one call, and marks those above the threshold. */
class DetectAnomaly implements Transform {
  readonly adds: readonly Field[]
  readonly #model: Model
  readonly #side: SideName
  readonly #scoring: Scoring
  readonly #outputs: OutputFields

  constructor(models: OpenModels, values: Config, context: TransformContext) {
    const { threshold, fields } = values
    this.#model = models.model
    this.#side = context.side
    this.#scoring = new Scoring(models, values, context, { fields, threshold })
    this.#outputs = nameOutputs(OUTPUTS, values)
    this.adds = this.#outputs.fields
  }

  async apply(batch: RecordBatch): Promise<RecordBatch> {
    const scoring = this.#scoring.begin(batch)
    const { prediction } = await scoring.scoreFields()
    if (prediction.type !== 'float64') throw notAnomaly(this.#model)
    const flags = Array.from(prediction.values, (score, row): Value => {
      const { threshold = Infinity } = scoring.labelRuleOf(row)
      return score > threshold
    })
    const columns: readonly Column[] = [prediction, { type: 'value', values: flags }, scoring.versions]
    return scoring.finish(batch.append(this.#side, this.adds, this.#outputs.select(columns)))
  }

  checkSchema(schema: Schema | null): SchemaCheck {
    return checkModelSchema(schema, this.#model, this.#scoring.source)
  }

  close(): void {
    this.#scoring.close()
  }
}

/** Each model needs a threshold of its own where none is configured. */
function checkThresholds({ choice }: OpenModels, threshold: number | undefined): void {
  const lacking = choice.models.find((model) => (threshold ?? model.threshold) === undefined)
  if (lacking === undefined) return
  const message = `The model ${lacking.name} has no threshold of its own. Set one, or write it into postprocess.threshold of its manifest.`
  throw new ConfigError([{ path: 'threshold', message }])
}

function notAnomaly({ name, algorithm, format, task }: Model): ModelError {
  return new ModelError(
    'model.unsupported',
    `The model ${name} does not say how unusual a record is: it is for ${task} (${algorithm}, ${format}). Use an autoencoder or an isolation forest.`,
  )
}

const NORMAL = readings([45, 0, 83, 0, 46, 8, 37, 36, 0])
const UNUSUAL = readings([85, 0, 88, -4, 6, 1, 3, 83, 80])
const GAP = readings([45, 0, null, 0, 46, 8, 37, 36, 0])
const { f1: flow = null, ...REST } = NORMAL
const FLOW = { flow, ...REST }
const RENAMED: Schema = {
  ...SENSORS,
  fields: (SENSORS.fields ?? []).map((field) => (field.name === 'f1' ? { ...field, name: 'flow' } : field)),
}
const BESIDE =
  '{"model":"shuttle-anomaly","version":"1","prediction":0.01976572996179996,"outputs":{"reconstructionError":0.01976572996179996}}'

const examples: readonly Example[] = [
  {
    summary:
      'each record gets its reconstruction error, and whether that is above the threshold of the model’s manifest',
    config: { model: 'shuttle-anomaly' },
    have: [
      { valueSchema: SENSORS, value: struct(NORMAL) },
      { valueSchema: SENSORS, value: struct(UNUSUAL) },
    ],
    want: [
      { value: struct({ ...NORMAL, anomaly_score: 3.712158234907051e-6, is_anomaly: false }) },
      { value: struct({ ...UNUSUAL, anomaly_score: 0.01976572996179996, is_anomaly: true }) },
    ],
  },
  {
    summary: 'another threshold decides otherwise; a missing reading counts as its mean',
    config: { model: 'shuttle-anomaly', threshold: '0.5', prefix: 'sensor_' },
    have: [
      { valueSchema: SENSORS, value: struct(UNUSUAL) },
      { valueSchema: SENSORS, value: struct(GAP) },
    ],
    want: [
      {
        value: struct({ ...UNUSUAL, sensor_anomaly_score: 0.01976572996179996, sensor_is_anomaly: false }),
      },
      { value: struct({ ...GAP, sensor_anomaly_score: 2.4614562168267214e-5, sensor_is_anomaly: false }) },
    ],
  },
  {
    summary:
      'version 1 and the latest share the records, each with its own threshold, while one of them scores the others’ too',
    config: {
      model: 'shuttle-anomaly$1:0.9,shuttle-anomaly:0.1',
      'model.seed': 'spring',
      'version.field': 'model_version',
      shadow: 'shuttle-anomaly',
      'shadow.header': 'true',
    },
    have: [{ valueSchema: SENSORS, value: struct(UNUSUAL) }],
    want: [
      {
        headers: [
          { key: 'sluice.model', value: Buffer.from('shuttle-anomaly$1') },
          { key: 'sluice.shadow', value: Buffer.from(BESIDE) },
        ],
        value: struct({
          ...UNUSUAL,
          anomaly_score: 0.01976572996179996,
          is_anomaly: true,
          model_version: '1',
        }),
      },
    ],
  },
  {
    summary: 'a reading that has another name in the record is named with `fields`',
    config: { model: 'shuttle-anomaly', fields: 'f1:flow' },
    have: [{ valueSchema: RENAMED, value: struct(FLOW) }],
    want: [{ value: struct({ ...FLOW, anomaly_score: 3.712158234907051e-6, is_anomaly: false }) }],
  },
  {
    summary: 'the flag alone, under a name of its own',
    config: { model: 'shuttle-anomaly', outputs: 'anomaly_score:,is_anomaly:is_unusual', prefix: 'sensor_' },
    have: [{ valueSchema: SENSORS, value: struct(UNUSUAL) }],
    want: [{ value: struct({ ...UNUSUAL, is_unusual: true }) }],
  },
  {
    summary: 'a tombstone passes, unscored',
    config: { model: 'shuttle-anomaly' },
    have: [{ valueSchema: null, value: null }],
    want: [{ value: null }],
  },
]

export const detectAnomaly: TransformPlugin<typeof config.keys> = {
  kind: 'transform',
  name: 'DetectAnomaly',
  version: '0.1.0',
  summary:
    'Marks records that are unlike what a model was trained on, by the reconstruction error of an autoencoder or the score of an isolation forest.',
  config,
  examples,
  async open(values: Config, context: TransformContext): Promise<Transform> {
    const models = await openModels(values, context)
    if (models.model.task !== 'anomaly') throw notAnomaly(models.model)
    checkThresholds(models, values.threshold)
    return new DetectAnomaly(models, values, context)
  },
}
