import {
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
import { readings, SENSORS } from './detect-anomaly-readings.ts'
import { failUnscored, MODEL_KEYS, readColumns, readFields } from './model-fields.ts'
import { checkModelSchema } from './model-schema.ts'

const config = defineConfig({
  model: MODEL_KEYS.model,
  threshold: key.double({
    doc: 'A record is an anomaly where its score is above this. Without it the model’s own is used: `postprocess.threshold` of its manifest, or what an isolation forest was trained with.',
    importance: 'HIGH',
    group: 'Model',
    optional: true,
    check: (value) => (Number.isFinite(value) ? undefined : 'Expected a finite number'),
  }),
  prefix: key.string({
    doc: 'Put before the names of the fields that are added: `anomaly_score`, `is_anomaly`.',
    importance: 'MEDIUM',
    group: 'Output',
    default: '',
    check: (value) =>
      /^([A-Za-z_]\w*)?$/.test(value) ? undefined : 'A field name has letters, digits and "_" only',
  }),
  fields: MODEL_KEYS.fields,
})

type Config = ConfigOf<typeof config.keys>

/** Scores all rows of a batch in one call, and marks those above the threshold. */
class DetectAnomaly implements Transform {
  readonly adds: readonly string[]
  readonly #model: Model
  readonly #side: SideName
  readonly #threshold: number | undefined
  readonly #fieldOf: ReadonlyMap<string, string>
  readonly #added: readonly Field[]

  constructor(model: Model, side: SideName, { threshold, prefix, fields }: Config) {
    if (threshold === undefined && model.threshold === undefined) {
      const message = `The model ${model.name} has no threshold of its own. Set one, or write it into postprocess.threshold of its manifest.`
      throw new ConfigError([{ path: 'threshold', message }])
    }
    this.#model = model
    this.#side = side
    this.#threshold = threshold
    this.#fieldOf = readFields(model, fields)
    this.#added = [
      { name: `${prefix}anomaly_score`, schema: OPTIONAL_FLOAT64 },
      { name: `${prefix}is_anomaly`, schema: { type: 'BOOLEAN', optional: true, default: null } },
    ]
    this.adds = this.#added.map(({ name }) => name)
  }

  async apply(batch: RecordBatch): Promise<RecordBatch> {
    const columns = readColumns(batch, this.#side, this.#model, this.#fieldOf)
    const threshold = this.#threshold ?? this.#model.threshold ?? Infinity // before the model may be replaced
    const scores = await this.#model.score(columns, batch.length)
    failUnscored(batch, this.#side, this.#model, scores)
    const { prediction } = scores
    if (prediction.type !== 'float64') throw notAnomaly(this.#model)
    const flags = Array.from(prediction.values, (score): Value => score > threshold)
    return batch.append(this.#side, this.#added, [prediction, { type: 'value', values: flags }])
  }

  checkSchema(schema: Schema | null): SchemaCheck {
    return checkModelSchema(schema, this.#model, { kind: 'columns', fieldOf: this.#fieldOf }, this.#added)
  }
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
    const model = await context.models.load(values.model)
    if (model.task !== 'anomaly') throw notAnomaly(model)
    return new DetectAnomaly(model, context.side, values)
  },
}
