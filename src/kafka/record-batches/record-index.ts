import type { Slices } from '../../api/converter.ts'
import { walkHeaders } from './headers.ts'
import type { BatchHeader } from './record-batch-header.ts'
import { corrupt } from './record-batch-header.ts'
import { VarintReader } from './varint.ts'

/** The records of one batch, inflated, as a range of the buffer that is indexed. */
export interface RecordSection {
  readonly header: BatchHeader
  readonly start: number
  readonly end: number
}

/** Which rows to index, and what their numbers count from. */
export interface IndexRange {
  readonly partition: string
  /** Rows before it are passed over. */
  readonly fromOffset: bigint
  readonly baseOffset: bigint
  readonly baseTimestamp: bigint
}

const LARGEST_EXACT = BigInt(Number.MAX_SAFE_INTEGER)

/** Up to here, adding a delta of 53 bits stays within 64 bits. */
const NO_OVERFLOW = 2n ** 62n

/**
 * Positions of the keys, values and headers of records in one buffer, and their offsets and timestamps: typed arrays,
 * filled batch by batch. Every length is checked before it is used.
 *
 * A record (Kafka protocol guide, "Record"): length varint · attributes i8 · timestampDelta varlong · offsetDelta
 * varint · key · value (each: length varint, −1 for null, bytes) · header count varint · headers.
 */
export class RecordIndex {
  readonly #bytes: Buffer
  readonly #range: IndexRange
  readonly #spans: { keys: Span; values: Span; headers: Span }
  readonly #offsets: Float64Array
  readonly #timestamps: Float64Array
  #exact: BigInt64Array | undefined
  #rows = 0

  /** `capacity` is the number of records in all sections. */
  constructor(bytes: Buffer, capacity: number, range: IndexRange) {
    this.#bytes = bytes
    this.#range = range
    this.#spans = { keys: span(capacity), values: span(capacity), headers: span(capacity) }
    this.#offsets = new Float64Array(capacity)
    this.#timestamps = new Float64Array(capacity)
  }

  add({ header, start, end }: RecordSection): void {
    const { keys, values, headers } = this.#spans
    const bytes = this.#bytes
    const reader = new VarintReader(bytes, start)
    const base = Number(header.baseOffset - this.#range.baseOffset)
    const skipBelow = Number(this.#range.fromOffset - header.baseOffset)
    const largestDelta = Number(header.lastOffset - header.baseOffset)
    const timestamps = this.#timestampBase(header)
    let previousDelta = -1
    let row = this.#rows
    for (let i = 0; i < header.recordCount; i++) {
      const length = reader.int()
      const recordEnd = reader.at + length
      if (length < 0 || recordEnd > end) throw this.#corrupt(header, i, 'its length is out of bounds')
      reader.at++ // attributes, unused
      const timestampDelta = reader.long()
      const offsetDelta = reader.int()
      if (offsetDelta <= previousDelta || offsetDelta > largestDelta) {
        throw this.#corrupt(header, i, `its offset delta is ${offsetDelta}`)
      }
      previousDelta = offsetDelta
      const keyLength = reader.int()
      const keyStart = reader.at
      if (keyLength < -1 || keyStart + keyLength > recordEnd) throw this.#corrupt(header, i, 'its key')
      if (keyLength > 0) reader.at += keyLength
      keys.start[row] = keyLength < 0 ? -1 : keyStart
      keys.end[row] = reader.at
      const valueLength = reader.int()
      const valueStart = reader.at
      if (valueLength < -1 || valueStart + valueLength > recordEnd)
        throw this.#corrupt(header, i, 'its value')
      if (valueLength > 0) reader.at += valueLength
      values.start[row] = valueLength < 0 ? -1 : valueStart
      values.end[row] = reader.at
      if (bytes[reader.at] !== 0 || reader.at + 1 !== recordEnd) {
        if (walkHeaders(bytes, reader.at, recordEnd) !== recordEnd)
          throw this.#corrupt(header, i, 'its headers')
      }
      headers.start[row] = reader.at
      headers.end[row] = recordEnd
      reader.at = recordEnd
      if (offsetDelta < skipBelow) continue
      this.#offsets[row] = base + offsetDelta
      if (typeof timestampDelta === 'number' && timestamps !== null) {
        this.#timestamps[row] = header.logAppendTime ? timestamps : timestamps + timestampDelta
      } else this.#setExact(row, header, timestampDelta)
      if (this.#exact !== undefined) this.#setExact(row, header, timestampDelta)
      row++
    }
    if (reader.at !== end) throw this.#corrupt(header, header.recordCount, 'bytes are left over')
    this.#rows = row
  }

  /** What was indexed; the arrays are views of the given capacity. */
  finish(): IndexedRecords {
    const length = this.#rows
    const slices = ({ start, end }: Span): Slices => ({ bytes: this.#bytes, start, end, length })
    return {
      length,
      keys: slices(this.#spans.keys),
      values: slices(this.#spans.values),
      headers: slices(this.#spans.headers),
      offsetDeltas: this.#offsets,
      timestampDeltas: this.#timestamps,
      ...(this.#exact === undefined ? {} : { exactTimestamps: this.#exact }),
    }
  }

  /** What a batch's timestamp deltas are added to, relative to the range's base; null where that is not exact. */
  #timestampBase(header: BatchHeader): number | null {
    const of = header.logAppendTime ? header.maxTimestamp : header.baseTimestamp
    const relative = of - this.#range.baseTimestamp
    const near = relative < LARGEST_EXACT / 2n && relative > -LARGEST_EXACT / 2n
    return near && of < NO_OVERFLOW && of > -NO_OVERFLOW ? Number(relative) : null
  }

  /** Switches to exact timestamps: those of the rows before are filled in. Java's 64-bit sums wrap around. */
  #setExact(row: number, header: BatchHeader, delta: number | bigint): void {
    const { baseTimestamp } = this.#range
    if (this.#exact === undefined) {
      this.#exact = new BigInt64Array(this.#timestamps.length)
      for (let i = 0; i < row; i++) this.#exact[i] = baseTimestamp + BigInt(this.#timestamps[i]!)
    }
    const exact = header.logAppendTime ? header.maxTimestamp : header.baseTimestamp + BigInt(delta)
    const timestamp = BigInt.asIntN(64, exact)
    this.#exact[row] = timestamp
    this.#timestamps[row] = Number(timestamp - baseTimestamp)
  }

  #corrupt(header: BatchHeader, record: number, detail: string): Error {
    return corrupt(
      `${this.#range.partition}, batch at offset ${header.baseOffset}`,
      `record ${record} of ${header.recordCount} is malformed: ${detail}`,
    )
  }
}

export interface IndexedRecords {
  readonly length: number
  readonly keys: Slices
  readonly values: Slices
  readonly headers: Slices
  readonly offsetDeltas: Float64Array
  readonly timestampDeltas: Float64Array
  readonly exactTimestamps?: BigInt64Array
}

interface Span {
  readonly start: Int32Array
  readonly end: Int32Array
}

function span(capacity: number): Span {
  return { start: new Int32Array(capacity), end: new Int32Array(capacity) }
}
