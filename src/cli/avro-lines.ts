import { didYouMean } from '../api/did-you-mean.ts'
import { DataError } from '../api/errors.ts'
import { LOGICAL, type Schema, type Value } from '../api/schema.ts'
import { parseWithFractions } from '../converters/exact-json.ts'
import { fromJson, MS_PER_DAY } from '../converters/json/from-json.ts'
import { JsonReading } from '../converters/json/json-reading.ts'

const ZONE = /(Z|[+-]\d\d:?\d\d)$/

/** The Connect value of one line of JSON: dates may be ISO 8601 text, absent fields take their defaults. */
export function valueOfLine(text: string, schema: Schema): Value {
  return valueOfJson(parseLine(text), schema, text.length)
}

/** The same of JSON that is parsed already, from a text of that length. */
export function valueOfJson(json: unknown, schema: Schema, length: number): Value {
  return fromJson(withNumericDates(json, schema, ''), schema, new JsonReading('absent', length))
}

/** Parses a line. Throws DataError `record.malformed`. */
export function parseLine(text: string): unknown {
  try {
    return parseWithFractions(text)
  } catch (error) {
    throw new DataError('record.malformed', `It is not JSON: ${(error as Error).message}`, { cause: error })
  }
}

/** The same JSON with dates as the numbers that Connect's JSON has. A field that the schema does not have is refused. */
function withNumericDates(json: unknown, schema: Schema, path: string): unknown {
  if (typeof json === 'string') return dateNumber(json, schema.name) ?? json
  if (Array.isArray(json)) return itemsOf(json, schema, path)
  if (!isPlainObject(json)) return json
  const at = (name: string) => (path === '' ? name : `${path}.${name}`)
  if (schema.type === 'MAP') {
    const items = Object.entries(json).map(([key, item]) => [
      key,
      withNumericDates(item, schema.valueSchema!, at(key)),
    ])
    return Object.fromEntries(items) as unknown
  }
  if (schema.type !== 'STRUCT') return json
  const fields = new Map(schema.fields?.map((field) => [field.name, field.schema]))
  const converted = Object.create(null) as Record<string, unknown>
  for (const [name, item] of Object.entries(json)) {
    const field = fields.get(name)
    if (field === undefined) throw unknownField(at(name), name, [...fields.keys()])
    converted[name] = withNumericDates(item, field, at(name))
  }
  return converted
}

function itemsOf(json: readonly unknown[], schema: Schema, path: string): unknown {
  const { type, keySchema, valueSchema } = schema
  if (type === 'ARRAY') return json.map((item) => withNumericDates(item, valueSchema!, `${path}[]`))
  if (type !== 'MAP') return json
  return json.map((pair) => {
    if (!Array.isArray(pair) || pair.length !== 2) return pair
    const [key, item] = pair as [unknown, unknown]
    return [withNumericDates(key, keySchema!, `${path}{}`), withNumericDates(item, valueSchema!, `${path}{}`)]
  })
}

function dateNumber(text: string, name: string | undefined): number | undefined {
  if (name !== LOGICAL.date && name !== LOGICAL.time && name !== LOGICAL.timestamp) return undefined
  const day = name === LOGICAL.time ? `1970-01-01T${text}` : text
  const isLocal = day.includes('T') && !ZONE.test(day) // without a zone it is UTC, not that of this machine
  const time = Date.parse(isLocal ? `${day}Z` : day)
  if (Number.isNaN(time)) return undefined
  return name === LOGICAL.date ? time / MS_PER_DAY : time
}

function isPlainObject(json: unknown): json is Readonly<Record<string, unknown>> {
  return (
    typeof json === 'object' &&
    json !== null &&
    [Object.prototype, null].includes(Object.getPrototypeOf(json) as never)
  )
}

function unknownField(path: string, name: string, known: readonly string[]): DataError {
  const near = didYouMean(name, known)
  const hint = near === undefined ? '' : ` Did you mean "${near}"?`
  return new DataError('record.field', `Field "${path}" is not in the schema.${hint}`)
}
