import { type Decimal, javaNumber } from 'sluice'

/** The double whose digits are those that Java writes for a float. */
export function widened(float: number): number {
  return Number.isFinite(float) ? Number(javaNumber(float, true)) || float : float
}

/** Exponents beyond make numbers that no memory holds. */
const LARGEST_SCALE = 5000

/** Java's `new BigDecimal(text)`; undefined where it is not one. */
export function parseDecimal(text: string): Decimal | undefined {
  const parts = /^([+-]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:[eE]([+-]?\d{1,10}))?$/.exec(text)
  if (parts === null) return undefined
  const [, sign = '', whole = '', after, only, exponent = '0'] = parts
  const fraction = after ?? only ?? ''
  const scale = fraction.length - Number(exponent)
  if (Math.abs(scale) > LARGEST_SCALE) return undefined
  const unscaled = BigInt(whole + fraction)
  return { unscaled: sign === '-' ? -unscaled : unscaled, scale }
}

/** The whole part, as `BigDecimal.toBigInteger`. */
export function wholePart({ unscaled, scale }: Decimal): bigint {
  return scale <= 0 ? unscaled * 10n ** BigInt(-scale) : unscaled / 10n ** BigInt(scale)
}

export function decimalNumber({ unscaled, scale }: Decimal): number {
  return Number(`${unscaled}e${-scale}`)
}
