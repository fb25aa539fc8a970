import type { Decimal } from '../schema.ts'
import {
  advice,
  areComparable,
  areEqual,
  areOrdered,
  checkedDecimal,
  compare,
  incomparable,
  isIn,
} from './compare.ts'
import { add, multiply, ofInt, subtract } from './decimals.ts'
import { ExpressionError } from './expression-error.ts'
import { Duration, timestampOf } from './times.ts'
import { type CelValue, type Kind, kindOf, type StaticKind, type ValuesOf } from './values.ts'

const INT_MAX = 2n ** 63n - 1n
const INT_MIN = -(2n ** 63n)
/** Characters: what `+` may make of the texts of a record. */
const LONGEST_TEXT = 2 ** 24

/** @throws ExpressionError where it is no int of 64 bits */
export function checkedInt(value: bigint): bigint {
  if (value > INT_MAX || value < INT_MIN)
    throw new ExpressionError('The result is beyond an int of 64 bits. Compute with double(…) or decimal(…)')
  return value
}

export function checkedTimestamp(milliseconds: bigint): Date {
  const time = timestampOf(milliseconds)
  if (time === undefined) throw new ExpressionError('The result is beyond what a timestamp can be')
  return time
}

export function checkedText(text: string): string {
  if (text.length > LONGEST_TEXT)
    throw new ExpressionError(`The text becomes longer than ${LONGEST_TEXT} characters`)
  return text
}

interface Arithmetic {
  readonly kind: Kind
  run(a: CelValue, b: CelValue): CelValue
}

/** By sign and kinds: `+ int int`. */
const ARITHMETIC = new Map<string, Arithmetic>()

function define<const K extends readonly [Kind, Kind]>(
  sign: string,
  takes: K,
  kind: Kind,
  run: (...values: ValuesOf<K>) => CelValue,
): void {
  const signature = [sign, ...takes].join(' ')
  ARITHMETIC.set(signature, { kind, run: run as unknown as Arithmetic['run'] })
}

function nonZero(value: bigint): bigint {
  if (value === 0n) throw new ExpressionError('Division by zero')
  return value
}

define('+', ['int', 'int'], 'int', (a, b) => checkedInt(a + b))
define('-', ['int', 'int'], 'int', (a, b) => checkedInt(a - b))
define('*', ['int', 'int'], 'int', (a, b) => checkedInt(a * b))
define('/', ['int', 'int'], 'int', (a, b) => checkedInt(a / nonZero(b)))
define('%', ['int', 'int'], 'int', (a, b) => a % nonZero(b))
define('+', ['double', 'double'], 'double', (a, b) => a + b)
define('-', ['double', 'double'], 'double', (a, b) => a - b)
define('*', ['double', 'double'], 'double', (a, b) => a * b)
define('/', ['double', 'double'], 'double', (a, b) => a / b)
define('+', ['string', 'string'], 'string', (a, b) => checkedText(a + b))
define('-', ['timestamp', 'timestamp'], 'duration', (a, b) => new Duration(milliseconds(a) - milliseconds(b)))
define('+', ['timestamp', 'duration'], 'timestamp', (a, b) =>
  checkedTimestamp(milliseconds(a) + b.milliseconds),
)
define('+', ['duration', 'timestamp'], 'timestamp', (a, b) =>
  checkedTimestamp(a.milliseconds + milliseconds(b)),
)
define('-', ['timestamp', 'duration'], 'timestamp', (a, b) =>
  checkedTimestamp(milliseconds(a) - b.milliseconds),
)
define('+', ['duration', 'duration'], 'duration', (a, b) => new Duration(a.milliseconds + b.milliseconds))
define('-', ['duration', 'duration'], 'duration', (a, b) => new Duration(a.milliseconds - b.milliseconds))

for (const [sign, run] of Object.entries({ '+': add, '-': subtract, '*': multiply })) {
  const exact = (a: Decimal, b: Decimal) => checkedDecimal(run(checkedDecimal(a), checkedDecimal(b)))
  define(sign, ['decimal', 'decimal'], 'decimal', exact)
  define(sign, ['decimal', 'int'], 'decimal', (a, b) => exact(a, ofInt(b)))
  define(sign, ['int', 'decimal'], 'decimal', (a, b) => exact(ofInt(a), b))
}

