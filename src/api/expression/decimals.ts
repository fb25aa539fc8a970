import type { Decimal } from '../schema.ts'

/** Digits, and places behind or before the point: it bounds what one operation costs. */
const MOST_DIGITS = 1200
const LIMIT = 10n ** BigInt(MOST_DIGITS)
const MANTISSA_BITS = 52
const SIGNIFICAND = 0x000f_ffff_ffff_ffffn
const EXPONENT_BIAS = 1075

/** Undefined where it has too many digits to compute with. */
export function usable(value: Decimal): Decimal | undefined {
  const { unscaled, scale } = value
  return Math.abs(scale) <= MOST_DIGITS && unscaled < LIMIT && unscaled > -LIMIT ? value : undefined
}

export const ofInt = (value: bigint): Decimal => ({ unscaled: value, scale: 0 })

const view = new DataView(new ArrayBuffer(8))

/** A finite double to its last digit: each is a whole number of 2^−1074. */
export function ofDouble(value: number): Decimal {
  view.setFloat64(0, value)
  const bits = view.getBigUint64(0)
  const exponent = Number((bits >> BigInt(MANTISSA_BITS)) & 0x7ffn)
  const fraction = bits & SIGNIFICAND
  const digits = exponent === 0 ? fraction : fraction | (SIGNIFICAND + 1n)
  const power = Math.max(exponent, 1) - EXPONENT_BIAS
  const signed = value < 0 ? -digits : digits
  return power >= 0
    ? { unscaled: signed << BigInt(power), scale: 0 }
    : { unscaled: signed * 5n ** BigInt(-power), scale: -power }
}

/** Both with the scale of the one that has more places. */
function aligned(a: Decimal, b: Decimal): readonly [bigint, bigint, number] {
  const scale = Math.max(a.scale, b.scale)
  return [rescaled(a, scale), rescaled(b, scale), scale]
}

const rescaled = ({ unscaled, scale }: Decimal, to: number) => unscaled * 10n ** BigInt(to - scale)

export function compareDecimals(a: Decimal, b: Decimal): number {
  const [left, right] = aligned(a, b)
  return left < right ? -1 : Number(left > right)
}

export function add(a: Decimal, b: Decimal): Decimal {
  const [left, right, scale] = aligned(a, b)
  return { unscaled: left + right, scale }
}

export function subtract(a: Decimal, b: Decimal): Decimal {
  const [left, right, scale] = aligned(a, b)
  return { unscaled: left - right, scale }
}

export const multiply = (a: Decimal, b: Decimal): Decimal => ({
  unscaled: a.unscaled * b.unscaled,
  scale: a.scale + b.scale,
})

/** The same number with so many places; undefined where digits would be lost. */
export function withScale(value: Decimal, scale: number): Decimal | undefined {
  if (scale >= value.scale) return { unscaled: rescaled(value, scale), scale }
  const power = 10n ** BigInt(value.scale - scale)
  return value.unscaled % power === 0n ? { unscaled: value.unscaled / power, scale } : undefined
}

const TEXT = /^([+-]?)(\d{1,400})(?:\.(\d{1,400}))?$/

/** `12.50`; undefined where it is no decimal. */
export function parseDecimal(text: string): Decimal | undefined {
  const [, sign, whole, fraction = ''] = TEXT.exec(text) ?? []
  if (whole === undefined) return undefined
  const digits = BigInt(whole + fraction)
  return { unscaled: sign === '-' ? -digits : digits, scale: fraction.length }
}
