import { isUtf8 } from 'node:buffer'
import { DataError } from '../../api/errors.ts'
import { VALUE_LIMITS } from '../limits.ts'

export function malformed(reason: string): DataError {
  return new DataError('record.malformed', `The Avro payload is malformed: ${reason}`)
}

/** The error of a decimal with more digits than its schema declares. */
export function tooPrecise({ precision }: { readonly precision: number }): DataError {
  return malformed(`a decimal has more than the ${precision} digits that its schema declares.`)
}

const ENDS = 'it ends in the middle of a value.'
/** Texts up to this many bytes are checked in a loop; longer ones by the native function. */
const SHORT_TEXT = 32

/**
 * Reads Avro's binary encoding between `at` and `end`. Every method checks that it stays inside and that what it
 * reads is well-formed, and throws a DataError otherwise; nothing here trusts a length or a count.
 */
export class Reader {
  readonly bytes: Buffer
  readonly view: DataView
  at = 0
  end = 0
  depth = 0
  /** How many values the record may still have, beside those that its bytes pay for. */
  #budget = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** Starts at a record's first byte. */
  open(at: number, end: number): void {
    this.at = at
    this.end = end
    this.depth = 0
    this.#budget = VALUE_LIMITS.values + VALUE_LIMITS.valuesPerByte * (end - at)
  }

  boolean(): boolean {
    if (this.at >= this.end) throw malformed(ENDS)
    const byte = this.bytes[this.at++]!
    if (byte > 1) throw malformed(`a boolean is ${byte}.`)
    return byte === 1
  }

  int(): number {
    if (this.at >= this.end) throw malformed(ENDS)
    const byte = this.bytes[this.at++]!
    return byte < 0x80 ? (byte >>> 1) ^ -(byte & 1) : this.#longerInt(byte)
  }

  #longerInt(first: number): number {
    let n = first & 0x7f
    for (let shift = 7; shift <= 28; shift += 7) {
      if (this.at >= this.end) throw malformed(ENDS)
      const byte = this.bytes[this.at++]!
      if (shift === 28 && byte > 0x0f) throw malformed('an int has more than 32 bits.')
      n |= (byte & 0x7f) << shift
      if (byte < 0x80) break
    }
    return (n >>> 1) ^ -(n & 1)
  }

  /** A long as a number: the nearest double beyond 2^53. */
  long(): number {
    if (this.at >= this.end) throw malformed(ENDS)
    const byte = this.bytes[this.at]!
    if (byte < 0x80) {
      this.at++
      return (byte >>> 1) ^ -(byte & 1)
    }
    return this.#longerLong()
  }

  #longerLong(): number {
    const start = this.at
    const exact = this.#sevenBytes()
    if (!Number.isNaN(exact)) return exact
    this.at = start
    return Number(this.#wideLong())
  }

  /** A long of up to seven bytes, which a double holds; NaN for a longer one. */
  #sevenBytes(): number {
    let n = 0
    let factor = 1
    for (let i = 0; i < 7; i++) {
      if (this.at >= this.end) throw malformed(ENDS)
      const byte = this.bytes[this.at++]!
      n += (byte & 0x7f) * factor
      if (byte < 0x80) return n % 2 === 0 ? n / 2 : -(n + 1) / 2
      factor *= 128
    }
    return NaN
  }

  /** A long, exactly. */
  bigint(): bigint {
    const start = this.at
    const exact = this.#sevenBytes()
    if (!Number.isNaN(exact)) return BigInt(exact)
    this.at = start
    return this.#wideLong()
  }

  #wideLong(): bigint {
    let n = 0n
    for (let i = 0; i < 10; i++) {
      if (this.at >= this.end) throw malformed(ENDS)
      const byte = this.bytes[this.at++]!
      if (i === 9 && byte > 1) break
      n |= BigInt(byte & 0x7f) << BigInt(7 * i)
      if (byte < 0x80) return (n >> 1n) ^ -(n & 1n)
    }
    throw malformed('a long has more than 64 bits.')
  }

  skipLong(): void {
    for (let i = 0; i < 10; i++) {
      if (this.at >= this.end) throw malformed(ENDS)
      const byte = this.bytes[this.at++]!
      if (i === 9 && byte > 1) break
      if (byte < 0x80) return
    }
    throw malformed('a long has more than 64 bits.')
  }

  float(): number {
    this.skip(4)
    return this.view.getFloat32(this.at - 4, true)
  }

  double(): number {
    this.skip(8)
    return this.view.getFloat64(this.at - 8, true)
  }

  skip(size: number): void {
    if (size > this.end - this.at) throw malformed(ENDS)
    this.at += size
  }

  /** A length in bytes, of what follows. */
  length(): number {
    const size = this.long()
    if (size < 0) throw malformed('a length is negative.')
    if (size > this.end - this.at) throw malformed('a length goes beyond the end.')
    return size
  }

  skipString(): void {
    this.skipStringLength()
    if (this.at - this.start <= SHORT_TEXT) {
      let i = this.start
      while (i < this.at && this.bytes[i]! < 0x80) i++
      if (i === this.at) return
    }
    if (!isUtf8(this.bytes.subarray(this.start, this.at))) throw malformed('a string is not valid UTF-8.')
  }

  /** Where the last string that was skipped has its text; it ends at `at`. */
  start = 0

  skipStringLength(): void {
    const size = this.length()
    this.start = this.at
    this.at += size
  }

  /** An index of an enum's symbol or a union's branch. */
  index(count: number, what: string): number {
    const index = this.long()
    if (index >= 0 && index < count) return index
    throw malformed(`${what} ${index} of ${count}.`)
  }

  enter(): void {
    if (++this.depth > VALUE_LIMITS.depth)
      throw malformed(`it is nested more than ${VALUE_LIMITS.depth} levels deep.`)
  }

  leave(): void {
    this.depth--
  }

  /**
   * Counts values that may take no bytes: items of nothing, the fields of a nested record. Without it a few bytes and
   * a schema of many nulls are hours of work.
   */
  charge(values: number): void {
    this.#budget -= values
    if (this.#budget < 0) throw malformed('it has far more values than bytes.')
  }

  /** Where the present block ends, for a block that says so; −1 for one that does not. */
  blockEnd = -1

  /**
   * The number of items of the next block of an array or map; 0 at its end. It is never more than the bytes that are
   * left can hold, so a payload of a few bytes cannot ask for millions of items.
   */
  block(itemSize: number): number {
    let count = this.long()
    this.blockEnd = -1
    if (count < 0) {
      count = -count
      const size = this.length()
      this.blockEnd = this.at + size
    }
    if (itemSize > 0) {
      if (count > (this.end - this.at) / itemSize) throw malformed('a block has more items than bytes.')
    } else {
      this.charge(count)
    }
    return count
  }

  endBlock(blockEnd: number): void {
    if (blockEnd >= 0 && this.at !== blockEnd) throw malformed('a block does not end where it says.')
  }
}
