import type { EncodedRows, Slices } from '../../api/converter.ts'
import type { Compression } from './compression.ts'
import { decodePartition } from './record-batch-decode.ts'
import { type EncodedBatch, encodeBatches } from './record-batch-encode.ts'
import { timestampOf } from './records.ts'

const LARGEST_BUFFER = 2 ** 31 - 1

/** A sealed batch without some of its records, encoded anew; null where none is left. */
export function withoutRecords(
  batch: EncodedBatch,
  dropped: ReadonlySet<number>,
  compression: Compression,
): EncodedBatch | null {
  const fetched = { topic: 'outgoing', partition: 0, bytes: batch.bytes, aborted: [] }
  const decoded = decodePartition(fetched, { fromOffset: 0n, maxInflatedBytes: LARGEST_BUFFER }).batch
  const kept = [...batch.rows.keys()].filter((record) => !dropped.has(record))
  if (decoded === null || kept.length === 0) return null
  const [encoded] = encodeBatches(
    {
      rows: Int32Array.from(kept),
      keys: copied(decoded.keys),
      values: copied(decoded.values),
      headers: copied(decoded.headers),
      baseTimestamp: decoded.baseTimestamp,
      timestampDelta: (record) => decoded.timestampDeltas[record]!,
      timestamp: (record) => timestampOf(decoded, record),
    },
    LARGEST_BUFFER,
    compression,
    () => undefined,
  )
  return encoded === undefined
    ? null
    : { ...encoded, rows: Int32Array.from(kept, (record) => batch.rows[record]!) }
}

function copied({ bytes, start, end }: Slices): EncodedRows {
  return {
    size: (row) => (start[row]! < 0 ? -1 : end[row]! - start[row]!),
    write: (row, target, at) => at + bytes.copy(target, at, start[row], end[row]),
  }
}
