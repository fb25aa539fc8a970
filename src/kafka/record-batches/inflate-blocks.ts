/**
 * Snappy and LZ4 in, bounded: what a block claims is checked before memory is taken, and nothing is written beyond it.
 * (The library's decoders run in one WebAssembly instance that traps on malformed input and never gives memory back.)
 * Formats: google/snappy format_description.txt; xerial snappy-java's stream; LZ4 frame format 1.6, block format.
 */

/** Why bytes cannot be inflated; `tooLarge` where they are well formed as far as was read, but exceed the limit. */
export class InflateProblem extends Error {
  readonly tooLarge: boolean
  constructor(message: string, tooLarge = false) {
    super(message)
    this.tooLarge = tooLarge
  }
}

/** The bytes written so far, and room for more up to a limit. */
class Output {
  bytes: Buffer
  at = 0
  readonly #limit: number

  constructor(expected: number, limit: number) {
    this.#limit = limit
    this.bytes = Buffer.allocUnsafeSlow(Math.min(expected, limit))
  }

  /** Makes room for `length` bytes more. */
  reserve(length: number): void {
    const needed = this.at + length
    if (needed <= this.bytes.length) return
    if (needed > this.#limit) throw new InflateProblem(`more than ${this.#limit} bytes when inflated`, true)
    const larger = Buffer.allocUnsafeSlow(Math.min(this.#limit, Math.max(needed, this.bytes.length * 2)))
    this.bytes.copy(larger, 0, 0, this.at)
    this.bytes = larger
  }

  literal(source: Buffer, start: number, length: number): void {
    if (start + length > source.length) throw new InflateProblem('a literal reaches beyond the end')
    this.reserve(length)
    const { bytes, at } = this
    if (length > 16) source.copy(bytes, at, start, start + length)
    else for (let i = 0; i < length; i++) bytes[at + i] = source[start + i]!
    this.at = at + length
  }

  /** Repeats `length` bytes from `distance` back; the two ranges may overlap. */
  match(distance: number, length: number): void {
    if (distance <= 0 || distance > this.at) throw new InflateProblem('a match reaches before the start')
    this.reserve(length)
    const { bytes, at } = this
    const from = at - distance
    if (length > 24 && distance >= length) bytes.copyWithin(at, from, from + length)
    else for (let i = 0; i < length; i++) bytes[at + i] = bytes[from + i]!
    this.at = at + length
  }

  done(): Buffer {
    return this.bytes.subarray(0, this.at)
  }
}

const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00])
const XERIAL_HEADER = 16

/** A raw snappy block, or the xerial stream of blocks that Java clients write. */
export function inflateSnappy(source: Buffer, limit: number): Buffer {
  if (!source.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) {
    const output = new Output(Math.min(limit, source.length * 4), limit)
    snappyBlock(source, output)
    return output.done()
  }
  const output = new Output(source.length * 4, limit)
  for (let at = XERIAL_HEADER; at < source.length;) {
    const length = at + 4 <= source.length ? source.readUInt32BE(at) : Infinity
    at += 4
    if (at + length > source.length) throw new InflateProblem('a snappy block is cut off')
    snappyBlock(source.subarray(at, at + length), output)
    at += length
  }
  return output.done()
}

function snappyBlock(source: Buffer, output: Output): void {
  let claimed = 0
  let at = 0
  for (let shift = 0; ; shift += 7) {
    const byte = source[at++]
    if (byte === undefined) throw new InflateProblem('a snappy block is cut off')
    claimed += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) break
    if (shift >= 28) throw new InflateProblem('the size of a snappy block is malformed')
  }
  output.reserve(claimed)
  const end = output.at + claimed
  while (at < source.length) {
    at = snappyElement(source, at, output)
    if (output.at > end) throw new InflateProblem('a snappy block is larger than it claims')
  }
  if (output.at !== end) throw new InflateProblem('a snappy block is smaller than it claims')
}

