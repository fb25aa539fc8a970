import type { EncodedRows } from '../../api/converter.ts'
import { type Compression, compress, COMPRESSIONS } from './compression.ts'
import { checksum } from './record-batch-header.ts'
import { AT, ATTRIBUTE, MAGIC } from './record-batch.ts'
import { varintSize, varlongSize, writeVarint, writeVarlong } from './varint.ts'

/** Rows on their way to one partition. */
export interface OutgoingRows {
  /** The rows to send, in order: what the functions below are asked with. */
  readonly rows: Int32Array
  readonly keys: EncodedRows
  readonly values: EncodedRows
  /** Raw header sections as `encodeHeaders` writes them: at least one byte, never null. */
  readonly headers: EncodedRows
  readonly baseTimestamp: bigint
  /** Whole milliseconds after `baseTimestamp`. */
  timestampDelta(row: number): number
  /** The timestamp itself; asked only where the delta is beyond 2^53. */
  timestamp?(row: number): bigint
}

/** A record batch without its producer's id, epoch and sequence: `seal` adds them. */
export interface EncodedBatch {
  readonly bytes: Buffer
  readonly recordCount: number
  /** The row of each record. */
  readonly rows: Int32Array
}

/** What a batch says about its producer. */
export interface ProducerStamp {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly sequence: number
  /** Whether it is part of a transaction. Default false. */
  readonly transactional?: boolean
}

/** Sizes of the rows of one encoding; grows with the largest and is reused: encoding is synchronous. */
class Sizes {
  body = new Int32Array(1024)
  key = new Int32Array(1024)
  value = new Int32Array(1024)
  delta = new Float64Array(1024)

  reserve(rows: number): void {
    if (rows <= this.body.length) return
    const capacity = Math.max(rows, this.body.length * 2)
    this.body = new Int32Array(capacity)
    this.key = new Int32Array(capacity)
    this.value = new Int32Array(capacity)
    this.delta = new Float64Array(capacity)
  }
}

const sizes = new Sizes()

/**
 * Encodes rows into record batches of at most `maxBytes` each, in order. A row that alone is larger is reported with
 * the size of its batch, and left out.
 */
export function encodeBatches(
  outgoing: OutgoingRows,
  maxBytes: number,
  compression: Compression,
  tooLarge: (row: number, size: number) => void,
): EncodedBatch[] {
  const { rows } = outgoing
  const batches: EncodedBatch[] = []
  sizes.reserve(rows.length)
  for (let first = 0; first < rows.length;) {
    const { next, size } = measure(outgoing, first, maxBytes)
    if (next === first) {
      tooLarge(rows[first]!, size)
      first++
      continue
    }
    const plain = writeRecords(outgoing, first, next, size)
    batches.push({
      bytes: withHeader(outgoing, { first, next, plain }, compression),
      recordCount: next - first,
      rows: rows.slice(first, next),
    })
    first = next
  }
  return batches
}

/** How many rows from `first` on fit, and the size of their batch; where not even one fits, the size it would have. */
function measure(outgoing: OutgoingRows, first: number, maxBytes: number): { next: number; size: number } {
  const { rows, keys, values, headers } = outgoing
  let size: number = AT.records
  for (let i = first; i < rows.length; i++) {
    const row = rows[i]!
    const key = keys.size(row)
    const value = values.size(row)
    const delta = outgoing.timestampDelta(row)
    const timestampSize = Number.isSafeInteger(delta)
      ? varlongSize(delta)
      : varlongSize(exactDelta(outgoing, row))
    const body =
      1 +
      timestampSize +
      varintSize(i - first) +
      varintSize(key) +
      (key > 0 ? key : 0) +
      varintSize(value) +
      (value > 0 ? value : 0) +
      headers.size(row)
    const record = varintSize(body) + body
    if (size + record > maxBytes) return { next: i, size: i === first ? size + record : size }
    size += record
    const at = i - first
    sizes.key[at] = key
    sizes.value[at] = value
    sizes.body[at] = body
    sizes.delta[at] = delta
  }
  return { next: rows.length, size }
}

/** The delta of a timestamp that a number does not hold exactly; the sum wraps around in 64 bits, as in Java. */
function exactDelta(outgoing: OutgoingRows, row: number): bigint {
  const timestamp = outgoing.timestamp?.(row) ?? outgoing.baseTimestamp + BigInt(outgoing.timestampDelta(row))
  return BigInt.asIntN(64, timestamp - outgoing.baseTimestamp)
}

