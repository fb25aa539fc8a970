import { messageOf } from '../../api/errors.ts'
import { AbortedRanges, type AbortedTransaction } from '../fetch/aborted.ts'
import { inflate } from './compression.ts'
import { InflateProblem } from './inflate-blocks.ts'
import { AT, LEAST_RECORD } from './record-batch.ts'
import { type BatchHeader, batchSize, corrupt, readHeader } from './record-batch-header.ts'
import { RecordIndex, type RecordSection } from './record-index.ts'
import type { FetchedBatch } from './records.ts'

/** What a Fetch response holds for one partition. */
export interface FetchedPartition {
  readonly topic: string
  readonly partition: number
  /** Whole record batches one after the other; the last may be cut off. */
  readonly bytes: Buffer
  /** Read committed: the aborted transactions named in the response. Empty otherwise. */
  readonly aborted: readonly AbortedTransaction[]
}

export interface DecodeLimits {
  /** The offset that was asked for: earlier records are passed over. */
  readonly fromOffset: bigint
  /** The most that compressed batches may inflate to, together. */
  readonly maxInflatedBytes: number
}

export interface DecodedPartition {
  /** null where nothing was there to go on from. */
  readonly batch: FetchedBatch | null
  /** Where nothing whole was there: the size of the batch that was cut off, which the next fetch must allow. */
  readonly neededBytes: number
}

/** A batch whose records are wanted: in the fetched bytes, or inflated. */
interface Wanted {
  readonly header: BatchHeader
  readonly inflated: Buffer | null
}

/**
 * Decodes what one fetch brought of one partition. Control batches and aborted records are left out, and the position
 * moves over them. Throws TaskError `kafka.corrupt`, naming topic, partition and offset.
 */
export function decodePartition(fetched: FetchedPartition, limits: DecodeLimits): DecodedPartition {
  const { bytes, topic, partition } = fetched
  const name = `${topic}-${partition}`
  const aborted = new AbortedRanges(fetched.aborted)
  const wanted: Wanted[] = []
  let nextOffset = limits.fromOffset
  let inflatedBytes = 0
  let at = 0
  for (;;) {
    const size = batchSize(bytes, at)
    if (!(at + size <= bytes.length)) break // cut off, or the end
    const header = readHeader(bytes, at, name)
    at = header.end
    const dropped = aborted.drops(header, bytes) || header.control
    if (header.lastOffset < limits.fromOffset) continue
    if (nextOffset > limits.fromOffset && header.baseOffset < nextOffset) {
      throw corrupt(name, `offsets go back from ${nextOffset} to ${header.baseOffset}`)
    }
    if (!dropped && header.recordCount > 0) {
      const inflated = header.compression === 0 ? null : inflateBatch(header, bytes, name, limits)
      inflatedBytes += inflated?.length ?? 0
      if (inflatedBytes > limits.maxInflatedBytes && wanted.length > 0) break // the next fetch begins with it
      wanted.push({ header, inflated })
    }
    nextOffset = header.lastOffset + 1n
  }
  if (nextOffset === limits.fromOffset) {
    const needed = at + batchSize(bytes, at)
    return { batch: null, neededBytes: needed > bytes.length ? needed : 0 }
  }
  return { batch: indexBatches(fetched, wanted, limits.fromOffset, nextOffset), neededBytes: 0 }
}

function inflateBatch(header: BatchHeader, bytes: Buffer, partition: string, limits: DecodeLimits): Buffer {
  const where = `${partition}, batch at offset ${header.baseOffset}`
  let inflated: Buffer
  try {
    inflated = inflate(
      header.compression,
      bytes.subarray(header.start + AT.records, header.end),
      limits.maxInflatedBytes,
    )
  } catch (error) {
    const tooLarge = error instanceof InflateProblem && error.tooLarge
    throw corrupt(
      where,
      `its records cannot be inflated: ${messageOf(error)}`,
      tooLarge ? `The limit is ${limits.maxInflatedBytes} bytes.` : undefined,
    )
  }
  if (header.recordCount > inflated.length / LEAST_RECORD) {
    throw corrupt(where, `it claims ${header.recordCount} records in ${inflated.length} bytes`)
  }
  return inflated
}

function indexBatches(
  { topic, partition, bytes }: FetchedPartition,
  wanted: readonly Wanted[],
  fromOffset: bigint,
  nextOffset: bigint,
): FetchedBatch {
  const { buffer, sections } = oneBuffer(bytes, wanted)
  const capacity = wanted.reduce((sum, { header }) => sum + header.recordCount, 0)
  const first = wanted[0]?.header
  const baseOffset = first?.baseOffset ?? fromOffset
  const baseTimestamp = (first?.logAppendTime === true ? first.maxTimestamp : first?.baseTimestamp) ?? 0n
  const range = { partition: `${topic}-${partition}`, fromOffset, baseOffset, baseTimestamp }
  const index = new RecordIndex(buffer, capacity, range)
  for (const section of sections) index.add(section)
  return { topic, partition, bytes: buffer, baseOffset, baseTimestamp, nextOffset, ...index.finish() }
}

/** Puts all records into one buffer: the fetched bytes as they are, unless something had to be inflated. */
function oneBuffer(bytes: Buffer, wanted: readonly Wanted[]): { buffer: Buffer; sections: RecordSection[] } {
  if (wanted.every(({ inflated }) => inflated === null)) {
    const sections = wanted.map(({ header }) => ({
      header,
      start: header.start + AT.records,
      end: header.end,
    }))
    return { buffer: bytes, sections }
  }
  const parts = wanted.map(
    ({ header, inflated }) => inflated ?? bytes.subarray(header.start + AT.records, header.end),
  )
  const buffer = parts.length === 1 ? parts[0]! : Buffer.concat(parts)
  let at = 0
  const sections = wanted.map(({ header }, i) => ({ header, start: at, end: (at += parts[i]!.length) }))
  return { buffer, sections }
}
