import type { Compression } from '../../src/kafka/record-batches/compression.ts'
import { decodePartition, type FetchedPartition } from '../../src/kafka/record-batches/record-batch-decode.ts'
import { encodeBatches, seal } from '../../src/kafka/record-batches/record-batch-encode.ts'
import { AT } from '../../src/kafka/record-batches/record-batch.ts'
import type { FetchedBatch } from '../../src/kafka/record-batches/records.ts'
import { type PlainRecord, recordsOf, rowsOf } from './craft.ts'

export const MIB = 1 << 20
const STAMP = { producerId: 7n, producerEpoch: 3, sequence: 42 }

export function encode(records: readonly PlainRecord[], maxBytes = MIB, compression: Compression = 'none') {
  const tooLarge: [number, number][] = []
  const batches = encodeBatches(rowsOf(records), maxBytes, compression, (row, size) =>
    tooLarge.push([row, size]),
  )
  for (const batch of batches) seal(batch, STAMP)
  return { buffers: batches.map(({ bytes }) => bytes), tooLarge }
}

/** Gives encoded batches the offsets that a broker would give them. */
export function atOffsets(buffers: readonly Buffer[], from = 0n): Buffer {
  let offset = from
  for (const bytes of buffers) {
    bytes.writeBigInt64BE(offset, AT.baseOffset)
    offset += BigInt(bytes.readInt32BE(AT.lastOffsetDelta)) + 1n
  }
  return Buffer.concat(buffers)
}

export interface Asked {
  readonly from?: bigint
  readonly aborted?: FetchedPartition['aborted']
  readonly maxInflatedBytes?: number
}

export function decode(bytes: Buffer, { from = 0n, aborted = [], maxInflatedBytes = MIB }: Asked = {}) {
  return decodePartition({ topic: 't', partition: 3, bytes, aborted }, { fromOffset: from, maxInflatedBytes })
}

export function decoded(bytes: Buffer, asked: Asked = {}): FetchedBatch {
  const { batch } = decode(bytes, asked)
  if (batch === null) throw new Error('nothing was decoded')
  return batch
}

export const valuesOf = (batch: FetchedBatch): (string | null)[] =>
  recordsOf(batch).map(({ value }) => value?.toString() ?? null)
