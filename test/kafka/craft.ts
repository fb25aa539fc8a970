import { crc32c } from '@platformatic/kafka'
import type { Header } from '../../src/api/batch.ts'
import { decodeHeaders, encodeHeaders } from '../../src/kafka/record-batches/headers.ts'
import type { OutgoingRows } from '../../src/kafka/record-batches/record-batch-encode.ts'
import { type FetchedBatch, offsetOf, timestampOf } from '../../src/kafka/record-batches/records.ts'

/** A record as tests write it. */
export interface PlainRecord {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly Header[]
  readonly timestamp: bigint
}

export function plain(value: string | null, rest: Partial<PlainRecord> = {}): PlainRecord {
  return { key: null, value: value === null ? null : Buffer.from(value), headers: [], timestamp: 0n, ...rest }
}

/** Rows of records, as a converter would hand them over. */
export function rowsOf(records: readonly PlainRecord[], rows = [...records.keys()]): OutgoingRows {
  const raw = records.map(({ headers }) => encodeHeaders(headers))
  const side = (of: (row: number) => Buffer | null) => ({
    size: (row: number) => of(row)?.length ?? -1,
    write: (row: number, target: Buffer, at: number) => at + of(row)!.copy(target, at),
  })
  const baseTimestamp = records[rows[0] ?? 0]?.timestamp ?? 0n
  return {
    rows: Int32Array.from(rows),
    keys: side((row) => records[row]!.key),
    values: side((row) => records[row]!.value),
    headers: side((row) => raw[row]!),
    baseTimestamp,
    timestampDelta: (row) => Number(records[row]!.timestamp - baseTimestamp),
    timestamp: (row) => records[row]!.timestamp,
  }
}

/** The records of a fetched batch, as objects. */
export function recordsOf(batch: FetchedBatch): (PlainRecord & { offset: bigint })[] {
  const bytes = (slices: FetchedBatch['keys'], row: number): Buffer | null =>
    slices.start[row]! < 0 ? null : Buffer.from(slices.bytes.subarray(slices.start[row], slices.end[row]))
  return Array.from({ length: batch.length }, (_, row) => ({
    offset: offsetOf(batch, row),
    timestamp: timestampOf(batch, row),
    key: bytes(batch.keys, row),
    value: bytes(batch.values, row),
    headers: decodeHeaders(batch.bytes, batch.headers.start[row]!, batch.headers.end[row]!),
  }))
}

export function varint(value: number | bigint): Buffer {
  const bytes: number[] = []
  let zigzag = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n))
  for (; zigzag >= 0x80n; zigzag >>= 7n) bytes.push(Number(zigzag & 0x7fn) | 0x80)
  return Buffer.from([...bytes, Number(zigzag)])
}

/** A record by the letter of the format, with lengths that may lie. */
export interface CraftedRecord {
  readonly offsetDelta?: number
  readonly timestampDelta?: number | bigint
  readonly key?: Buffer | null
  readonly value?: Buffer | null
  readonly keyLength?: number
  readonly valueLength?: number
  /** The raw header section. Default: none. */
  readonly headers?: Buffer
  /** Added to the true length. */
  readonly lengthError?: number
}

export function craftRecord(record: CraftedRecord): Buffer {
  const { offsetDelta = 0, timestampDelta = 0, key = null, value = null, headers = Buffer.from([0]) } = record
  const body = Buffer.concat([
    Buffer.from([0]),
    varint(timestampDelta),
    varint(offsetDelta),
    varint(record.keyLength ?? key?.length ?? -1),
    key ?? Buffer.alloc(0),
    varint(record.valueLength ?? value?.length ?? -1),
    value ?? Buffer.alloc(0),
    headers,
  ])
  return Buffer.concat([varint(body.length + (record.lengthError ?? 0)), body])
}

export interface CraftedBatch {
  readonly baseOffset?: bigint
  readonly attributes?: number
  readonly baseTimestamp?: bigint
  readonly maxTimestamp?: bigint
  readonly producerId?: bigint
  readonly lastOffsetDelta?: number
  readonly recordCount?: number
  readonly magic?: number
  readonly records?: readonly CraftedRecord[]
  /** Instead of records: their bytes, for example compressed. */
  readonly body?: Buffer
}

/** A record batch by the letter of the format, with a true checksum over whatever it says. */
export function craftBatch(batch: CraftedBatch): Buffer {
  const records = batch.records ?? []
  const body = batch.body ?? Buffer.concat(records.map(craftRecord))
  const head = Buffer.alloc(61)
  const count = batch.recordCount ?? records.length
  head.writeBigInt64BE(batch.baseOffset ?? 0n, 0)
  head.writeInt32BE(49 + body.length, 8)
  head.writeInt8(batch.magic ?? 2, 16)
  head.writeInt16BE(batch.attributes ?? 0, 21)
  head.writeInt32BE(batch.lastOffsetDelta ?? Math.max(0, count - 1), 23)
  head.writeBigInt64BE(batch.baseTimestamp ?? 0n, 27)
  head.writeBigInt64BE(batch.maxTimestamp ?? 0n, 35)
  head.writeBigInt64BE(batch.producerId ?? -1n, 43)
  head.writeInt16BE(-1, 51)
  head.writeInt32BE(-1, 53)
  head.writeInt32BE(count, 57)
  return reseal(Buffer.concat([head, body]))
}

/** Writes the checksum that the bytes have. */
export function reseal(bytes: Buffer): Buffer {
  bytes.writeUInt32BE(crc32c(bytes.subarray(21)) >>> 0, 17)
  return bytes
}

/** The only record of a control batch that ends a transaction. */
export function marker(type: 'abort' | 'commit'): CraftedRecord {
  return { key: Buffer.from([0, 0, 0, type === 'abort' ? 0 : 1]), value: Buffer.alloc(6) }
}
