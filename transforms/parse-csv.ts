import {
  type ConfigOf,
  DataError,
  defineConfig,
  type Example,
  key,
  mapRecords,
  type Schema,
  type SchemaType,
  struct,
  type Transform,
  type TransformContext,
  type TransformPlugin,
  type Value,
} from 'sluice'
import { splitCsvLine } from './text/csv-line.ts'

const TYPES: Readonly<Record<string, SchemaType>> = {
  boolean: 'BOOLEAN',
  int32: 'INT32',
  int64: 'INT64',
  float32: 'FLOAT32',
  float64: 'FLOAT64',
  string: 'STRING',
  missing: 'FLOAT64', // which can be asked for as a number and as a category
}
/** Types that take all the cells that are left. */
const REST = ['float32[]', 'float64[]', 'zeros']
const MAX_ZEROS = 1_000_000
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/

function checkFields(fields: readonly string[]): string | undefined {
  const known = [...Object.keys(TYPES), ...REST].join(', ')
  const names = new Set<string>()
  for (const [i, field] of fields.entries()) {
    if (field === '-') continue
    const { name, type } = splitField(field)
    if (!/^[A-Za-z_]\w*$/.test(name)) return `"${field}" is not a name and a type such as Origin:string`
    if (!(type in TYPES) && !REST.includes(type)) return `The type of ${field} is none of ${known}`
    if (REST.includes(type) && i < fields.length - 1) return `${field} takes all cells: it must be the last`
    if (names.has(name)) return `The field ${name} is named twice`
    names.add(name)
  }
  return names.size > 0 ? undefined : 'Expected at least one name:type'
}

const config = defineConfig({
  fields: key.list({
    doc: 'The cells in their order, each as name:type; "-" leaves a cell out. Types: boolean, int32, int64, float32, float64, string; missing is a field that is null whatever the cell says. The last may be float32[] or float64[], an array of all cells that are left, or zeros, which reads them as the shape of a matrix of zeros and gives one row of it.',
    importance: 'HIGH',
    group: 'Fields',
    check: checkFields,
  }),
  'missing.values': key.list({
    doc: 'Cells that mean that there is no value; an item may be empty. Quoted cells are compared too.',
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
    doc: 'The name of the schema of the records that come out.',
    importance: 'LOW',
    group: 'Fields',
    default: 'Row',
    check: (name) => (/^[A-Za-z_][\w.]*$/.test(name) ? undefined : 'Expected a name such as flights.Row'),
  }),
})

type Config = ConfigOf<typeof config.keys>

function splitField(field: string): { name: string; type: string } {
  const [name = '', type = ''] = field.split(':', 2)
  return { name, type }
}

/** Reads one line; throws DataError where it does not fit the fields. */
function createParser(values: Config): { schema: Schema; parse: (text: string) => Value } {
  const fields = values.fields.map((field) => (field === '-' ? null : splitField(field)))
  const last = fields.at(-1)
  const rest = last !== null && last !== undefined && REST.includes(last.type) ? last : null
  const single = rest === null ? fields : fields.slice(0, -1)
  const missing = new Set(values['missing.values'])
  const delimiter = values.delimiter === '\\t' ? '\t' : values.delimiter
  const named = fields.filter((field) => field !== null)
  const schema: Schema = {
    type: 'STRUCT',
    optional: false,
    name: values['schema.name'],
    fields: named.map(({ name, type }) => ({ name, schema: schemaOf(type) })),
  }
  const parse = (text: string): Value => {
    const cells = splitCsvLine(text, delimiter)
    const isRight = rest === null ? cells.length === single.length : cells.length > single.length
    if (!isRight) {
      const wanted = `${rest === null ? '' : 'more than '}${single.length}`
      const what = `The line has ${cells.length} cells, and ${wanted} are expected. Correct the line, or the list of fields.`
      throw new DataError('record.value', what)
    }
    const value = struct()
    single.forEach((field, i) => {
      const cell = cells[i] ?? ''
      if (field === null) return
      const isMissing = field.type === 'missing' || missing.has(cell)
      value[field.name] = isMissing ? null : readCell(field, cell)
    })
    if (rest !== null) value[rest.name] = readRest(rest, cells.slice(single.length))
    return value
  }
  return { schema, parse }
}

function schemaOf(type: string): Schema {
  const item: Schema = { type: TYPES[type.replace('[]', '')] ?? 'FLOAT64', optional: false }
  if (REST.includes(type)) return { type: 'ARRAY', optional: false, valueSchema: item }
  return { ...item, optional: true, default: null }
}

interface CsvField {
  readonly name: string
  readonly type: string
}

function readCell({ name, type }: CsvField, cell: string): Value {
  if (type === 'string') return cell
  const text = cell.trim()
  const value = readValue(type, text)
  if (value !== undefined) return value
  const what = `The field ${name} is "${text.slice(0, 80)}", which is no ${type}. Correct the line, give the field another type, or add the text to missing.values.`
  throw new DataError('record.value', what)
}

function readValue(type: string, text: string): Value | undefined {
  if (type === 'boolean') return { true: true, false: false }[text.toLowerCase()]
  if (type === 'int32') {
    const value = Number(text)
    return /^[+-]?\d+$/.test(text) && value === (value | 0) ? value | 0 : undefined
  }
  if (type === 'int64') {
    if (!/^[+-]?\d{1,20}$/.test(text)) return undefined
    const value = BigInt(text.replace('+', ''))
    return BigInt.asIntN(64, value) === value ? value : undefined
  }
  if (!DECIMAL.test(text)) return undefined
  const value = Number(text)
  return Number.isFinite(value) ? (type === 'float32' ? Math.fround(value) : value) : undefined
}

function readRest(field: CsvField, cells: readonly string[]): Value {
  if (field.type !== 'zeros') {
    const item = { name: field.name, type: field.type.replace('[]', '') }
    return cells.map((cell) => readCell(item, cell))
  }
  const shape = cells.map((cell) => readCell({ name: field.name, type: 'int32' }, cell) as number)
  const width = shape.at(-1) ?? 0
  if (shape.some((size) => size < 1 || size > MAX_ZEROS)) {
    throw new DataError('record.value', `The field ${field.name} is no shape: sizes are 1 to ${MAX_ZEROS}.`)
  }
  return new Array<number>(width).fill(0)
}

/** A text as it comes from a converter of strings or of bytes. */
function textOf(value: Value): string {
  if (typeof value === 'string') return value
  if (Buffer.isBuffer(value)) {
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(value)
    } catch (error) {
      throw new DataError('record.malformed', 'The line is not UTF-8 text.', { cause: error })
    }
  }
  throw new DataError(
    'record.schema',
    'The record is not a line of text. Use ParseCsv with StringConverter or ByteArrayConverter.',
  )
}

const FLIGHT = 'Year:int32,Month:int32,CRSDepTime:int32,UniqueCarrier:string,Distance:float64'

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
]

export const parseCsv: TransformPlugin<typeof config.keys> = {
  kind: 'transform',
  name: 'ParseCsv',
  version: '0.1.0',
  summary: 'Reads a line of comma-separated values as a record with named and typed fields.',
  config,
  examples,
  open(values: Config, { side }: TransformContext): Transform {
    const { schema, parse } = createParser(values)
    const records = mapRecords((record) => {
      const value = record[side]
      if (value === null) return record
      const changed = { [side]: parse(textOf(value)), [`${side}Schema`]: schema }
      return { ...record, ...changed }
    })
    return { ...records, checkSchema: () => ({ schema, problems: [] }) }
  },
}
