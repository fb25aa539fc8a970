import type { TopicPartition } from '../../api/plugins.ts'
import { decodePartition } from '../../kafka/record-batches/record-batch-decode.ts'
import { type EncodedBatch, seal } from '../../kafka/record-batches/record-batch-encode.ts'
import { AT } from '../../kafka/record-batches/record-batch.ts'
import type { FetchedBatch } from '../../kafka/record-batches/records.ts'

const NO_PRODUCER = { producerId: -1n, producerEpoch: -1, sequence: -1 }

/** What a broker would give of an encoded batch that it has stored from an offset on. */
export function fetchedFrom(
  { topic, partition }: TopicPartition,
  batch: EncodedBatch,
  offset: bigint,
): FetchedBatch {
  seal(batch, NO_PRODUCER)
  const { bytes } = batch
  bytes.writeBigInt64BE(offset, AT.baseOffset)
  const limits = { fromOffset: offset, maxInflatedBytes: bytes.length }
  const { batch: fetched } = decodePartition({ topic, partition, bytes, aborted: [] }, limits)
  if (fetched === null) throw new RangeError(`An encoded batch of ${bytes.length} bytes has no records`)
  return fetched
}

/** The next offset of each partition, from 0 on. */
export class NextOffsets {
  readonly #next = new Map<string, bigint>()

  at({ topic, partition }: TopicPartition): bigint {
    return this.#next.get(`${topic}-${partition}`) ?? 0n
  }

  set({ topic, partition }: TopicPartition, offset: bigint): void {
    this.#next.set(`${topic}-${partition}`, offset)
  }
}
