import {
  type CategoryColumn,
  type Column,
  ConfigError,
  type ConfigOf,
  DataError,
  defineConfig,
  type Example,
  type Field,
  key,
  type Model,
  ModelError,
  OPTIONAL_FLOAT64,
  OPTIONAL_STRING,
  type RecordBatch,
  type Schema,
  type Scores,
  type SideName,
  struct,
  type Transform,
  type TransformContext,
  type TransformPlugin,
  type Value,
} from 'sluice'

const config = defineConfig({
  model: key.string({
    doc: 'The model: a folder below the worker’s models.dir (`name`, or `name$version`; the latest version where none is named), or the path of a model file or folder below one of models.allowed.dirs.',
    importance: 'HIGH',
    group: 'Model',
    check: (value) => (value === '' ? 'Expected the name or the path of a model' : undefined),
  }),
  prefix: key.string({
    doc: 'Put before the names of the fields that are added: `prediction`, `p_<class>` for each class, `model_version`.',
    importance: 'MEDIUM',
    group: 'Output',
    default: '',
    check: (value) =>
      /^([A-Za-z_]\w*)?$/.test(value) ? undefined : 'A field name has letters, digits and "_" only',
  }),
  fields: key.list({
    doc: 'Where a record’s fields have other names than the model’s columns: `column:field` pairs, e.g. `Origin:from,Dest:to`.',
    importance: 'LOW',
    group: 'Model',
    default: [],
    check: (pairs) =>
      pairs.every((pair) => /^.+:.+$/.test(pair)) ? undefined : 'Expected column:field pairs',
  }),
})

type Config = ConfigOf<typeof config.keys>

/** Reads the model's columns of a batch, scores all rows in one call, and adds what the model says. */
class ScoreH2oGbm implements Transform {
  readonly #model: Model
  readonly #side: SideName
  readonly #fieldOf: ReadonlyMap<string, string>
  readonly #outputs: readonly Field[]

  constructor(model: Model, side: SideName, values: Config) {
    this.#model = model
    this.#side = side
    this.#fieldOf = readFields(model, values.fields)
    this.#outputs = outputFields(model, values.prefix)
  }