/** One literal or copy; returns where it ends. */
function snappyElement(source: Buffer, at: number, output: Output): number {
  const tag = source[at++]!
  const kind = tag & 3
  if (kind === 0) {
    let length = tag >>> 2
    if (length >= 60) {
      const width = length - 59
      if (at + width > source.length) throw new InflateProblem('a snappy block is cut off')
      length = source.readUIntLE(at, width)
      at += width
    }
    output.literal(source, at, length + 1)
    return at + length + 1
  }
  const width = kind === 1 ? 1 : kind === 2 ? 2 : 4
  if (at + width > source.length) throw new InflateProblem('a snappy block is cut off')
  if (kind === 1) output.match(((tag >>> 5) << 8) | source[at]!, ((tag >>> 2) & 7) + 4)
  else output.match(source.readUIntLE(at, width), (tag >>> 2) + 1)
  return at + width
}

const LZ4_MAGIC = 0x184d2204
const LZ4_FLAG = { dictionary: 0x01, contentChecksum: 0x04, contentSize: 0x08, blockChecksum: 0x10 } as const
const LZ4_LEAST_MATCH = 4

/** One LZ4 frame. Its xxHash checksums are not verified: the record batch's CRC-32C covers the same bytes. */
export function inflateLz4(source: Buffer, limit: number): Buffer {
  if (source.length < 7 || source.readUInt32LE(0) !== LZ4_MAGIC) throw new InflateProblem('not an LZ4 frame')
  const flags = source[4]!
  if (flags >>> 6 !== 1) throw new InflateProblem('an LZ4 frame of an unknown version')
  if (flags & LZ4_FLAG.dictionary) throw new InflateProblem('an LZ4 frame with a dictionary')
  const largestBlock = 1 << (8 + 2 * ((source[5]! >>> 4) & 7))
  const trailer = flags & LZ4_FLAG.blockChecksum ? 4 : 0
  const output = new Output(source.length * 4, limit)
  for (let at = flags & LZ4_FLAG.contentSize ? 15 : 7; ;) {
    if (at + 4 > source.length) throw new InflateProblem('an LZ4 frame is cut off')
    const word = source.readUInt32LE(at)
    if (word === 0) return output.done()
    const start = at + 4
    const end = start + (word & 0x7fffffff)
    if (end + trailer > source.length) throw new InflateProblem('an LZ4 block is cut off')
    const before = output.at
    if (word >>> 31) output.literal(source, start, end - start)
    else lz4Block(source, start, end, output)
    if (output.at - before > largestBlock)
      throw new InflateProblem('an LZ4 block is larger than its frame allows')
    at = end + trailer
  }
}

function lz4Block(source: Buffer, start: number, end: number, output: Output): void {
  const cursor = { at: start }
  while (cursor.at < end) {
    const token = source[cursor.at++]!
    const literal = (token >>> 4) + (token >>> 4 === 15 ? lz4Length(source, cursor, end) : 0)
    if (cursor.at + literal > end) throw new InflateProblem('a literal reaches beyond its block')
    output.literal(source, cursor.at, literal)
    cursor.at += literal
    if (cursor.at === end) return // a block ends with a literal
    if (cursor.at + 2 > end) throw new InflateProblem('an LZ4 block is cut off')
    const distance = source[cursor.at]! | (source[cursor.at + 1]! << 8)
    cursor.at += 2
    const more = (token & 15) === 15 ? lz4Length(source, cursor, end) : 0
    output.match(distance, (token & 15) + more + LZ4_LEAST_MATCH)
  }
}

/** The rest of a length: bytes are added up until one is below 255. */
function lz4Length(source: Buffer, cursor: { at: number }, end: number): number {
  let length = 0
  while (cursor.at < end) {
    const byte = source[cursor.at++]!
    length += byte
    if (byte !== 255) return length
  }
  throw new InflateProblem('an LZ4 length is cut off')
}