const milliseconds = (time: Date) => BigInt(time.getTime())

/** The kind of the result. @throws ExpressionError where the operator does not take two kinds */
export function kindOfBinary(sign: string, left: StaticKind, right: StaticKind): StaticKind {
  if (sign === '==' || sign === '!=') {
    if (!areComparable(left, right)) throw incomparable(left, right)
    return 'bool'
  }
  if (sign === 'in') {
    if (right === 'dyn' || right === 'list' || right === 'map') return 'bool'
    throw new ExpressionError(`in takes a list or a map, not ${right}`)
  }
  if (sign.startsWith('<') || sign.startsWith('>')) {
    if (!areOrdered(left, right)) throw incomparable(left, right)
    return 'bool'
  }
  const kinds = kindsOfResult(sign, left, right)
  if (kinds.size === 0) throw noSuch(sign, left, right)
  const [kind = 'dyn'] = kinds
  return kinds.size === 1 ? kind : 'dyn'
}

function kindsOfResult(sign: string, left: StaticKind, right: StaticKind): ReadonlySet<StaticKind> {
  const kinds = new Set<StaticKind>()
  for (const [signature, { kind }] of ARITHMETIC) {
    const [its, a, b] = signature.split(' ')
    if (its === sign && (left === 'dyn' || left === a) && (right === 'dyn' || right === b)) kinds.add(kind)
  }
  return kinds
}

function noSuch(sign: string, left: StaticKind, right: StaticKind): ExpressionError {
  return new ExpressionError(`There is no ${left} ${sign} ${right}. ${advice(left, right)}`)
}

type Binary = (a: CelValue, b: CelValue) => CelValue

const COMPARISONS: Readonly<Record<string, Binary>> = {
  '==': areEqual,
  '!=': (a, b) => !areEqual(a, b),
  in: isIn,
  '<': (a, b) => compare(a, b) < 0,
  '<=': (a, b) => compare(a, b) <= 0,
  '>': (a, b) => compare(a, b) > 0,
  '>=': (a, b) => compare(a, b) >= 0,
}

/** What an operator does with two values; it throws ExpressionErrors without a range. */
export function binary(sign: string): Binary {
  return COMPARISONS[sign] ?? arithmetic(sign)
}

function arithmetic(sign: string): Binary {
  const ofInts = ARITHMETIC.get(`${sign} int int`)
  const ofDoubles = ARITHMETIC.get(`${sign} double double`)
  return (a, b) => {
    if (ofInts !== undefined && typeof a === 'bigint' && typeof b === 'bigint') return ofInts.run(a, b)
    if (ofDoubles !== undefined && typeof a === 'number' && typeof b === 'number') return ofDoubles.run(a, b)
    const [left, right] = [kindOf(a), kindOf(b)]
    const found = ARITHMETIC.get(`${sign} ${left} ${right}`)
    if (found === undefined) throw noSuch(sign, left, right)
    return found.run(a, b)
  }
}

/** Of `-` and `!`. */
export function kindOfUnary(sign: '!' | '-', kind: StaticKind): StaticKind {
  if (sign === '!' && (kind === 'bool' || kind === 'dyn')) return 'bool'
  if (sign === '-' && ['int', 'double', 'decimal', 'duration', 'dyn'].includes(kind)) return kind
  throw new ExpressionError(`There is no ${sign}${kind}`)
}

export function negate(value: CelValue): CelValue {
  if (typeof value === 'bigint') return checkedInt(-value)
  if (typeof value === 'number') return -value
  if (value instanceof Duration) return new Duration(-value.milliseconds)
  const kind = kindOf(value)
  if (kind !== 'decimal') throw new ExpressionError(`There is no -${kind}`)
  const { unscaled, scale } = value as Decimal
  return { unscaled: -unscaled, scale }
}