  async apply(batch: RecordBatch): Promise<RecordBatch> {
    const columns = this.#model.inputs.map((input): Column => {
      const request = input.type === 'numeric' ? 'float64' : { domain: input.domain ?? [] }
      return batch.column(this.#side, this.#fieldOf.get(input.name) ?? input.name, request, !input.required)
    })
    const scores = await this.#model.score(columns, batch.length)
    this.#failUnscored(batch, scores)
    const version: CategoryColumn = {
      type: 'category',
      levels: new Int32Array(batch.length),
      domain: [this.#model.version],
    }
    return batch.append(this.#side, this.#outputs, [scores.prediction, ...scores.outputs, version])
  }

  /** Trees always give a number; an offset that is missing or infinite does not. */
  #failUnscored(batch: RecordBatch, { prediction, outputs }: Scores): void {
    const numbers = prediction.type === 'float64' ? prediction : outputs[0]
    for (let row = 0; row < batch.length; row++) {
      if (!Number.isNaN(numbers?.values[row]) || !batch.isLive(row) || batch.isNull(this.#side, row)) continue
      const what = `The model ${this.#model.name} gives no number for the record. Is its offset missing?`
      batch.fail(row, new DataError('record.value', what))
    }
  }
}

function readFields(model: Model, pairs: readonly string[]): Map<string, string> {
  const fieldOf = new Map(pairs.map((pair) => pair.split(/:(.*)/s, 2) as [string, string]))
  const columns = model.inputs.map((input) => input.name)
  const unknown = [...fieldOf.keys()].filter((column) => !columns.includes(column))
  if (unknown.length === 0) return fieldOf
  const message = `The model ${model.name} has no column ${unknown.join(', ')}. It has: ${columns.join(', ')}.`
  throw new ConfigError([{ path: 'fields', message }])
}

/** Nullable with default null, so that a later model's fields stay compatible. */
function outputFields(model: Model, prefix: string): Field[] {
  const isClassifier = model.task === 'classification'
  // Avro's names: letters, digits and "_".
  const classes = model.labels.map((label) => `p_${label.replace(/\W/g, '_')}`)
  const twice = classes.find((name, i) => classes.indexOf(name) !== i)
  if (twice !== undefined) {
    const both = model.labels.filter((_, i) => classes[i] === twice).join(' and ')
    const message = `The classes ${both} of the model would both become the field ${prefix}${twice}. Train it with other class names.`
    throw new ConfigError([{ path: 'model', message }])
  }
  return [
    { name: `${prefix}prediction`, schema: isClassifier ? OPTIONAL_STRING : OPTIONAL_FLOAT64 },
    ...classes.map((name) => ({ name: `${prefix}${name}`, schema: OPTIONAL_FLOAT64 })),
    { name: `${prefix}model_version`, schema: OPTIONAL_STRING },
  ]
}

const OPTIONAL_INT32: Schema = { type: 'INT32', optional: true, default: null }

const NUMBERS = ['Month', 'DayofMonth', 'DayOfWeek', 'CRSDepTime', 'CRSArrTime', 'Distance']
const STRINGS = ['UniqueCarrier', 'Origin', 'Dest']
const FLIGHT: Schema = {
  type: 'STRUCT',
  optional: false,
  name: 'Flight',
  fields: [
    ...NUMBERS.map((name) => ({ name, schema: OPTIONAL_INT32 })),
    ...STRINGS.map((name) => ({ name, schema: OPTIONAL_STRING })),
  ],
}

/** A flight from Newark to Nashville; what is not given is as on that day. */
function flight(values: Readonly<Record<string, Value>> = {}): Readonly<Record<string, Value>> {
  const when = { Month: 4, DayofMonth: 2, DayOfWeek: 2, CRSDepTime: 1540, CRSArrTime: 1709 }
  return { ...when, Distance: 748, UniqueCarrier: 'EV', Origin: 'EWR', Dest: 'BNA', ...values }
}

const LATE = { prediction: 'YES', p_NO: 0.5231016378972136, p_YES: 0.47689836210278636, model_version: '1' }

const examples: readonly Example[] = [
  {
    summary: 'a flight gets the label, the probability of each class and the version of the model',
    config: { model: 'airline-delay' },
    have: [{ valueSchema: FLIGHT, value: struct(flight()) }],
    want: [{ value: struct({ ...flight(), ...LATE }) }],
  },
  {
    summary: 'a null value and a level that the model has not seen are missing values',
    config: { model: 'airline-delay$1', prefix: 'delay_' },
    have: [{ valueSchema: FLIGHT, value: struct(flight({ UniqueCarrier: 'PS', Distance: null })) }],
    want: [
      {
        value: struct({
          ...flight({ UniqueCarrier: 'PS', Distance: null }),
          delay_prediction: 'NO',
          delay_p_NO: 0.6688114631853957,
          delay_p_YES: 0.33118853681460425,
          delay_model_version: '1',
        }),
      },
    ],
  },
  {
    summary: 'a tombstone passes, unscored',
    config: { model: 'airline-delay' },
    have: [{ valueSchema: null, value: null }],
    want: [{ value: null }],
  },
  {
    summary: 'a record that already has a field of that name fails',
    config: { model: 'airline-delay' },
    have: [
      {
        valueSchema: {
          ...FLIGHT,
          fields: [...(FLIGHT.fields ?? []), { name: 'prediction', schema: OPTIONAL_STRING }],
        },
        value: struct(flight({ prediction: 'mine' })),
      },
    ],
    want: [{ error: 'record.field' }],
  },
]

export const scoreH2oGbm: TransformPlugin<typeof config.keys> = {
  kind: 'transform',
  name: 'ScoreH2OGbm',
  version: '0.1.0',
  summary: 'Scores records with an H2O gradient boosting machine (MOJO), exactly as H2O does.',
  config,
  examples,
  async open(values: Config, context: TransformContext): Promise<Transform> {
    const model = await context.models.load(values.model)
    if (model.format !== 'h2o-mojo' || model.algorithm !== 'gbm') {
      throw new ModelError(
        'model.unsupported',
        `The model ${model.name} is not an H2O GBM but ${model.algorithm} (${model.format}). Use the transform for that kind.`,
      )
    }
    return new ScoreH2oGbm(model, context.side, values)
  },
}
