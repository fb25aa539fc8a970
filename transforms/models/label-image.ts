import {
  ConfigError,
  type ConfigProblem,
  DataError,
  type Example,
  type Field,
  type ImageLabel,
  type ImageLabeller,
  type ImageSource,
  type Model,
  OPTIONAL_FLOAT64,
  OPTIONAL_STRING,
  type RecordBatch,
  type Schema,
  type SchemaCheck,
  type SideName,
  type SinkRecord,
  type Struct,
  struct,
  TaskError,
  type Transform,
  type TransformContext,
  type TransformPlugin,
  type Value,
} from 'sluice'
import { PHOTO } from '../examples/label-image-photo.ts'
import { type Config, config } from './label-image-keys.ts'
import { checkContent, checkContentField } from './scoring/model-schema.ts'
import { nameOutputs, type OutputFields } from './scoring/output-fields.ts'
import { openModels, Scoring } from './scoring/scoring.ts'

/** What an image is called that the model is not sure of. */
const UNKNOWN = 'unknown'

const LABELS: Schema = {
  type: 'ARRAY',
  optional: true,
  default: null,
  valueSchema: {
    type: 'STRUCT',
    optional: false,
    name: 'sluice.ImageLabel',
    fields: [
      { name: 'label', schema: { type: 'STRING', optional: false } },
      { name: 'probability', schema: { type: 'FLOAT64', optional: false } },
    ],
  },
}

/** Nullable with default null, so that a later schema stays compatible. */
const OUTPUTS: readonly Field[] = [
  { name: 'label', schema: OPTIONAL_STRING },
  { name: 'probability', schema: OPTIONAL_FLOAT64 },
  { name: 'labels', schema: LABELS },
]

/** Reads the images of a batch, labels them, and adds what the model sees. */
class LabelImage implements Transform {
  readonly #labeller: ImageLabeller
  readonly #scoring: Scoring
  readonly #side: SideName
  readonly #values: Config
  readonly #outputs: OutputFields
  /** Undefined where the key or value itself is replaced. */
  readonly adds?: readonly Field[]
  /** What records become whose key or value was the image itself. */
  readonly #replacement: Schema

  constructor(labeller: ImageLabeller, scoring: Scoring, side: SideName, values: Config) {
    this.#labeller = labeller
    this.#scoring = scoring
    this.#side = side
    this.#values = values
    this.#outputs = nameOutputs(OUTPUTS, values)
    const { fields } = this.#outputs
    if (values.field !== '') this.adds = fields
    this.#replacement = { type: 'STRUCT', optional: false, name: 'sluice.ImageLabels', fields }
  }

