const FLOAT = new Float32Array(1)
const BITS = new Uint32Array(FLOAT.buffer)

/** Numbers in IEEE 754 half precision (1 sign, 5 exponent, 10 fraction bits), rounded to the nearest, ties to even. */
export function toHalf(values: Float32Array): Uint16Array {
  return Uint16Array.from(values, halfOf)
}

/** The numbers that halves stand for; every half is a float. */
export function fromHalf(halves: Uint16Array): Float32Array {
  return Float32Array.from(halves, (half) => {
    const sign = half & 0x8000 ? -1 : 1
    const exponent = (half >>> 10) & 31
    const fraction = half & 1023
    if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN
    if (exponent === 0) return sign * fraction * 2 ** -24
    return sign * (1024 + fraction) * 2 ** (exponent - 25)
  })
}

function halfOf(value: number): number {
  FLOAT[0] = value
  const sign = (BITS[0]! >>> 16) & 0x8000
  const size = Math.abs(value)
  if (Number.isNaN(value)) return 0x7e00
  if (size >= 65520) return sign | 0x7c00 // the largest half is 65504
  // Halves of one exponent are as far apart as 2^(exponent − 10), the smallest as 2^−24.
  const exponent = Math.max((((BITS[0]! >>> 23) & 255) - 127) | 0, -14)
  const steps = roundToEven(size * 2 ** (10 - exponent))
  // A carry out of the fraction goes into the exponent, which is right.
  return sign | (steps + ((exponent + 14) << 10))
}

function roundToEven(value: number): number {
  const floor = Math.floor(value)
  const rest = value - floor
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor
}
