import type { Decimal } from '../schema.ts'
import { compareDecimals, ofDouble, ofInt, usable } from './decimals.ts'
import { ExpressionError } from './expression-error.ts'
import { Duration } from './times.ts'
import { aKind, CelList, CelMap, type CelValue, type Kind, kindOf, type StaticKind } from './values.ts'

const NUMBERS: ReadonlySet<StaticKind> = new Set<StaticKind>(['int', 'double', 'decimal'])
const ORDERED: ReadonlySet<StaticKind> = new Set<StaticKind>([
  ...NUMBERS,
  'bool',
  'string',
  'bytes',
  'timestamp',
  'duration',
])

/** Whether `<` is there for two kinds. Numbers compare by what they are worth, whatever their kinds. */
export function areOrdered(left: StaticKind, right: StaticKind): boolean {
  if (left === 'dyn') return right === 'dyn' || ORDERED.has(right)
  if (right === 'dyn') return ORDERED.has(left)
  return (left === right && ORDERED.has(left)) || (NUMBERS.has(left) && NUMBERS.has(right))
}

/** Whether `==` is there for two kinds: a null may be compared with anything. */
export function areComparable(left: StaticKind, right: StaticKind): boolean {
  if ([left, right].some((kind) => kind === 'dyn' || kind === 'null')) return true
  return left === right || (NUMBERS.has(left) && NUMBERS.has(right))
}

/** Below 0, 0 or above 0; NaN where one of them is NaN. @throws ExpressionError where they have no order */
export function compare(a: CelValue, b: CelValue): number {
  if (typeof a === 'bigint' || typeof a === 'number')
    if (typeof b === 'bigint' || typeof b === 'number') return order(a, b)
  if (typeof a === 'string' && typeof b === 'string') return compareTexts(a, b)
  const [left, right] = [kindOf(a), kindOf(b)]
  if (!areOrdered(left, right)) throw incomparable(left, right)
  if (NUMBERS.has(left)) return compareExactly(a as number, b as number)
  if (left === 'bytes') return Buffer.compare(a as Buffer, b as Buffer)
  if (left === 'duration') return order((a as Duration).milliseconds, (b as Duration).milliseconds)
  return order(Number(a), Number(b))
}

/** JavaScript compares a bigint and a double by their exact values. */
function order(a: number | bigint, b: number | bigint): number {
  if (a < b) return -1
  if (a > b) return 1
  return a === b || Number(a) === Number(b) ? 0 : NaN
}

/** At least one is a decimal. */
function compareExactly(a: number | bigint | Decimal, b: number | bigint | Decimal): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return NaN
  if (a === Infinity || b === -Infinity) return 1
  if (a === -Infinity || b === Infinity) return -1
  return compareDecimals(decimalOf(a), decimalOf(b))
}

function decimalOf(value: number | bigint | Decimal): Decimal {
  if (typeof value === 'bigint') return ofInt(value)
  return typeof value === 'number' ? ofDouble(value) : checkedDecimal(value)
}

/** @throws ExpressionError where it has too many digits */
export function checkedDecimal(value: Decimal): Decimal {
  const checked = usable(value)
  if (checked === undefined) throw new ExpressionError('A decimal has more than 1200 digits')
  return checked
}

/** By code points: UTF-16 would put characters beyond U+FFFF before some within. */
function compareTexts(a: string, b: string): number {
  if (a === b) return 0
  const shared = Math.min(a.length, b.length)
  let at = 0
  while (at < shared && a.charCodeAt(at) === b.charCodeAt(at)) at++
  if (at === shared) return a.length - b.length
  return rank(a.charCodeAt(at)) - rank(b.charCodeAt(at))
}

const SURROGATES = { first: 0xd800, last: 0xdfff }
const BEYOND = 0x10000

const rank = (unit: number) => (unit >= SURROGATES.first && unit <= SURROGATES.last ? unit + BEYOND : unit)

/** @throws ExpressionError where they are of kinds that have nothing to do with each other */
export function areEqual(a: CelValue, b: CelValue): boolean {
  if (a === b) return true
  if (a === null || b === null) return false
  if (a instanceof CelList && b instanceof CelList) return areListsEqual(a, b)
  if (a instanceof CelMap && b instanceof CelMap) return areMapsEqual(a, b)
  if (typeof a === 'string' && typeof b === 'string') return false
  const [left, right] = [kindOf(a), kindOf(b)]
  if (!areComparable(left, right)) throw incomparable(left, right)
  return compare(a, b) === 0
}

function areListsEqual(a: CelList, b: CelList): boolean {
  if (a.size !== b.size) return false
  for (let i = 0; i < a.size; i++) if (!areEqual(a.at(i), b.at(i))) return false
  return true
}

function areMapsEqual(a: CelMap, b: CelMap): boolean {
  if (a.size !== b.size) return false
  return a.keys().every((key) => {
    const other = b.get(key)
    return other !== undefined && areEqual(a.get(key) ?? null, other)
  })
}

/** `in`: an item of a list, or a key of a map. */
export function isIn(item: CelValue, where: CelValue): boolean {
  if (where instanceof CelMap) return where.get(item) !== undefined
  if (!(where instanceof CelList)) throw new ExpressionError(`in takes a list or a map, not ${kindOf(where)}`)
  for (let i = 0; i < where.size; i++) if (areEqual(item, where.at(i))) return true
  return false
}

export function incomparable(left: StaticKind, right: StaticKind): ExpressionError {
  return new ExpressionError(
    `There is no comparing ${aKind(left)} with ${aKind(right)}. ${advice(left, right)}`,
  )
}

/** What to write instead, for two kinds that an operator does not take. */
export function advice(left: StaticKind, right: StaticKind): string {
  if (left === 'null' || right === 'null') return 'Ask before whether the field is there: has(value.a) && …'
  if (NUMBERS.has(left) && NUMBERS.has(right))
    return 'Make both one kind: double(…), int(…) or decimal(…), and 2.0 for 2'
  return 'Convert one of them: string(…), int(…), double(…), decimal(…), timestamp(…)'
}

export const isNumber = (kind: Kind) => NUMBERS.has(kind)
