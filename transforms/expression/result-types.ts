import {
  type CelValue,
  type Column,
  DataError,
  type Decimal,
  type Kind,
  kindOf,
  LOGICAL,
  type Schema,
  type StaticKind,
  type Value,
  withScale,
} from 'sluice'

/** What a computed field is in a record. Nothing is converted in silence: what does not fit fails. */
export interface ResultType {
  readonly name: string
  readonly schema: Schema
  /** What the expression has to give, or null. */
  readonly kinds: readonly Kind[]
  /** Undefined where the value does not fit. */
  convert(value: Exclude<CelValue, null>): Value | undefined
}

const optional = (type: Schema['type'], more: Partial<Schema> = {}): Schema => ({
  type,
  optional: true,
  ...more,
  default: null,
})

function integer(bits: 8 | 16 | 32): ResultType {
  const most = 2n ** BigInt(bits - 1)
  const convert = (value: CelValue) =>
    (value as bigint) < most && (value as bigint) >= -most ? Number(value) : undefined
  return { name: `int${bits}`, schema: optional(`INT${bits}`), kinds: ['int'], convert }
}

function same(name: string, kind: Kind, schema: Schema): ResultType {
  return { name, schema, kinds: [kind], convert: (value) => value as Value }
}

const FLOAT32: ResultType = {
  name: 'float32',
  schema: optional('FLOAT32'),
  kinds: ['double'],
  convert: (value) => {
    const rounded = Math.fround(value as number)
    return Number.isFinite(rounded) === Number.isFinite(value) ? rounded : undefined
  },
}

const TYPES: readonly ResultType[] = [
  same('boolean', 'bool', optional('BOOLEAN')),
  integer(8),
  integer(16),
  integer(32),
  same('int64', 'int', optional('INT64')),
  FLOAT32,
  same('float64', 'double', optional('FLOAT64')),
  same('string', 'string', optional('STRING')),
  same('bytes', 'bytes', optional('BYTES')),
  same('timestamp', 'timestamp', optional('INT64', { name: LOGICAL.timestamp, version: 1 })),
]

export const TYPE_NAMES: readonly string[] = [...TYPES.map(({ name }) => name), 'decimal(2)']

const DECIMAL = /^decimal\((\d{1,3})\)$/
const MOST_PLACES = 100

function decimal(scale: number): ResultType {
  const convert = (value: CelValue) =>
    withScale(typeof value === 'bigint' ? { unscaled: value, scale: 0 } : (value as Decimal), scale)
  const parameters = { scale: String(scale) }
  const schema = optional('BYTES', { name: LOGICAL.decimal, version: 1, parameters })
  return { name: `decimal(${scale})`, schema, kinds: ['decimal', 'int'], convert }
}

export function findResultType(text: string): ResultType | undefined {
  const places = Number(DECIMAL.exec(text)?.[1] ?? NaN)
  if (places <= MOST_PLACES) return decimal(places)
  return TYPES.find(({ name }) => name === text.toLowerCase())
}

/** What is wrong with an expression that gives a kind, undefined where nothing is or nothing is known. */
export function mismatch(type: ResultType, kind: StaticKind): string | undefined {
  if (kind === 'dyn' || kind === 'null' || type.kinds.includes(kind)) return undefined
  return `The expression gives ${kind}, and ${type.name} is made of ${type.kinds.join(' or ')}. ${adviceFor(type, kind)}`
}

function adviceFor(type: ResultType, kind: Kind): string {
  if (kind === 'duration') return 'Take a number of it: getSeconds(), or getMilliseconds()'
  if (kind === 'list' || kind === 'map') return 'Compute one value of it'
  return `Convert it with ${type.kinds[0] ?? 'string'}(…), or choose another type`
}

/** @throws DataError where the value does not fit the type */
export function resultOf(type: ResultType, value: CelValue): Value {
  if (value === null) return null
  const wrong = mismatch(type, kindOf(value))
  if (wrong !== undefined) throw new DataError('record.value', `${wrong}.`)
  const result = type.convert(value)
  if (result !== undefined) return result
  const shown = typeof value === 'bigint' || typeof value === 'number' ? String(value) : kindOf(value)
  throw new DataError(
    'record.value',
    `The result ${shown} does not fit ${type.name}. Choose a larger type, or round it in the expression.`,
  )
}

/** The results of a batch, in the form that encodes fastest. */
export function columnOf({ name }: ResultType, values: readonly Value[]): Column {
  if (name === 'string') return { type: 'string', values: values as readonly (string | null)[] }
  if (name !== 'float64') return { type: 'value', values }
  return {
    type: 'float64',
    values: Float64Array.from(values, (value) => (value === null ? NaN : (value as number))),
    present: Uint8Array.from(values, (value) => Number(value !== null)),
  }
}
