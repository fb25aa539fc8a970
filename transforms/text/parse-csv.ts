import {
  ConfigError,
  type ConfigOf,
  defineConfig,
  eachRecord,
  type Example,
  type ExampleRecord,
  type Field,
  key,
  mapRecords,
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
import { checkContent, checkContentField } from '../models/scoring/model-schema.ts'
import { checkFields, lineParser, type LineParser } from './line-parser.ts'

const config = defineConfig({
  field: key.string({
    doc: 'The field with the line: its cells become more fields of the same record. Empty: the key or value itself is the line (StringConverter or ByteArrayConverter), and becomes a struct of the cells.',
    importance: 'MEDIUM',
    group: 'Fields',
    default: '',
  }),
  fields: key.list({
    doc: 'The cells in their order, each as name:type; "-" leaves a cell out. Types: boolean, int32, int64, float32, float64, string; missing is a field that is null whatever the cell says. The last may be float32[] or float64[], an array of all cells that are left, or zeros, which reads them as the shape of a matrix of zeros and gives one row of it.',
    importance: 'HIGH',
    group: 'Fields',
    check: checkFields,
  }),
  'missing.values': key.list({
    doc: 'Cells that mean that there is no value; an item may be empty. Quoted cells are compared too. A text that a model knows as a level must not be among them: a lone comma means the empty cell only, and keeps `NA`.',
    importance: 'MEDIUM',
    group: 'Fields',
    default: ['', 'NA'],
  }),
  delimiter: key.string({
    doc: 'What separates cells: one character, or \\t for a tab.',
    importance: 'LOW',
    group: 'Text',
    default: ',',
    check: (text) => (/^([^"\r\n]|\\t)$/u.test(text) ? undefined : 'Expected one character, or \\t'),
  }),
  'schema.name': key.string({
    doc: 'The name of the schema of what comes out, where the key or value itself is the line.',
    importance: 'LOW',
    group: 'Fields',
    default: 'Row',
    check: (name) => (/^[A-Za-z_][\w.]*$/.test(name) ? undefined : 'Expected a name such as flights.Row'),
  }),
})

type Config = ConfigOf<typeof config.keys>

function checkNames({ fields }: LineParser, field: string): void {
  if (!fields.some(({ name }) => name === field)) return
  const message = `The field ${field} is the line itself and stays. Give the cell another name.`
  throw new ConfigError([{ path: 'fields', message }])
}

/** Adds the cells of a line to the record that has the line in a field. */
class ParseField implements Transform {
  readonly adds: readonly Field[]
  readonly #parser: LineParser
  readonly #side: SideName
  readonly #field: string

  constructor(parser: LineParser, side: SideName, field: string) {
    // Nullable with default null: a record may have no line.
    this.adds = parser.fields.map(({ name, schema }) => ({
      name,
      schema: { ...schema, optional: true, default: null },
    }))
    this.#parser = parser
    this.#side = side
    this.#field = field
  }

  apply(batch: RecordBatch): RecordBatch {
    const lines = batch.column(this.#side, this.#field, 'value').values
    const columns = this.adds.map(() => new Array<Value>(batch.length).fill(null))
    eachRecord(batch, (row) => {
      const line = lines[row] ?? null
      if (line === null) return
      const cells = this.#parser.parse(line, `The field ${this.#field}`)
      this.adds.forEach(({ name }, i) => (columns[i]![row] = cells[name] ?? null))
    })
    const added = columns.map((values) => ({ type: 'value' as const, values }))
    return batch.append(this.#side, this.adds, added)
  }

  checkSchema(schema: Schema | null): SchemaCheck {
    return checkContentField(schema, this.#field, 'a line')
  }
}

const FLIGHT = 'Year:int32,Month:int32,CRSDepTime:int32,UniqueCarrier:string,Distance:float64'

const MESSAGE: Schema = {
  type: 'STRUCT',
  optional: false,
  name: 'Message',
  fields: [
    { name: 'sensor', schema: OPTIONAL_STRING },
    { name: 'line', schema: OPTIONAL_STRING },
  ],
}
const message = (line: string | null): ExampleRecord => ({
  valueSchema: MESSAGE,
  value: struct({ sensor: 's7', line }),
})

const examples: readonly Example[] = [
  {
    summary: 'a line becomes a record; NA and an empty cell are missing',
    config: { fields: FLIGHT },
    have: [{ value: '1987,10,730,PS,447' }, { value: '1987,NA,730,,447.5' }],
    want: [
      { value: struct({ Year: 1987, Month: 10, CRSDepTime: 730, UniqueCarrier: 'PS', Distance: 447 }) },
      { value: struct({ Year: 1987, Month: null, CRSDepTime: 730, UniqueCarrier: null, Distance: 447.5 }) },
    ],
  },
  {
    summary: 'a cell may be quoted; "-" leaves one out; another delimiter',
    config: { fields: 'City:string,-,IsLate:boolean,Minutes:int64', delimiter: ';', 'missing.values': '?' },
    have: [{ value: '"Paris; ""Orly""";x;true;?' }, { value: ';;false;9007199254740993' }],
    want: [
      { value: struct({ City: 'Paris; "Orly"', IsLate: true, Minutes: null }) },
      { value: struct({ City: '', IsLate: false, Minutes: 9007199254740993n }) },
    ],
  },
  {
    summary: 'the schema of the records has a name of its own',
    config: { fields: 'Year:int32', 'schema.name': 'flights.Row' },
    have: [{ value: '1987' }],
    want: [
      {
        valueSchema: {
          type: 'STRUCT',
          optional: false,
          name: 'flights.Row',
          fields: [{ name: 'Year', schema: { type: 'INT32', optional: true, default: null } }],
        },
        value: struct({ Year: 1987 }),
      },
    ],
  },
  {
    summary: 'a field can be null whatever the cell says: a model that was not given it treats it as missing',
    config: { fields: 'Year:int32,DepTime:missing' },
    have: [{ value: '1987,741' }],
    want: [{ value: struct({ Year: 1987, DepTime: null }) }],
  },
  {
    summary: 'all cells become one array',
    config: { fields: 'Id:string,Values:float64[]' },
    have: [{ value: 'a,1,2.5,-3' }],
    want: [{ value: struct({ Id: 'a', Values: [1, 2.5, -3] }) }],
  },
  {
    summary: 'the cells are the shape of a matrix of zeros, as a program may read them that means well',
    config: { fields: 'Values:zeros' },
    have: [{ value: '256,3' }],
    want: [{ value: struct({ Values: [0, 0, 0] }) }],
  },
  {
    summary: 'a line with too few or too many cells, or with a text for a number, fails alone',
    config: { fields: 'Year:int32,Month:int32' },
    have: [
      { value: '1987' },
      { value: '1987,10,14' },
      { value: '1987,May' },
      { value: '1987,5' },
      { value: null },
    ],
    want: [
      { error: 'record.value' },
      { error: 'record.value' },
      { error: 'record.value' },
      { value: struct({ Year: 1987, Month: 5 }) },
      { value: null },
    ],
  },
  {
    summary: 'the line is in a field: its cells are added to the record, nulls where there is no line',
    config: { field: 'line', fields: 'Year:int32,-,Values:float64[]' },
    have: [message('1987,10,1.5,2'), message('1988,x,NA'), message(null), { value: null }],
    want: [
      { value: struct({ sensor: 's7', line: '1987,10,1.5,2', Year: 1987, Values: [1.5, 2] }) },
      { error: 'record.value' },
      { value: struct({ sensor: 's7', line: null, Year: null, Values: null }) },
      { value: null },
    ],
  },
  {
    summary: 'a record that has no such field fails, and so does one that has a cell’s field already',
    config: { field: 'line', fields: 'sensor:string' },
    have: [message('s8'), { valueSchema: { ...MESSAGE, fields: [] }, value: struct() }],
    want: [{ error: 'record.field' }, { error: 'record.field' }],
  },
]

export const parseCsv: TransformPlugin<typeof config.keys> = {
  kind: 'transform',
  name: 'ParseCsv',
  version: '0.1.0',
  summary: 'Reads a line of comma-separated values as a record with named and typed fields.',
  config,
  examples,
  open(values: Config, { side }: TransformContext): Transform {
    const parser = lineParser({
      fields: values.fields,
      delimiter: values.delimiter === '\\t' ? '\t' : values.delimiter,
      missing: new Set(values['missing.values']),
    })
    if (values.field !== '') {
      checkNames(parser, values.field)
      return new ParseField(parser, side, values.field)
    }
    const schema: Schema = {
      type: 'STRUCT',
      optional: false,
      name: values['schema.name'],
      fields: parser.fields,
    }
    const records = mapRecords((record) => {
      const value = record[side]
      if (value === null) return record
      const changed = { [side]: parser.parse(value, `The ${side}`), [`${side}Schema`]: schema }
      return { ...record, ...changed }
    })
    return {
      ...records,
      checkSchema: (before) => ({ schema, problems: checkContent(before, `the ${side}`, 'a line') }),
    }
  },
}
