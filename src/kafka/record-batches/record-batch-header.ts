import { crc32c, Reader } from '@platformatic/kafka'
import { TaskError } from '../../api/errors.ts'
import { AT, ATTRIBUTE, LEAST_RECORD, MAGIC } from './record-batch.ts'

/** The CRC-32C of bytes, which are not copied for it. */
export function checksum(bytes: Buffer): number {
  return crc32c(Reader.from(bytes).buffer) >>> 0
}

/** Bytes that a broker sent cannot be read: a partition's reader cannot go on. */
export function corrupt(where: string, detail: string, suggestion?: string): TaskError {
  const message = `${where}: ${detail}. ${suggestion ?? 'Check the broker’s disk and network; to skip the batch, set the group’s offset behind it.'}`
  return new TaskError('kafka.corrupt', message)
}

/** The header of one record batch, checked. */
export interface BatchHeader {
  /** Where the batch begins and ends in the fetched bytes. */
  readonly start: number
  readonly end: number
  readonly baseOffset: bigint
  readonly lastOffset: bigint
  readonly compression: number
  readonly logAppendTime: boolean
  readonly transactional: boolean
  readonly control: boolean
  readonly baseTimestamp: bigint
  readonly maxTimestamp: bigint
  readonly producerId: bigint
  readonly recordCount: number
}

/** The length of the batch at `start`, its first 12 bytes included; NaN where not even they are there. */
export function batchSize(bytes: Buffer, start: number): number {
  return start + AT.epoch <= bytes.length ? AT.epoch + bytes.readInt32BE(start + AT.batchLength) : NaN
}

/** Offsets stay exact as numbers: no log holds 2^53 records. */
const LARGEST_OFFSET = 2n ** 53n - 2n ** 32n

/**
 * Reads the header of the batch at `start`, which is there as a whole. Refuses what is not magic 2, has a wrong
 * checksum, or contradicts itself.
 */
export function readHeader(bytes: Buffer, start: number, partition: string): BatchHeader {
  const baseOffset = bytes.readBigInt64BE(start + AT.baseOffset)
  const where = `${partition}, batch at offset ${baseOffset}`
  const size = batchSize(bytes, start)
  if (size > AT.magic && bytes[start + AT.magic] !== MAGIC) {
    throw corrupt(
      where,
      `it has record format ${bytes[start + AT.magic]!}; only 2 is read`,
      'Formats 0 and 1 are Kafka’s before 0.11: copy the topic with current tools.',
    )
  }
  if (size < AT.records) throw corrupt(where, `it claims ${size} bytes`)
  const end = start + size
  const expected = bytes.readUInt32BE(start + AT.crc)
  const actual = checksum(bytes.subarray(start + AT.attributes, end))
  if (expected !== actual) throw corrupt(where, `its checksum is ${actual}, not ${expected}`)
  if (baseOffset < 0n || baseOffset > LARGEST_OFFSET) throw corrupt(where, 'its offset is out of bounds')
  const attributes = bytes.readInt16BE(start + AT.attributes)
  const lastOffsetDelta = bytes.readInt32BE(start + AT.lastOffsetDelta)
  const recordCount = bytes.readInt32BE(start + AT.recordCount)
  if (recordCount < 0 || lastOffsetDelta < 0 || recordCount > lastOffsetDelta + 1) {
    throw corrupt(where, `it claims ${recordCount} records up to offset delta ${lastOffsetDelta}`)
  }
  const compression = attributes & ATTRIBUTE.compression
  if (compression === 0 && recordCount > (size - AT.records) / LEAST_RECORD) {
    throw corrupt(where, `it claims ${recordCount} records in ${size} bytes`)
  }
  return {
    start,
    end,
    baseOffset,
    lastOffset: baseOffset + BigInt(lastOffsetDelta),
    compression,
    logAppendTime: (attributes & ATTRIBUTE.logAppendTime) !== 0,
    transactional: (attributes & ATTRIBUTE.transactional) !== 0,
    control: (attributes & ATTRIBUTE.control) !== 0,
    baseTimestamp: bytes.readBigInt64BE(start + AT.baseTimestamp),
    maxTimestamp: bytes.readBigInt64BE(start + AT.maxTimestamp),
    producerId: bytes.readBigInt64BE(start + AT.producerId),
    recordCount,
  }
}
