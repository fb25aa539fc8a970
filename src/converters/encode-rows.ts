import type { FailRow, Side } from '../api/batch.ts'
import type { EncodedRows } from '../api/converter.ts'
import type { Schema, Value } from '../api/schema.ts'
import { ByteWriter } from './byte-writer.ts'
import { PackedRows } from './packed-rows.ts'
import { guarded } from './records-side.ts'

/** Writes one value's bytes; throws a DataError where it cannot be written. */
export type WriteRow = (out: ByteWriter, value: Value, schema: Schema | null, row: number) => void

/** Encodes the given rows of any side one by one, from objects. Null values stay null. */
export function encodeRows(side: Side, rows: Int32Array, fail: FailRow, write: WriteRow): EncodedRows {
  const start = new Int32Array(side.length).fill(-1)
  const end = new Int32Array(side.length).fill(-1)
  const out = new ByteWriter(Math.max(64, rows.length * 64))
  for (const row of rows) {
    guarded(row, fail, () => {
      const value = side.value(row, fail)
      if (value === null) return
      const from = out.at
      try {
        write(out, value, side.schema(row, fail), row)
      } catch (error) {
        out.at = from
        throw error
      }
      start[row] = from
      end[row] = out.at
    })
  }
  return new PackedRows(out.bytes, start, end)
}
