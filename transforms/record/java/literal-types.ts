import { type Decimal, type SchemaType, type Value } from 'sluice'
import { decimalNumber, parseDecimal, wholePart } from './number-text.ts'

export interface Type {
  readonly type: SchemaType
  readonly name?: 'date' | 'time' | 'timestamp'
}

/** A part of a header literal, in the type that Connect reads it as. */
export interface Literal extends Type {
  readonly value: Value
  /** Of a list. */
  readonly items?: readonly (Literal | null)[]
  /** Of a map, by the text of the key. */
  readonly entries?: ReadonlyMap<string, Literal | null>
}

const RANKS: readonly SchemaType[] = ['INT8', 'INT16', 'INT32', 'INT64', 'FLOAT32', 'FLOAT64']

/** The type that all items of a list can have; undefined where there is none. */
export function merged(items: readonly (Literal | null)[]): Type | undefined {
  let common: Type | undefined
  for (const item of items) {
    if (item === null) continue
    const { type, name } = item
    const latest: Type = name === undefined ? { type } : { type, name }
    if (common === undefined || common.type === type) common = latest
    else {
      const [before, after] = [RANKS.indexOf(common.type), RANKS.indexOf(type)]
      if (before < 0 || after < 0) return undefined
      if (after > before) common = latest
    }
  }
  return common
}

const DAY = 86_400_000

/** An item in another type; undefined where it does not fit. */
export function aligned(to: Type, item: Literal): Literal | undefined {
  const { value } = item
  if (!RANKS.includes(to.type)) return item
  if (value instanceof Date) return to.name === undefined ? undefined : { ...to, value }
  if (typeof value !== 'number' && typeof value !== 'bigint') return undefined
  if (to.name !== undefined) return { ...to, value: new Date(Number(value) * (to.name === 'date' ? DAY : 1)) }
  if (to.type === 'FLOAT32') return { ...to, value: Math.fround(Number(value)) }
  return { ...to, value: to.type === 'INT64' ? BigInt(value) : Number(value) }
}

/** The smallest type that holds a number as it is written; undefined where it is none. */
export function numberOf(token: string): Literal | undefined {
  const decimal = parseDecimal(token)
  return decimal === undefined ? undefined : (wholeNumber(decimal) ?? fraction(decimal))
}

function wholeNumber(decimal: Decimal): Literal | undefined {
  const whole = wholePart(decimal)
  const isWhole = decimal.scale <= 0 || whole * 10n ** BigInt(decimal.scale) === decimal.unscaled
  if (!isWhole || BigInt.asIntN(64, whole) !== whole) return undefined
  const bits = [8, 16, 32].find((each) => BigInt.asIntN(each, whole) === whole)
  if (bits === undefined) return { type: 'INT64', value: whole }
  return { type: bits === 8 ? 'INT8' : bits === 16 ? 'INT16' : 'INT32', value: Number(whole) }
}

function fraction(decimal: Decimal): Literal {
  const double = decimalNumber(decimal)
  const float = Math.fround(double)
  if (decimal.scale === 0) return { type: 'BYTES', value: decimal }
  if (Number.isFinite(float)) return { type: 'FLOAT32', value: float }
  return Number.isFinite(double) ? { type: 'FLOAT64', value: double } : { type: 'BYTES', value: decimal }
}
