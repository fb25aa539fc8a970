/**
 * Zigzag varints, as in Kafka's record format (and Protocol Buffers): 7 bits per byte, low bits first. Numbers are
 * int32 unless the name says long (int64).
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
  return writeUnsigned(((value << 1) ^ (value >> 31)) >>> 0, target, at)
}

/** Whole numbers whose zigzag form takes at most 7 bytes: beyond, bigint arithmetic is used. */
const LARGEST_QUICK = 2 ** 48 - 1
const TWO_28 = 2 ** 28

function zigzagLong(value: bigint): bigint {
  return BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
}

/** The size of an int64. A number must be whole; beyond 2^53 it is taken as it is, exact or not. */
export function varlongSize(value: number | bigint): number {
  if (typeof value === 'number' && Math.abs(value) <= LARGEST_QUICK) {
    let size = 1
    for (let zigzag = value < 0 ? -2 * value - 1 : 2 * value; zigzag >= 0x80; zigzag /= 128) size++
    return size
  }
  let size = 1
  for (let zigzag = zigzagLong(BigInt(value)); zigzag >= 0x80n; zigzag >>= 7n) size++
  return size
}

/** Writes an int64; returns where it ends. */
export function writeVarlong(value: number | bigint, target: Buffer, at: number): number {
  if (typeof value === 'number' && Math.abs(value) <= LARGEST_QUICK) {
    const zigzag = value < 0 ? -2 * value - 1 : 2 * value
    return zigzag < TWO_28 ? writeUnsigned(zigzag, target, at) : writeUnsignedLong(zigzag, target, at)
  }
  let zigzag = zigzagLong(BigInt(value))
  for (; zigzag >= 0x80n; zigzag >>= 7n) target[at++] = Number(zigzag & 0x7fn) | 0x80
  target[at++] = Number(zigzag)
  return at
}

function writeUnsigned(value: number, target: Buffer, at: number): number {
  for (; value >= 0x80; value >>>= 7) target[at++] = (value & 0x7f) | 0x80
  target[at++] = value
  return at
}

/** Of at least 2^28: its low four groups of 7 bits, then the rest. */
function writeUnsignedLong(value: number, target: Buffer, at: number): number {
  let low = value % TWO_28
  for (let i = 0; i < 4; i++, low >>>= 7) target[at++] = (low & 0x7f) | 0x80
  return writeUnsigned(Math.floor(value / TWO_28), target, at)
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

  /** An int64, as a number where its varint has at most seven bytes (so below 2^48). */
  long(): number | bigint {
    const start = this.at
    let low = 0
    let high = 0
    for (let i = 0; i < 7; i++) {
      const byte = this.bytes[this.at++]!
      if (i < 4) low |= (byte & 0x7f) << (7 * i)
      else high |= (byte & 0x7f) << (7 * (i - 4))
      if (byte < 0x80) {
        if (i < 4) return (low >>> 1) ^ -(low & 1)
        const zigzag = high * TWO_28 + low
        return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2
      }
    }
    this.at = start
    return this.#bigLong()
  }

  #bigLong(): bigint {
    let zigzag = 0n
    let shift = 0n
    let byte: number
    do {
      byte = this.bytes[this.at++] ?? 0
      zigzag |= BigInt(byte & 0x7f) << shift
      shift += 7n
    } while (byte >= 0x80 && shift < 70n)
    zigzag = BigInt.asUintN(64, zigzag)
    return BigInt.asIntN(64, (zigzag >> 1n) ^ -(zigzag & 1n))
  }
}