/** A new buffer with room for the header, and the records of the rows that were measured last. */
function writeRecords(outgoing: OutgoingRows, first: number, next: number, size: number): Buffer {
  const { rows, keys, values, headers } = outgoing
  const target = Buffer.allocUnsafeSlow(size)
  let at: number = AT.records
  for (let i = 0; i < next - first; i++) {
    const row = rows[first + i]!
    const key = sizes.key[i]!
    const value = sizes.value[i]!
    const delta = sizes.delta[i]!
    at = writeVarint(sizes.body[i]!, target, at)
    target[at++] = 0 // attributes, unused
    at = writeVarlong(Number.isSafeInteger(delta) ? delta : exactDelta(outgoing, row), target, at)
    at = writeVarint(i, target, at)
    at = writeVarint(key, target, at)
    if (key > 0) at = keys.write(row, target, at)
    at = writeVarint(value, target, at)
    if (value > 0) at = values.write(row, target, at)
    at = headers.write(row, target, at)
  }
  if (at !== size) throw new RangeError(`Encoded rows wrote ${at} bytes where they said ${size}`)
  return target
}

interface PlainBatch {
  readonly first: number
  readonly next: number
  readonly plain: Buffer
}

/** Compresses the records where asked and where it helps, and writes the batch's header before them. */
function withHeader(
  outgoing: OutgoingRows,
  { first, next, plain }: PlainBatch,
  compression: Compression,
): Buffer {
  let bytes = plain
  let code = 0
  if (compression !== 'none') {
    const compressed = compress(compression, plain.subarray(AT.records))
    if (compressed.length < plain.length - AT.records) {
      bytes = Buffer.concat([plain.subarray(0, AT.records), compressed])
      code = COMPRESSIONS.indexOf(compression)
    }
  }
  bytes.writeBigInt64BE(0n, AT.baseOffset)
  bytes.writeInt32BE(bytes.length - AT.epoch, AT.batchLength)
  bytes.writeInt32BE(-1, AT.epoch)
  bytes.writeInt8(MAGIC, AT.magic)
  bytes.writeInt16BE(code, AT.attributes)
  bytes.writeInt32BE(next - first - 1, AT.lastOffsetDelta)
  bytes.writeBigInt64BE(outgoing.baseTimestamp, AT.baseTimestamp)
  bytes.writeBigInt64BE(maxTimestamp(outgoing, first, next), AT.maxTimestamp)
  bytes.writeInt32BE(next - first, AT.recordCount)
  return bytes
}

function maxTimestamp(outgoing: OutgoingRows, first: number, next: number): bigint {
  let largest = -Infinity
  let exact: bigint | null = null
  for (let i = 0; i < next - first; i++) {
    const delta = sizes.delta[i]!
    if (Number.isSafeInteger(delta)) largest = Math.max(largest, delta)
    else {
      const timestamp = BigInt.asIntN(
        64,
        outgoing.baseTimestamp + exactDelta(outgoing, outgoing.rows[first + i]!),
      )
      if (exact === null || timestamp > exact) exact = timestamp
    }
  }
  const ordinary = largest === -Infinity ? null : outgoing.baseTimestamp + BigInt(largest)
  if (ordinary === null || (exact !== null && exact > ordinary)) return exact ?? 0n
  return BigInt.asIntN(64, ordinary)
}

/**
 * Makes a batch final: writes who sends it and the checksum over all. From then on its bytes do not change, so that a
 * retry is recognised as the same batch.
 */
export function seal({ bytes }: EncodedBatch, stamp: ProducerStamp): void {
  bytes.writeBigInt64BE(stamp.producerId, AT.producerId)
  bytes.writeInt16BE(stamp.producerEpoch, AT.producerEpoch)
  bytes.writeInt32BE(stamp.sequence, AT.baseSequence)
  if (stamp.transactional === true) {
    bytes.writeInt16BE(bytes.readInt16BE(AT.attributes) | ATTRIBUTE.transactional, AT.attributes)
  }
  bytes.writeUInt32BE(checksum(bytes.subarray(AT.attributes)), AT.crc)
}