  async apply(batch: RecordBatch): Promise<RecordBatch> {
    const scoring = this.#scoring.begin(batch)
    const results = await this.#labeller.label(
      this.#sources(batch),
      (row, error) => batch.fail(row, error),
      (tensor, rows) => scoring.scoreTensor(tensor, rows),
    )
    const { levels, domain } = scoring.versions
    const outputs = results.map((labels, row) =>
      this.#outputs.select([...this.#valuesOf(labels), domain[levels[row]!] ?? null]),
    )
    return scoring.finish(
      this.#values.field === '' ? this.#replace(batch, outputs) : this.#append(batch, outputs),
    )
  }

  close(): void {
    this.#scoring.close()
  }

  #append(batch: RecordBatch, outputs: readonly (readonly Value[])[]): RecordBatch {
    const { fields } = this.#outputs
    const columns = fields.map((_, i) => ({
      type: 'value' as const,
      values: outputs.map((row) => row[i] ?? null),
    }))
    return batch.append(this.#side, fields, columns)
  }

  checkSchema(schema: Schema | null): SchemaCheck {
    const { field } = this.#values
    const content = field === '' ? schema : schema?.fields?.find(({ name }) => name === field)?.schema
    const what = field === '' ? `the ${this.#side}` : `the field ${field}`
    const located = this.#locationProblems(content ?? null, what)
    if (field === '')
      return { schema: this.#replacement, problems: [...checkContent(schema, what, 'an image'), ...located] }
    const check = checkContentField(schema, field, 'an image')
    return { ...check, problems: [...check.problems, ...located] }
  }

  /** A text says where an image is: something must be allowed to be read. */
  #locationProblems(schema: Schema | null, what: string): ConfigProblem[] {
    const { 'file.root': root, 'http.allowed.origins': origins } = this.#values
    if (schema?.type !== 'STRING' || root !== undefined || origins.length > 0) return []
    const message = `${what} is a text, which says where an image is, and nothing may be read from anywhere. Set \`file.root\` (a folder) or \`http.allowed.origins\`, or send the bytes of the images.`
    return [{ path: 'file.root', message }]
  }

  /** The image of each live record; null where it has none. */
  #sources(batch: RecordBatch): ImageSource[] {
    const { field } = this.#values
    const column = field === '' ? null : batch.column(this.#side, field, 'value').values
    return Array.from({ length: batch.length }, (_, row) => {
      if (!batch.isLive(row) || batch.isNull(this.#side, row)) return null
      const value = column === null ? batch.value(this.#side, row) : (column[row] ?? null)
      if (value === null || typeof value === 'string' || Buffer.isBuffer(value)) return value
      const what = column === null ? `The ${this.#side}` : `The field ${field}`
      const advice = column === null ? ' Name the field with the image in `field`.' : ''
      const message = `${what} is neither bytes nor a text, so that it holds no image.${advice}`
      batch.fail(row, new DataError('record.field', message))
      return null
    })
  }

  /** All that can be added. */
  #valuesOf(labels: readonly ImageLabel[] | null): readonly Value[] {
    const [first] = labels ?? []
    if (labels === null || first === undefined) return [null, null, null]
    const label = first.probability >= this.#values.threshold ? first.label : UNKNOWN
    return [label, first.probability, labels.map(toStruct)]
  }

  /** Records whose key or value was the image itself get a struct instead. */
  #replace(batch: RecordBatch, outputs: readonly (readonly Value[])[]): RecordBatch {
    const schema = this.#replacement
    const records = Array.from({ length: batch.length }, (_, row): SinkRecord | undefined => {
      if (!batch.isLive(row)) return undefined
      const record = batch.record(row)
      if (batch.isNull(this.#side, row)) return record
      const value = struct(
        Object.fromEntries(this.#outputs.fields.map(({ name }, i) => [name, outputs[row]?.[i] ?? null])),
      )
      return this.#side === 'key'
        ? { ...record, keySchema: schema, key: value }
        : { ...record, valueSchema: schema, value }
    })
    return batch.withRecords(records)
  }
}

function toStruct({ label, probability }: ImageLabel): Struct {
  return struct({ label, probability })
}

/** An image is read once for all models. */
function checkShadow(model: Model, shadow: Model): void {
  const shape = ({ inputs }: Model) => JSON.stringify(inputs.map((input) => [input.datatype, input.shape]))
  if (shape(shadow) === shape(model)) return
  const message = `The shadow model ${shadow.name} takes images of another size or kind than ${model.name}. Name one of the same input.`
  throw new ConfigError([{ path: 'shadow', message }])
}

const BYTES: Schema = { type: 'BYTES', optional: true }

const PICTURE: Schema = {
  type: 'STRUCT',
  optional: false,
  fields: [{ name: 'picture', schema: BYTES }],
}
const LOCATION: Schema = {
  type: 'STRUCT',
  optional: false,
  fields: [{ name: 'picture', schema: OPTIONAL_STRING }],
}
const [TRIPOD, BINOCULARS] = [
  struct({ label: 'tripod', probability: 0.9331891536712646 }),
  struct({ label: 'binoculars', probability: 0.009556010365486145 }),
]
/** A single red pixel. */
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC',
  'base64',
)

const examples: readonly Example[] = [
  {
    summary: 'the image in a field gets its best labels, in fields with a prefix',
    config: { model: 'efficientnet-lite0', field: 'picture', 'top.k': '2', prefix: 'photo_' },
    have: [{ valueSchema: PICTURE, value: struct({ picture: PHOTO }) }],
    want: [
      {
        value: struct({
          picture: PHOTO,
          photo_label: 'tripod',
          photo_probability: 0.9331891536712646,
          photo_labels: [TRIPOD, BINOCULARS],
        }),
      },
    ],
  },
  {
    summary: 'an image that is the record itself becomes a struct; below the threshold its label is unknown',
    config: { model: 'efficientnet-lite0', 'top.k': '1', threshold: '0.99' },
    have: [{ valueSchema: BYTES, value: PHOTO }],
    want: [{ value: struct({ label: 'unknown', probability: 0.9331891536712646, labels: [TRIPOD] }) }],
  },
  {
    summary:
      'a location must be a file below file.root, or of an origin that is allowed: what leads out fails alone, as does what is not there',
    config: {
      model: 'efficientnet-lite0',
      field: 'picture',
      'file.root': '/tmp',
      'http.allowed.origins': 'https://images.example.com',
      'http.timeout.ms': '2000',
    },
    have: ['../etc/hostname', 'no-such-picture.jpg', 'https://example.com/a.jpg', null].map((picture) => ({
      valueSchema: LOCATION,
      value: struct({ picture }),
    })),
    want: [
      { error: 'record.image' },
      { error: 'record.image' },
      { error: 'record.image' },
      { value: struct({ picture: null, label: null, probability: null, labels: null }) },
    ],
  },
  {
    summary: 'a tombstone passes, unlabelled',
    config: { model: 'efficientnet-lite0' },
    have: [{ valueSchema: null, value: null }],
    want: [{ value: null }],
  },
  {
    summary:
      'version 1 and the latest share the images, and the latest labels all of them beside; a header and a field say who labelled one',
    config: {
      model: 'efficientnet-lite0$1:0.9,efficientnet-lite0:0.1',
      'model.seed': 'spring',
      'version.field': 'model_version',
      shadow: 'efficientnet-lite0',
      'shadow.header': 'true',
    },
    have: [
      { valueSchema: BYTES, value: Buffer.from('not an image') },
      { valueSchema: null, value: null },
    ],
    want: [{ error: 'record.image' }, { headers: [], value: null }],
  },
  {
    summary: 'the label alone, under a name of its own; an image that the model is not sure of is unknown',
    config: { model: 'efficientnet-lite0', threshold: '1', outputs: 'label:shows,probability:,labels:' },
    have: [{ valueSchema: BYTES, value: PNG }],
    want: [{ value: struct({ shows: 'unknown' }) }],
  },
  {
    summary: 'bytes that are no JPEG, PNG or WebP fail their record alone',
    config: { model: 'efficientnet-lite0' },
    have: [
      { valueSchema: BYTES, value: Buffer.from('not an image') },
      { valueSchema: BYTES, value: Buffer.from('GIF89a') },
      { valueSchema: BYTES, value: null },
    ],
    want: [{ error: 'record.image' }, { error: 'record.image' }, { value: null }],
  },
  {
    summary: 'nothing is read from a location that is not allowed',
    config: { model: 'efficientnet-lite0', field: 'picture' },
    have: ['/etc/hostname', 'http://169.254.169.254/latest/meta-data'].map((picture) => ({
      valueSchema: LOCATION,
      value: struct({ picture }),
    })),
    want: [{ error: 'record.image' }, { error: 'record.image' }],
  },
]

export const labelImage: TransformPlugin<typeof config.keys> = {
  kind: 'transform',
  name: 'LabelImage',
  version: '0.1.0',
  summary: 'Says what an image shows: the best labels of an ONNX image classifier, with their probabilities.',
  config,
  examples,
  async open(values: Config, context: TransformContext): Promise<Transform> {
    const models = await openModels(values, context)
    const { model } = models
    if (values['top.k'] > model.labels.length) {
      const message = `The model ${model.name} has ${model.labels.length} labels only.`
      throw new ConfigError([{ path: 'top.k', message }])
    }
    if (context.openImageLabeller === undefined) {
      throw new TaskError('task.failed', 'LabelImage needs openImageLabeller in its context.')
    }
    const labeller = await context.openImageLabeller(model, {
      fileRoot: values['file.root'] ?? null,
      httpOrigins: values['http.allowed.origins'],
      maxBytes: values['max.bytes'],
      fetchTimeoutMs: values['http.timeout.ms'],
      topK: values['top.k'],
      concurrency: values['decode.concurrency'],
    })
    for (const shadow of models.shadows) checkShadow(model, shadow)
    const scoring = new Scoring(models, values, context, { mostOutputs: values['top.k'] })
    return new LabelImage(labeller, scoring, context.side, values)
  },
}
