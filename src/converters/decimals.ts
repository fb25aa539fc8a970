import type { Decimal, Value } from '../api/schema.ts'

/** Whether a value is a Decimal: `{ unscaled, scale }` with a bigint. */
export function isDecimal(value: Value | undefined): value is Decimal {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.getPrototypeOf(value) !== null &&
    typeof (value as { unscaled?: unknown }).unscaled === 'bigint'
  )
}

/** Plain decimal text, e.g. `-0.05`; a negative scale appends zeros. */
export function decimalText({ unscaled, scale }: Decimal): string {
  if (scale <= 0) return String(unscaled * 10n ** BigInt(-scale))
  const negative = unscaled < 0n
  const digits = String(negative ? -unscaled : unscaled).padStart(scale + 1, '0')
  return `${negative ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

/** The unscaled value as Java's BigInteger writes it: two's complement, big-endian, shortest. */
export function unscaledBytes(unscaled: bigint): Buffer {
  let length = 1
  while (BigInt.asIntN(length * 8, unscaled) !== unscaled) length++
  let rest = BigInt.asUintN(length * 8, unscaled)
  const bytes = Buffer.alloc(length)
  for (let i = length - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn)
    rest >>= 8n
  }
  return bytes
}

/** The reverse of `unscaledBytes`; no bytes are zero. */
export function unscaledFrom(bytes: Uint8Array): bigint {
  if (bytes.length === 0) return 0n
  const magnitude = BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
  return BigInt.asIntN(bytes.length * 8, magnitude)
}
