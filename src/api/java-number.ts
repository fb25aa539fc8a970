/** From here on, and below 10⁻³, Java writes doubles with an exponent. */
const LEAST_SCIENTIFIC = 7
const LEAST_PLAIN = -3

/**
 * A double, or a float where it is one, as Java's toString has it: `5.0`, `1.0E10`, `1.0E-5`, `NaN`, `-Infinity`. Of the
 * texts that are read as the same number it is the shortest, as in Java 19 and later.
 */
export function javaNumber(value: number, isFloat = false): string {
  if (!Number.isFinite(value)) return String(value)
  const sign = value < 0 || Object.is(value, -0) ? '-' : ''
  const size = Math.abs(value)
  if (!isFloat && size >= 10 ** LEAST_PLAIN && size < 10 ** LEAST_SCIENTIFIC) {
    return Number.isInteger(value) ? `${value}.0` : String(value) // the same text, found faster
  }
  if (size === 0) return `${sign}0.0`
  const [digits = '', power = ''] = (isFloat ? shortestFloat(size) : size.toExponential()).split('e')
  const exponent = Number(power)
  const mantissa = digits.replace('.', '')
  if (exponent >= LEAST_SCIENTIFIC || exponent < LEAST_PLAIN)
    return `${sign}${mantissa.charAt(0)}.${mantissa.slice(1) || '0'}E${exponent}`
  if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${mantissa}`
  const whole = mantissa.padEnd(exponent + 1, '0')
  return `${sign}${whole.slice(0, exponent + 1)}.${whole.slice(exponent + 1) || '0'}`
}

/** The shortest exponential text that is read as the same 32-bit float. */
function shortestFloat(value: number): string {
  for (let digits = 0; digits < 9; digits++) {
    const text = value.toExponential(digits)
    if (Math.fround(Number(text)) === value) return text
  }
  return value.toExponential()
}
