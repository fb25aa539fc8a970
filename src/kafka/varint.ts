/**
 * Zigzag varints, as in Kafka's record format (and Protocol Buffers): 7 bits per byte, low bits first. Numbers are
 * int32 unless the name says long.
 */

/** The size of an int32 as a varint. */
export function varintSize(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0
  if (zigzag < 0x80) return 1
  if (zigzag < 0x4000) return 2
  if (zigzag < 0x200000) return 3
  return zigzag < 0x10000000 ? 4 : 5
}

/** Writes an int32; returns where it ends. */
export function writeVarint(value: number, target: Buffer, at: number): number {
  let zigzag = ((value << 1) ^ (value >> 31)) >>> 0
  while (zigzag >= 0x80) {
    target[at++] = (zigzag & 0x7f) | 0x80
    zigzag >>>= 7
  }
  target[at++] = zigzag
  return at
}

const INT32_MIN = -(2 ** 31)
const INT32_MAX = 2 ** 31 - 1

function isInt32(value: number): boolean {
  return value >= INT32_MIN && value <= INT32_MAX
}

function zigzagLong(value: bigint): bigint {
  return BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
}

/** The size of an int64; numbers beyond int32 are taken as they are, so only whole numbers are exact. */
export function varlongSize(value: number | bigint): number {
  if (typeof value === 'number' && isInt32(value)) return varintSize(value)
  let zigzag = zigzagLong(BigInt(value))
  let size = 1
  while (zigzag >= 0x80n) {
    zigzag >>= 7n
    size++
  }
  return size
}

/** Writes an int64; returns where it ends. */
export function writeVarlong(value: number | bigint, target: Buffer, at: number): number {
  if (typeof value === 'number' && isInt32(value)) return writeVarint(value, target, at)
  let zigzag = zigzagLong(BigInt(value))
  while (zigzag >= 0x80n) {
    target[at++] = Number(zigzag & 0x7fn) | 0x80
    zigzag >>= 7n
  }
  target[at++] = Number(zigzag)
  return at
}

/**
 * Reads varints one after the other. Never throws: a byte beyond the buffer reads as 0, and a varint that is too long
 * gives a wrong value; whoever reads compares `at` and the values with the limits that he knows.
 */
export class VarintReader {
  readonly bytes: Buffer
  at: number

  constructor(bytes: Buffer, at: number) {
    this.bytes = bytes
    this.at = at
  }

  int(): number {
    const first = this.bytes[this.at++]!
    if (first < 0x80) return (first >>> 1) ^ -(first & 1)
    return this.#longerInt(first)
  }

  #longerInt(first: number): number {
    let zigzag = first & 0x7f
    let byte: number
    let shift = 7
    do {
      byte = this.bytes[this.at++]!
      zigzag |= (byte & 0x7f) << shift
      shift += 7
    } while (byte >= 0x80 && shift < 35)
    return (zigzag >>> 1) ^ -(zigzag & 1)
  }

  /** An int64, as a number where its varint has at most four bytes (then it is an int32). */
  long(): number | bigint {
    const { bytes, at } = this
    if (bytes[at]! < 0x80 || bytes[at + 1]! < 0x80 || bytes[at + 2]! < 0x80 || bytes[at + 3]! < 0x80) {
      return this.int()
    }
    let zigzag = 0n
    let shift = 0n
    let byte: number
    do {
      byte = bytes[this.at++] ?? 0
      zigzag |= BigInt(byte & 0x7f) << shift
      shift += 7n
    } while (byte >= 0x80 && shift < 70n)
    zigzag = BigInt.asUintN(64, zigzag)
    return BigInt.asIntN(64, (zigzag >> 1n) ^ -(zigzag & 1n))
  }
}
