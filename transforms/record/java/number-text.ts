import type { Decimal } from 'sluice'

/** Java's `Double.toString`, with the fewest digits that mean the number (as from JDK 19 on; JDK-4511638). */
export function doubleText(value: number): string {
  return javaForm(value, (magnitude) => String(magnitude))
}

/** Java's `Float.toString`. */
export function floatText(value: number): string {
  return javaForm(value, shortestFloat)
}

/** The double whose digits are those that Java writes for a float. */
export function widened(float: number): number {
  return Number.isFinite(float) ? Math.sign(float) * Number(shortestFloat(Math.abs(float))) || float : float
}

function shortestFloat(magnitude: number): string {
  for (let digits = 1; digits < 9; digits++) {
    const text = magnitude.toPrecision(digits)
    if (Math.fround(Number(text)) === magnitude) return String(Number(text))
  }
  return String(Number(magnitude.toPrecision(9)))
}

function javaForm(value: number, digitsOf: (magnitude: number) => string): string {
  if (Number.isNaN(value)) return 'NaN'
  const sign = value < 0 || Object.is(value, -0) ? '-' : ''
  const magnitude = Math.abs(value)
  if (magnitude === Infinity) return `${sign}Infinity`
  if (magnitude === 0) return `${sign}0.0`
  const [mantissa = '', exponent = '0'] = Number(digitsOf(magnitude)).toExponential().split('e')
  const digits = mantissa.replace('.', '')
  const power = Number(exponent)
  return sign + (power >= -3 && power < 7 ? plain(digits, power) : scientific(digits, power))
}

function plain(digits: string, power: number): string {
  if (power < 0) return `0.${'0'.repeat(-power - 1)}${digits}`
  const whole = digits.slice(0, power + 1).padEnd(power + 1, '0')
  return `${whole}.${digits.slice(power + 1) || '0'}`
}

function scientific(digits: string, power: number): string {
  return `${digits[0] ?? '0'}.${digits.slice(1) || '0'}E${power}`
}

/** Java's `BigDecimal.toString`. */
export function decimalText({ unscaled, scale }: Decimal): string {
  const sign = unscaled < 0n ? '-' : ''
  const digits = String(unscaled < 0n ? -unscaled : unscaled)
  const power = digits.length - 1 - scale
  if (scale >= 0 && power >= -6) {
    if (scale === 0) return sign + digits
    const padded = digits.padStart(scale + 1, '0')
    return `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`
  }
  const rest = digits.length > 1 ? `.${digits.slice(1)}` : ''
  return `${sign}${digits[0] ?? '0'}${rest}${power === 0 ? '' : `E${power > 0 ? '+' : ''}${power}`}`
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
