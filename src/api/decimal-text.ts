import type { Decimal } from './schema.ts'

/** Below this exponent of its first digit a decimal is written with an exponent. */
const LEAST_PLAIN = -6

/**
 * Decimal text as Java's BigDecimal.toString has it: `-0.05`, and with an exponent where the scale is negative or the
 * number is very small (`1.5E-9`), so that the text has as many digits as the value, however large its scale is.
 */
export function decimalText({ unscaled, scale }: Decimal): string {
  const sign = unscaled < 0n ? '-' : ''
  const digits = String(unscaled < 0n ? -unscaled : unscaled)
  if (scale === 0) return sign + digits
  const exponent = digits.length - 1 - scale
  if (scale < 0 || exponent < LEAST_PLAIN) {
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : ''
    const power = exponent === 0 ? '' : `E${exponent > 0 ? '+' : ''}${exponent}`
    return sign + digits.charAt(0) + fraction + power
  }
  const padded = digits.padStart(scale + 1, '0')
  return `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`
}
