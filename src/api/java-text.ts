import { decimalText } from './decimal-text.ts'
import { type Decimal, isStruct, type Schema, type Struct, type Value } from './schema.ts'

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/**
 * The text of a Connect value as Java's `toString` writes it: `1.0E10`, `[1, 2]`, `{a=1}`, and `Struct{a=1,b=x}` (without
 * fields that are null) where `schema` is there, else a struct is the map that it is in Java. A date is in UTC. Two things
 * differ: bytes are base64, for Java writes the identity of an object, and maps keep their order.
 */
export function javaText(value: Value, schema: Schema | null): string {
  if (value === null) return 'null'
  if (typeof value === 'number') return numberText(value, schema)
  if (typeof value !== 'object') return String(value)
  if (Buffer.isBuffer(value)) return value.toString('base64')
  if (value instanceof Date) return dateText(value)
  const items = schema?.valueSchema ?? null
  if (Array.isArray(value))
    return `[${(value as readonly Value[]).map((item) => javaText(item, items)).join(', ')}]`
  if (value instanceof Map) {
    const keys = schema?.keySchema ?? null
    return mapText(value as ReadonlyMap<Value, Value>, (key) => javaText(key, keys), items)
  }
  if (!isStruct(value)) return decimalText(value as Decimal)
  return schema === null ? mapText(Object.entries(value), String, null) : structText(value, schema)
}

function mapText<K>(
  entries: Iterable<readonly [K, Value]>,
  keyText: (key: K) => string,
  items: Schema | null,
) {
  return `{${Array.from(entries, ([key, item]) => `${keyText(key)}=${javaText(item, items)}`).join(', ')}}`
}

function structText(value: Struct, schema: Schema): string {
  const fields = (schema.fields ?? []).filter(({ name }) => (value[name] ?? null) !== null)
  const texts = fields.map((field) => `${field.name}=${javaText(value[field.name] ?? null, field.schema)}`)
  return `Struct{${texts.join(',')}}`
}

function numberText(value: number, schema: Schema | null): string {
  if (schema?.type === 'FLOAT32') return floatingText(value, floatDigits(value))
  if (schema === null || schema.type === 'FLOAT64') return floatingText(value, doubleDigits(value))
  return String(value)
}

/** The fewest digits that tell a double from its neighbours, but two at least. */
function doubleDigits(value: number): string {
  const fewest = value.toExponential()
  return fewest.includes('.') ? fewest : value.toExponential(1)
}

/** The same of a float. */
function floatDigits(value: number): string {
  for (let digits = 1; digits < 8; digits++) {
    const text = value.toExponential(digits)
    if (Math.fround(Number(text)) === value) return text
  }
  return value.toExponential(8)
}

/** Double.toString: plain from 10^-3 up to 10^7, else with an exponent; always a digit behind the point. */
function floatingText(value: number, exponential: string): string {
  if (!Number.isFinite(value)) return String(value)
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0'
  const [mantissa = '', power = '0'] = exponential.split('e')
  const size = Math.abs(value)
  if (size >= 1e-3 && size < 1e7) {
    const plain = Number(exponential).toString()
    return plain.includes('.') ? plain : `${plain}.0`
  }
  return `${mantissa}E${Number(power)}`
}

/** Date.toString, e.g. `Thu Jan 01 00:00:00 UTC 1970`. */
function dateText(date: Date): string {
  const two = (number: number): string => String(number).padStart(2, '0')
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(':')
  const day = `${DAYS[date.getUTCDay()] ?? ''} ${MONTHS[date.getUTCMonth()] ?? ''} ${two(date.getUTCDate())}`
  return `${day} ${time} UTC ${date.getUTCFullYear()}`
}
