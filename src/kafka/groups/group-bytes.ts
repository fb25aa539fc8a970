import { TaskError } from '../../api/errors.ts'

/**
 * Reads Kafka's classic (non-flexible) primitive types, big endian: what members of a group say to each other.
 * Bytes that end early or lengths that cannot be throw a TaskError (`kafka.protocol`): they come from another process.
 */
export class GroupReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  int16(): number {
    return this.#bytes.readInt16BE(this.#take(2))
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#take(4))
  }

  int64(): bigint {
    return this.#bytes.readBigInt64BE(this.#take(8))
  }

  nullableString(): string | null {
    const length = this.int16()
    if (length === -1) return null
    const start = this.#take(length)
    return this.#bytes.toString('utf8', start, start + length)
  }

  string(): string {
    const text = this.nullableString()
    if (text === null) throw malformed('a string is null')
    return text
  }

  nullableBytes(): Buffer | null {
    const length = this.int32()
    if (length === -1) return null
    const start = this.#take(length)
    return this.#bytes.subarray(start, start + length)
  }

  nullableArray<T>(item: () => T): T[] | null {
    const length = this.int32()
    if (length === -1) return null
    // Every item has at least one byte, so a count above what remains is a lie and not an allocation.
    if (length < 0 || length > this.#bytes.length - this.#at)
      throw malformed(`an array claims ${length} items`)
    return Array.from({ length }, item)
  }

  array<T>(item: () => T): T[] {
    const items = this.nullableArray(item)
    if (items === null) throw malformed('an array is null')
    return items
  }

  /** Steps over `length` bytes; returns where they start. */
  #take(length: number): number {
    const start = this.#at
    if (length < 0 || start + length > this.#bytes.length)
      throw malformed(`${length} bytes asked at ${start} of ${this.#bytes.length}`)
    this.#at = start + length
    return start
  }
}

function malformed(what: string): TaskError {
  return new TaskError(
    'kafka.protocol',
    `A group member sent metadata or an assignment that cannot be read (${what}). Check that every member of the ` +
      'group is a Kafka client of the same kind.',
  )
}

/** Writes what GroupReader reads. */
export class GroupWriter {
  readonly #parts: Buffer[] = []

  bytes(): Buffer {
    return Buffer.concat(this.#parts)
  }

  int16(value: number): this {
    const part = Buffer.allocUnsafe(2)
    part.writeInt16BE(value)
    return this.#add(part)
  }

  int32(value: number): this {
    const part = Buffer.allocUnsafe(4)
    part.writeInt32BE(value)
    return this.#add(part)
  }

  int64(value: bigint): this {
    const part = Buffer.allocUnsafe(8)
    part.writeBigInt64BE(value)
    return this.#add(part)
  }

  nullableString(value: string | null): this {
    if (value === null) return this.int16(-1)
    const text = Buffer.from(value, 'utf8')
    return this.int16(text.length).#add(text)
  }

  nullableBytes(value: Buffer | null): this {
    return value === null ? this.int32(-1) : this.int32(value.length).#add(value)
  }

  array<T>(items: readonly T[], write: (item: T) => void): this {
    this.int32(items.length)
    for (const item of items) write(item)
    return this
  }

  #add(part: Buffer): this {
    this.#parts.push(part)
    return this
  }
}
