import type { FailRow, Side } from '../api/batch.ts'
import type { EncodedRows } from '../api/converter.ts'
import type { Schema, Value } from '../api/schema.ts'
import { ByteWriter } from './byte-writer.ts'
import { PackedRows } from './packed-rows.ts'
import { guarded } from './records-side.ts'

/** Writes one value's bytes; throws a DataError where it cannot be written. */
export type WriteRow = (out: ByteWriter, value: Value, schema: Schema | null, row: number) => void

/** What a null that has a schema becomes: bytes of its own (true), or no bytes (false). Throws where it may be neither. */
export type WriteNull = (out: ByteWriter, schema: Schema) => boolean

const noBytes: WriteNull = () => false

/** Encodes the given rows of any side one by one, from objects. A null without a schema is always null: a tombstone. */
export function encodeRows(
  side: Side,
  rows: Int32Array,
  fail: FailRow,
  write: WriteRow,
  writeNull = noBytes,
): EncodedRows {
  const start = new Int32Array(side.length).fill(-1)
  const end = new Int32Array(side.length).fill(-1)
  const out = new ByteWriter(Math.max(64, rows.length * 64))
  for (const row of rows) {
    guarded(row, fail, () => {
      const value = side.value(row, fail)
      const schema = side.schema(row, fail)
      const from = out.at
      try {
        if (value !== null) write(out, value, schema, row)
        else if (schema === null || !writeNull(out, schema)) return
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
