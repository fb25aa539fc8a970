import type { Decimal, Schema, Value } from '../api/schema.ts'

/** The most digits that a Decimal may have: the largest precision, and what counts where a schema declares none. */
export const MAX_DIGITS = 0xffff

/** The schema parameter by which Confluent's converters carry a precision. */
export const DECIMAL_PRECISION = 'connect.decimal.precision'

/** The scale that a Decimal schema declares; undefined where it has none that Java's `Integer.parseInt` reads. */
export function scaleOf(schema: Schema): number | undefined {
  const text = schema.parameters?.['scale'] ?? ''
  const scale = /^[+-]?\d+$/.test(text) ? Number(text) + 0 : NaN
  return (scale | 0) === scale ? scale : undefined
}

/** Whether a value is a Decimal: `{ unscaled, scale }` with a bigint. */
export function isDecimal(value: Value | undefined): value is Decimal {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.getPrototypeOf(value) !== null &&
    typeof (value as { unscaled?: unknown }).unscaled === 'bigint'
  )
}

/** The unscaled value as Java's BigInteger writes it: two's complement, big-endian, shortest. */
export function unscaledBytes(unscaled: bigint): Buffer {
  const isNegative = unscaled < 0n
  // −n is ~(n − 1): the same bytes, inverted
  const hex = (isNegative ? -unscaled - 1n : unscaled).toString(16)
  const magnitude = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
  const bytes = magnitude[0]! < 0x80 ? magnitude : Buffer.concat([Buffer.alloc(1), magnitude])
  if (isNegative) for (let i = 0; i < bytes.length; i++) bytes[i] = ~bytes[i]!
  return bytes
}

/**
 * The reverse of `unscaledBytes`; no bytes are zero. Undefined where the value has more digits than `precision`, which
 * is found out before there is any arithmetic with a value that is too long.
 */
export function unscaledFrom(bytes: Uint8Array, precision = MAX_DIGITS): bigint | undefined {
  return fitsPrecision(bytes, 0, bytes.length, precision) ? bigintOf(bytes) : undefined
}

/** Whether bytes as `unscaledBytes` writes them, leading bytes of its sign aside, have at most `precision` digits. */
export function fitsPrecision(bytes: Uint8Array, start: number, end: number, precision: number): boolean {
  const isNegative = bytes[start]! >= 0x80
  const sign = isNegative ? 0xff : 0
  let from = start
  while (from < end - 1 && bytes[from] === sign && bytes[from + 1]! >= 0x80 === isNegative) from++
  const longest = Math.floor((precision * Math.log2(10) + 1) / 8) + 1
  if (end - from !== longest) return end - from < longest
  const limit = 10n ** BigInt(precision)
  const unscaled = bigintOf(bytes.subarray(from, end))
  return unscaled < limit && unscaled > -limit
}

function bigintOf(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n
  const { buffer, byteOffset, length } = bytes
  const magnitude = BigInt(`0x${Buffer.from(buffer, byteOffset, length).toString('hex')}`)
  return BigInt.asIntN(length * 8, magnitude)
}
