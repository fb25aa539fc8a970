import type { ColumnFor, ColumnRequest, Column, FailRow, LiveRows, Side } from '../api/batch.ts'
import type { Slices } from '../api/converter.ts'
import type { Field, Schema, Value } from '../api/schema.ts'
import { guarded, recordsSide } from './records-side.ts'

/** Reads one row's bytes; throws a DataError where they are malformed. */
export type ReadRow = (bytes: Buffer, start: number, end: number) => Row

interface Row {
  readonly schema: Schema | null
  readonly value: Value
}

const NOTHING: Row = { schema: null, value: null }

/** A side that stays bytes until a row, a column or a change is asked for. */
export class SlicesSide implements Side {
  readonly length: number
  readonly slices: Slices
  readonly #read: ReadRow
  /** What was read of each row. */
  readonly #rows: (Row | undefined)[] = []

  constructor(slices: Slices, read: ReadRow) {
    this.length = slices.length
    this.slices = slices
    this.#read = read
  }

  isNull(row: number): boolean {
    return this.slices.start[row]! < 0
  }

  schema(row: number, fail: FailRow): Schema | null {
    return this.#row(row, fail).schema
  }

  value(row: number, fail: FailRow): Value {
    return this.#row(row, fail).value
  }

  column<R extends ColumnRequest>(
    field: string,
    request: R,
    rows: LiveRows,
    fail: FailRow,
    optional = false,
  ): ColumnFor<R> {
    return this.#records(rows, fail).column(field, request, rows, fail, optional)
  }

  append(fields: readonly Field[], columns: readonly Column[], rows: LiveRows, fail: FailRow): Side {
    return this.#records(rows, fail).append(fields, columns, rows, fail)
  }

  #decoded: Side | undefined

  #records(rows: LiveRows, fail: FailRow): Side {
    if (this.#decoded !== undefined) return this.#decoded
    const schemas = new Array<Schema | null>(this.length).fill(null)
    const values = new Array<Value>(this.length).fill(null)
    for (let row = 0; row < this.length; row++) {
      if (!rows.isLive(row)) continue
      const read = this.#row(row, fail)
      schemas[row] = read.schema
      values[row] = read.value
    }
    return (this.#decoded = recordsSide(schemas, values))
  }

  /** Bytes are read once; those that cannot be read fail their row each time. */
  #row(row: number, fail: FailRow): Row {
    const known = this.#rows[row]
    if (known !== undefined) return known
    const { bytes, start, end } = this.slices
    const from = start[row]!
    if (from >= 0) guarded(row, fail, () => (this.#rows[row] = this.#read(bytes, from, end[row]!)))
    return this.#rows[row] ?? NOTHING
  }
}
