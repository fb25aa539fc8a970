import type { Slices } from '../../api/converter.ts'

/**
 * All records of one partition that one fetch brought, in place: positions in typed arrays over one buffer, no object
 * per record. May have no rows (compacted away, aborted, control records only): `nextOffset` moves on all the same.
 */
export interface FetchedBatch {
  readonly topic: string
  readonly partition: number
  readonly length: number
  /** What all slices are positions of. */
  readonly bytes: Buffer
  readonly keys: Slices
  readonly values: Slices
  /** A row's raw header section: varint count, then the headers (see `decodeHeaders`). Never null. */
  readonly headers: Slices
  readonly baseOffset: bigint
  /** Ascending. `offsetOf` adds. */
  readonly offsetDeltas: Float64Array
  /** Milliseconds since 1970. */
  readonly baseTimestamp: bigint
  /** `timestampOf` adds. Not exact beyond 2^53: then `exactTimestamps` is there. */
  readonly timestampDeltas: Float64Array
  /** Where some delta is beyond 2^53 (hostile or absent timestamps): the timestamps themselves. */
  readonly exactTimestamps?: BigInt64Array
  /** Where to go on reading, which is also what to commit. */
  readonly nextOffset: bigint
  /** Which topic of that name it is of; null or absent where that is not known. */
  readonly topicId?: string | null
}

/** A batch without rows that only says where a partition goes on. */
export function emptyBatch(topic: string, partition: number, nextOffset: bigint): FetchedBatch {
  const bytes = Buffer.alloc(0)
  const none: Slices = { bytes, start: new Int32Array(0), end: new Int32Array(0), length: 0 }
  return {
    ...{ topic, partition, length: 0, bytes, keys: none, values: none, headers: none },
    ...{ baseOffset: nextOffset, offsetDeltas: new Float64Array(0) },
    ...{ baseTimestamp: 0n, timestampDeltas: new Float64Array(0), nextOffset },
  }
}

/** Rows `from` to `to` of a batch as a batch of their own; it shares the bytes. */
export function sliceBatch(batch: FetchedBatch, from: number, to: number): FetchedBatch {
  const { exactTimestamps } = batch
  const slice = ({ bytes, start, end }: Slices): Slices => {
    return { bytes, start: start.subarray(from, to), end: end.subarray(from, to), length: to - from }
  }
  return {
    ...batch,
    length: to - from,
    keys: slice(batch.keys),
    values: slice(batch.values),
    headers: slice(batch.headers),
    offsetDeltas: batch.offsetDeltas.subarray(from, to),
    timestampDeltas: batch.timestampDeltas.subarray(from, to),
    ...(exactTimestamps === undefined ? {} : { exactTimestamps: exactTimestamps.subarray(from, to) }),
    nextOffset: to < batch.length ? offsetOf(batch, to) : batch.nextOffset,
  }
}

export function offsetOf(batch: FetchedBatch, row: number): bigint {
  return batch.baseOffset + BigInt(batch.offsetDeltas[row]!)
}

export function timestampOf(batch: FetchedBatch, row: number): bigint {
  return batch.exactTimestamps?.[row] ?? batch.baseTimestamp + BigInt(batch.timestampDeltas[row]!)
}
