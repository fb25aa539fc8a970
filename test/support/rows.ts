import { type FetchedBatch, offsetOf } from '../../src/kafka/record-batches/records.ts'

/** A batch as fetched from `t-0`: offsets `from` up to `to`, each value its offset as text. */
export function rowsFrom(from: number, to: number, partition = 0): FetchedBatch {
  const offsets = Array.from({ length: to - from }, (_, i) => from + i)
  return batchOfOffsets(offsets, to, partition)
}

/** The same with offsets of which some are missing, as in a compacted topic. */
export function batchOfOffsets(offsets: readonly number[], nextOffset: number, partition = 0): FetchedBatch {
  const values = offsets.map((offset) => Buffer.from(String(offset)))
  const bytes = Buffer.concat(values)
  const ends = values.map((_, i) => values.slice(0, i + 1).reduce((sum, { length }) => sum + length, 0))
  const { length } = offsets
  const start = Int32Array.from(ends, (end, i) => end - (values[i]?.length ?? 0))
  const slices = { bytes, start, end: Int32Array.from(ends), length }
  return {
    topic: 't',
    partition,
    length,
    bytes,
    keys: slices,
    values: slices,
    headers: slices,
    baseOffset: BigInt(offsets[0] ?? nextOffset),
    offsetDeltas: Float64Array.from(offsets, (offset) => offset - (offsets[0] ?? 0)),
    baseTimestamp: 1000n,
    timestampDeltas: Float64Array.from(offsets),
    exactTimestamps: BigInt64Array.from(offsets, (offset) => 1000n + BigInt(offset)),
    nextOffset: BigInt(nextOffset),
  }
}

export function offsetsOf(batch: FetchedBatch): number[] {
  return Array.from({ length: batch.length }, (_, row) => Number(offsetOf(batch, row)))
}
