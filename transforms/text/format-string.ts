import {
  type ConfigOf,
  type ConfigProblem,
  DataError,
  defineConfig,
  eachRecord,
  type Example,
  type Field,
  isStruct,
  key,
  mapRecords,
  OPTIONAL_FLOAT64,
  OPTIONAL_STRING,
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
import { checkFieldName } from '../models/scoring/output-fields.ts'
import { type Format, formatOf } from './number-format.ts'

/** Characters. */
const MAX_TEMPLATE = 8192
// A colon would be Kafka Connect's sign of a config provider.
/** `${fields}` or `${fields|format}`; `$$` is a dollar sign. */
const PLACE = /\$\$|\$\{([^}|]*)(?:\|([^}]*))?\}/g

function checkTemplate(template: string): string | undefined {
  // what looks for places takes as long as the square of it
  if (template.length > MAX_TEMPLATE) return `A template has at most ${MAX_TEMPLATE} characters`
  for (const [, fields, format = ''] of template.matchAll(PLACE)) {
    if (fields === undefined) continue
    if (fields.split(',').some((field) => field.trim() === '')) return 'A placeholder names no field'
    if (formatOf(format, '') === undefined) {
      return `"${format}" is no format: nd4j, json, and such as .3 or .2% are`
    }
  }
  return undefined
}

const config = defineConfig({
  template: key.string({
    doc: 'The text, with ${field} where a field’s value goes, a.b for a field of a field, and ${a,b,c} for an array of fields. A format may follow: ${p|.3} has three decimals, ${p|.2%} is in percent, ${p|json} is JSON, and ${a,b|nd4j} prints a matrix as ND4J does. $$ is a dollar sign.',
    importance: 'HIGH',
    group: 'Text',
    check: checkTemplate,
  }),
  field: key.string({
    doc: 'The field that the text is added as. Empty: it takes the place of the key or value.',
    importance: 'MEDIUM',
    group: 'Text',
    default: '',
    check: checkFieldName,
  }),
  'missing.text': key.string({
    doc: 'What stands for a value that is missing.',
    importance: 'LOW',
    group: 'Text',
    default: 'null',
  }),
})

type Config = ConfigOf<typeof config.keys>

type Part = string | { readonly paths: readonly (readonly string[])[]; readonly format: Format }

function parseTemplate(template: string, missing: string): Part[] {
  const parts: Part[] = []
  let at = 0
  for (const match of template.matchAll(PLACE)) {
    const [text, fields, format = ''] = match
    parts.push(template.slice(at, match.index))
    at = match.index + text.length
    if (fields === undefined) parts.push('$')
    else {
      const paths = fields.split(',').map((field) => field.trim().split('.'))
      parts.push({ paths, format: formatOf(format, missing) ?? String })
    }
  }
  return [...parts, template.slice(at)]
}

function valueAt(value: Value, path: readonly string[]): Value {
  let found = value
  for (const name of path) {
    if (found === null) return null
    const isThere = isStruct(found) ? Object.hasOwn(found, name) : found instanceof Map && found.has(name)
    if (!isThere) {
      const what = `The record has no field ${path.join('.')}. Correct the template, or add the field before.`
      throw new DataError('record.field', what)
    }
    found = isStruct(found) ? found[name]! : ((found as ReadonlyMap<Value, Value>).get(name) ?? null)
  }
  return found
}

/** The fields of the template that no record of a schema has. */
function lacking(parts: readonly Part[], schema: Schema | null): ConfigProblem[] {
  const paths = parts.flatMap((part) => (typeof part === 'string' ? [] : part.paths))
  return paths
    .filter((path) => schema !== null && !mayHave(schema, path))
    .map((path) => {
      const message = `the template names the field ${path.join('.')}, which the schema does not have. Correct the template, or add the field before.`
      return { path: 'template', message }
    })
}

function mayHave(schema: Schema, [name, ...rest]: readonly string[]): boolean {
  if (name === undefined || schema.type === 'MAP') return true
  const field = schema.fields?.find((each) => each.name === name)
  return field !== undefined && mayHave(field.schema, rest)
}

function fill(parts: readonly Part[], record: Value): string {
  return parts
    .map((part) => {
      if (typeof part === 'string') return part
      const values = part.paths.map((path) => valueAt(record, path))
      return part.format(values.length === 1 ? values[0]! : values)
    })
    .join('')
}

/** Adds the text to the record that it is made of. */
class TextField implements Transform {
  readonly adds: readonly Field[]
  readonly #parts: readonly Part[]
  readonly #side: SideName

  constructor(parts: readonly Part[], side: SideName, field: string) {
    this.adds = [{ name: field, schema: OPTIONAL_STRING }]
    this.#parts = parts
    this.#side = side
  }

