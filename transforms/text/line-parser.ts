import { DataError, type Field, type Schema, type SchemaType, type Struct, struct, type Value } from 'sluice'
import { splitCsvLine } from './csv-line.ts'

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
const DECIMAL = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/

/** What is wrong with a list of fields. */
export function checkFields(fields: readonly string[]): string | undefined {
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

function splitField(field: string): { name: string; type: string } {
  const [name = '', type = ''] = field.split(':', 2)
  return { name, type }
}

export interface LineOptions {
  /** `name:type`, or `-` for a cell that is left out. */
  readonly fields: readonly string[]
  readonly delimiter: string
  readonly missing: ReadonlySet<string>
}

/** How a line is read. */
export interface LineParser {
  readonly fields: readonly Field[]
  /** Throws DataError where the text, or the bytes of one, do not fit the fields; `what` names them. */
  parse(line: Value, what: string): Struct
}

export function lineParser(options: LineOptions): LineParser {
  const { delimiter, missing } = options
  const fields = options.fields.map((field) => (field === '-' ? null : splitField(field)))
  const last = fields.at(-1)
  const rest = last !== null && last !== undefined && REST.includes(last.type) ? last : null
  const single = rest === null ? fields : fields.slice(0, -1)
  const named = fields.filter((field) => field !== null)
  const parse = (line: Value, what: string): Struct => {
    const cells = splitCsvLine(textOf(line, what), delimiter)
    const isRight = rest === null ? cells.length === single.length : cells.length > single.length
    if (!isRight) {
      const wanted = `${rest === null ? '' : 'more than '}${single.length}`
      const message = `The line has ${cells.length} cells, and ${wanted} are expected. Correct the line, or the list of fields.`
      throw new DataError('record.value', message)
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
  return { fields: named.map(({ name, type }) => ({ name, schema: schemaOf(type) })), parse }
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
function textOf(value: Value, what: string): string {
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
    `${what} is not a line of text. Use ParseCsv with StringConverter or ByteArrayConverter, or name the field of the line in \`field\`.`,
  )
}
