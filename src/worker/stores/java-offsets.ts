/** One entry of an offsets file. */
export interface OffsetEntry {
  readonly key: Buffer | null
  readonly value: Buffer | null
}

/** Bytes are not what Kafka Connect writes into an offsets file. The message goes on after "the file …". */
export class OffsetsFormatError extends Error {}

/** Of java.io.ObjectStreamConstants. */
const [NULL, REFERENCE, OBJECT, ARRAY, BLOCK_DATA, END_BLOCK_DATA] = [0x70, 0x71, 0x73, 0x75, 0x77, 0x78]
const STREAM_HEADER = Buffer.from('aced0005', 'hex')
const FIRST_HANDLE = 0x7e0000
/** The map's class and the map itself come first; the class of byte arrays with the first of them. */
const ARRAY_CLASS_HANDLE = FIRST_HANDLE + 2

/** Class descriptions: a name, its serialVersionUID, flags, the fields; no annotations, no parent. */
const MAP_CLASS = Buffer.concat([
  Buffer.from('720011', 'hex'),
  Buffer.from('java.util.HashMap'),
  Buffer.from('0507dac1c31660d1030002', 'hex'),
  Buffer.from('46000a', 'hex'),
  Buffer.from('loadFactor'),
  Buffer.from('490009', 'hex'),
  Buffer.from('threshold'),
  Buffer.from('7870', 'hex'),
])
const ARRAY_CLASS = Buffer.from('7200025b42acf317f8060854e00200007870', 'hex')

const LOAD_FACTOR = 0.75
const LEAST_BUCKETS = 16

/**
 * Reads an offsets file of Kafka Connect's standalone mode (FileOffsetBackingStore): a `HashMap<byte[], byte[]>`, as
 * Java's ObjectOutputStream writes it. Nothing else is accepted, and no class is looked up.
 * @throws OffsetsFormatError
 */
export function decodeOffsets(bytes: Buffer): OffsetEntry[] {
  const stream = new MapStream(bytes)
  stream.expect(STREAM_HEADER, 'is not an offsets file of Kafka Connect')
  stream.expectObject()
  stream.skip(8) // load factor and threshold: Java finds them anew
  const count = stream.sizes()
  const entries: OffsetEntry[] = []
  for (let i = 0; i < count; i++) entries.push({ key: stream.array(), value: stream.array() })
  if (stream.byte() !== END_BLOCK_DATA || !stream.atEnd)
    throw new OffsetsFormatError('has something behind its last offset')
  return entries
}

/** The same bytes as Java's, where its map has this order. */
export function encodeOffsets(entries: readonly OffsetEntry[]): Buffer {
  let buckets = LEAST_BUCKETS
  while (entries.length > buckets * LOAD_FACTOR) buckets *= 2
  const head = Buffer.alloc(18)
  head.writeFloatBE(LOAD_FACTOR, 0)
  head.writeInt32BE(entries.length === 0 ? 0 : buckets * LOAD_FACTOR, 4)
  head.writeUInt8(BLOCK_DATA, 8)
  head.writeUInt8(8, 9)
  head.writeInt32BE(buckets, 10)
  head.writeInt32BE(entries.length, 14)
  const parts: Buffer[] = [STREAM_HEADER, Buffer.of(OBJECT), MAP_CLASS, head]
  let arrayClass = ARRAY_CLASS
  for (const array of entries.flatMap(({ key, value }) => [key, value])) {
    if (array === null) {
      parts.push(Buffer.of(NULL))
      continue
    }
    parts.push(Buffer.of(ARRAY), arrayClass, int(array.length), array)
    arrayClass = ARRAY_CLASS_AGAIN
  }
  return Buffer.concat([...parts, Buffer.of(END_BLOCK_DATA)])
}

const ARRAY_CLASS_AGAIN = Buffer.concat([Buffer.of(REFERENCE), int(ARRAY_CLASS_HANDLE)])

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

class MapStream {
  readonly #bytes: Buffer
  /** Each array has a handle, in their order: one that is written twice is a reference the second time. */
  readonly #arrays: Buffer[] = []
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  byte(): number {
    return this.skip(1).readUInt8()
  }

  skip(length: number): Buffer {
    if (length > this.#bytes.length - this.#at) throw new OffsetsFormatError('ends in the middle')
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  expect(wanted: Buffer, otherwise: string): void {
    const found = this.#bytes.subarray(this.#at, this.#at + wanted.length)
    if (!found.equals(wanted.subarray(0, found.length))) throw new OffsetsFormatError(otherwise)
    this.skip(wanted.length)
  }

  expectObject(): void {
    const other = 'holds another Java object than a HashMap of byte arrays'
    this.expect(Buffer.of(OBJECT), other)
    this.expect(MAP_CLASS, other)
  }

  /** Buckets, which Java finds anew, and the number of entries. */
  sizes(): number {
    this.expect(Buffer.of(BLOCK_DATA, 8), 'has no number of offsets where it belongs')
    const count = this.skip(8).readInt32BE(4)
    if (count < 0) throw new OffsetsFormatError(`has a negative number of offsets, ${count}`)
    return count
  }

  array(): Buffer | null {
    const kind = this.byte()
    if (kind === NULL) return null
    if (kind === REFERENCE) return this.#known(this.skip(4).readInt32BE())
    if (kind !== ARRAY) throw new OffsetsFormatError('holds something else than byte arrays')
    const isFirst = this.#arrays.length === 0
    this.expect(isFirst ? ARRAY_CLASS : ARRAY_CLASS_AGAIN, 'holds something else than byte arrays')
    const length = this.skip(4).readInt32BE()
    if (length < 0) throw new OffsetsFormatError(`has a negative length, ${length}`)
    const array = this.skip(length)
    this.#arrays.push(array)
    return array
  }

  #known(handle: number): Buffer {
    const array = this.#arrays[handle - ARRAY_CLASS_HANDLE - 1]
    if (array === undefined) throw new OffsetsFormatError('refers to an array that it does not hold')
    return array
  }
}