  apply(batch: RecordBatch): RecordBatch {
    const values = new Array<string | null>(batch.length).fill(null)
    eachRecord(batch, (row) => {
      const record = batch.value(this.#side, row)
      if (record !== null) values[row] = fill(this.#parts, record)
    })
    return batch.append(this.#side, this.adds, [{ type: 'string', values }])
  }

  checkSchema(schema: Schema | null): SchemaCheck {
    const problems = lacking(this.#parts, schema)
    if (schema === null || schema.fields !== undefined) return { problems }
    const message = `a field can be added to a struct only, and the schema is ${schema.type}. Leave \`field\` out, or use a converter that gives structs.`
    return { problems: [...problems, { path: 'field', message }] }
  }
}

const STRING: Schema = { type: 'STRING', optional: false }
const DELAY: Schema = {
  type: 'STRUCT',
  optional: false,
  name: 'Delay',
  fields: [
    { name: 'prediction', schema: OPTIONAL_STRING },
    { name: 'p_YES', schema: OPTIONAL_FLOAT64 },
  ],
}
const IRIS: Schema = {
  type: 'STRUCT',
  optional: false,
  name: 'Iris',
  fields: ['a', 'b', 'c'].map((name) => ({ name, schema: OPTIONAL_FLOAT64 })),
}

const examples: readonly Example[] = [
  {
    summary: 'a field stands in a sentence',
    config: { template: 'Prediction: Is Airline delayed? => ${prediction}' },
    have: [{ valueSchema: DELAY, value: struct({ prediction: 'YES', p_YES: 0.568 }) }],
    want: [{ value: 'Prediction: Is Airline delayed? => YES' }],
  },
  {
    summary: 'numbers with decimals, in percent and as they are; a missing one; a dollar sign',
    config: { template: '${prediction}: ${p_YES|.2%} = ${p_YES|.3} = ${p_YES}, $$5', 'missing.text': '?' },
    have: [
      { valueSchema: DELAY, value: struct({ prediction: 'YES', p_YES: 0.5680083102883521 }) },
      { valueSchema: DELAY, value: struct({ prediction: null, p_YES: null }) },
    ],
    want: [{ value: 'YES: 56.80% = 0.568 = 0.5680083102883521, $5' }, { value: '?: ? = ? = ?, $5' }],
  },
  {
    summary: 'several fields as one matrix, as ND4J prints it',
    config: { template: 'Prediction: Iris Probability => ${a,b,c|nd4j}' },
    have: [
      { valueSchema: IRIS, value: struct({ a: 0.0033421936, b: 0.16345201, c: 0.8332058 }) },
      { valueSchema: IRIS, value: struct({ a: 9.303299e-5, b: 0.0029957688, c: 0.9969112 }) },
    ],
    want: [
      { value: 'Prediction: Iris Probability => [[    0.0033,    0.1635,    0.8332]]' },
      { value: 'Prediction: Iris Probability => [[ 9.3033e-5,    0.0030,    0.9969]]' },
    ],
  },
  {
    summary: 'the text is added to the record as a field',
    config: { template: 'late: ${prediction} (${p_YES|.1%})', field: 'text' },
    have: [
      { valueSchema: DELAY, value: struct({ prediction: 'YES', p_YES: 0.568 }) },
      { valueSchema: null, value: null },
    ],
    want: [
      { value: struct({ prediction: 'YES', p_YES: 0.568, text: 'late: YES (56.8%)' }) },
      { value: null },
    ],
  },
  {
    summary: 'a field of that name must not be there already',
    config: { template: '${p_YES}', field: 'prediction' },
    have: [{ valueSchema: DELAY, value: struct({ prediction: 'YES', p_YES: 1 }) }],
    want: [{ error: 'record.field' }],
  },
  {
    summary: 'a record that lacks a field fails alone, and a tombstone passes',
    config: { template: '${probability}' },
    have: [{ valueSchema: DELAY, value: struct({ prediction: 'YES', p_YES: 1 }) }, { value: null }],
    want: [{ error: 'record.field' }, { value: null }],
  },
]

export const formatString: TransformPlugin<typeof config.keys> = {
  kind: 'transform',
  name: 'FormatString',
  version: '0.1.0',
  summary: 'Makes one text of the fields of a record.',
  config,
  examples,
  open(values: Config, { side }: TransformContext): Transform {
    const parts = parseTemplate(values.template, values['missing.text'])
    if (values.field !== '') return new TextField(parts, side, values.field)
    const records = mapRecords((record) => {
      const value = record[side]
      if (value === null) return record
      return { ...record, [side]: fill(parts, value), [`${side}Schema`]: STRING }
    })
    return { ...records, checkSchema: (schema) => ({ schema: STRING, problems: lacking(parts, schema) }) }
  },
}
