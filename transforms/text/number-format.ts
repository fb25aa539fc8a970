import type { Value } from 'sluice'

/** Turns a value into text by the name of a format; see `formatOf`. */
export type Format = (value: Value) => string

const WIDTH = 10
const DIGITS = 4

/**
 * `nd4j`: as ND4J's NDArrayStrings prints a matrix; `.3`: three decimals; `.3%`: as percent; `json`. Undefined where no
 * format has that name. `missing` stands for null.
 */
export function formatOf(name: string, missing: string): Format | undefined {
  const plain = (value: Value) => plainText(value, missing)
  if (name === '') return plain
  if (name === 'nd4j') return (value) => (value === null ? missing : nd4j(value, plain))
  if (name === 'json') return jsonText
  const decimals = /^\.(\d{1,2})(%?)$/.exec(name)
  if (decimals === null) return undefined
  const [digits, isPercent] = [Number(decimals[1]), decimals[2] === '%']
  const format = (value: number) => (isPercent ? `${(value * 100).toFixed(digits)}%` : value.toFixed(digits))
  return (value) => eachNumber(value, format, plain)
}

function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value)
}

function eachNumber(value: Value, format: (value: number) => string, plain: Format): string {
  if (typeof value === 'number') return format(value)
  if (isList(value)) return `[${value.map((item) => eachNumber(item, format, plain)).join(', ')}]`
  return plain(value)
}

function jsonText(value: Value): string {
  return JSON.stringify(value, (_, item: Value) => (typeof item === 'bigint' ? Number(item) : item))
}

function plainText(value: Value, missing: string): string {
  if (value === null) return missing
  if (isList(value)) return `[${value.map((item) => plainText(item, missing)).join(', ')}]`
  return typeof value === 'object' ? jsonText(value) : String(value)
}

/** A vector is printed as a matrix of one row, which is what a network gives for one record. */
function nd4j(value: Value, plain: Format): string {
  if (typeof value === 'number') return nd4jNumber(value).trim()
  if (!isList(value)) return plain(value)
  const rows = value.length > 0 && value.every(isList) ? value : [value]
  const texts = rows.map((row) => `[${row.map((x) => nd4jCell(x, plain)).join(',')}]`)
  return `[${texts.join(', \n ')}]`
}

function nd4jCell(value: Value, plain: Format): string {
  return typeof value === 'number' ? nd4jNumber(value) : plain(value).padStart(WIDTH)
}

/** Four decimals, ten wide; very small and very large numbers with an exponent; an exact zero without decimals. */
function nd4jNumber(value: number): string {
  return nd4jDigits(value).padStart(WIDTH)
}

function nd4jDigits(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '-∞'
  if (value === 0) return '0'
  const size = Math.abs(value)
  if (size < 10 ** -DIGITS || size >= 10 ** DIGITS) {
    return value.toExponential(DIGITS).replace(/\.?0*e\+?/, 'e')
  }
  return halfEven(value)
}

/** Java's DecimalFormat rounds halves to the even neighbour; halves at the fourth decimal are odd multiples of 1/32. */
function halfEven(value: number): string {
  if (Math.abs(value * 32) % 2 !== 1) return value.toFixed(DIGITS)
  const below = Math.floor(value * 10 ** DIGITS)
  return ((below % 2 === 0 ? below : below + 1) / 10 ** DIGITS).toFixed(DIGITS)
}
