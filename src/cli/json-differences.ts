import { Fraction, stringifyExact } from '../converters/exact-json.ts'

/** As many digits of a decimal number as a double tells apart. */
const DOUBLE_DIGITS = 17
const MOST = 20

/**
 * Where parsed JSON differs from what was expected, each place with both sides, at most 20. Numbers are equal where their
 * values are, however they are written, or where they differ by no more than `tolerance`, relative to what was expected.
 */
export function differences(expected: unknown, actual: unknown, tolerance: number, path = ''): string[] {
  const found = [...differ(expected, actual, tolerance, path)]
  return found.length <= MOST ? found : [...found.slice(0, MOST), `and ${found.length - MOST} more`]
}

function* differ(expected: unknown, actual: unknown, tolerance: number, path: string): Generator<string> {
  if (isNumber(expected) && isNumber(actual)) {
    if (!sameNumber(expected, actual, tolerance)) yield sides(path, expected, actual)
  } else if (Array.isArray(expected) && Array.isArray(actual)) {
    for (let i = 0; i < Math.max(expected.length, actual.length); i++)
      yield* member(`${path}[${i}]`, [expected, actual], i, tolerance)
  } else if (isObject(expected) && isObject(actual)) {
    for (const name of new Set([...Object.keys(expected), ...Object.keys(actual)]))
      yield* member(path === '' ? name : `${path}.${name}`, [expected, actual], name, tolerance)
  } else if (expected !== actual) yield sides(path, expected, actual)
}

function* member(
  path: string,
  [expected, actual]: readonly [object, object],
  name: string | number,
  tolerance: number,
): Generator<string> {
  const of = (whole: object): unknown => (whole as Readonly<Record<string | number, unknown>>)[name]
  if (!Object.hasOwn(expected, name)) yield `${path}: came unexpected: ${textOf(of(actual))}`
  else if (!Object.hasOwn(actual, name)) yield `${path}: is missing, expected ${textOf(of(expected))}`
  else yield* differ(of(expected), of(actual), tolerance, path)
}

function sides(path: string, expected: unknown, actual: unknown): string {
  return `${path === '' ? 'it' : path}: expected ${textOf(expected)}, came ${textOf(actual)}`
}

function textOf(json: unknown): string {
  const text = stringifyExact(json)
  return text.length <= 200 ? text : `${text.slice(0, 200)}…`
}

type Num = number | bigint | Fraction

function isNumber(json: unknown): json is Num {
  return typeof json === 'number' || typeof json === 'bigint' || json instanceof Fraction
}

function isObject(json: unknown): json is object {
  return typeof json === 'object' && json !== null && !Array.isArray(json) && !(json instanceof Fraction)
}

function sameNumber(expected: Num, actual: Num, tolerance: number): boolean {
  const [a, b] = [numberText(expected), numberText(actual)]
  if (a === b) return true
  const [x, y] = [Number(a), Number(b)]
  if (tolerance > 0) return Math.abs(x - y) <= tolerance * Math.abs(x)
  if (typeof expected !== 'object' && typeof actual !== 'object') return false // integers, exact as they are
  return x === y && digits(a) <= DOUBLE_DIGITS && digits(b) <= DOUBLE_DIGITS
}

function numberText(number: Num): string {
  return number instanceof Fraction ? number.text : String(number)
}

function digits(text: string): number {
  return text
    .replace(/[eE].*$/, '')
    .replace(/[^\d]/g, '')
    .replace(/^0+/, '').length
}
