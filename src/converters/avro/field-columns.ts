import type { Schema } from '../../api/schema.ts'
import { guarded } from '../records-side.ts'
import { type ColumnDraft, levelsOf, setColumn } from '../value-columns.ts'
import { decodeValue } from './decode.ts'
import { domainTable, StringCache } from './domain-table.ts'
import { type AvroNode, Kind } from './node.ts'
import type { Reader } from './reader.ts'
import type { FailRow } from '../../api/batch.ts'

/** One field of the rows of one schema, at the positions that the walk has found. */
export interface FieldRows {
  readonly reader: Reader
  /** The rows, of which each has been walked. */
  readonly rows: Int32Array
  readonly count: number
  /** Per row × field: where the value starts; −1 for null. */
  readonly positions: Int32Array
  readonly stride: number
  readonly field: number
  /** The end of each row. */
  readonly ends: Int32Array
  /** The field's type, null aside. */
  readonly node: AvroNode
}

const interned = new StringCache()

/**
 * Fills a column from positions. Numbers, strings and enums are read straight from the bytes; what else a field may
 * hold is decoded to a value first, and read by the same rules as in the plain form.
 */
export function fillColumn(
  draft: ColumnDraft,
  from: FieldRows,
  fieldSchema: () => Schema,
  fail: FailRow,
): void {
  const { request } = draft
  const { kind } = from.node
  const numeric = kind === Kind.int || kind === Kind.long || kind === Kind.float || kind === Kind.double
  if (request === 'float64' && (numeric || kind === Kind.boolean)) fillNumbers(draft, from)
  else if (request === 'string' && kind === Kind.string) fillStrings(draft, from)
  else if (typeof request === 'object' && kind === Kind.string) fillLevels(draft, from, request.domain)
  else if (typeof request === 'object' && kind === Kind.enum) fillEnumLevels(draft, from, request.domain)
  else fillValues(draft, from, request === 'value' ? null : fieldSchema(), fail)
}

function fillNumbers({ numbers, present }: ColumnDraft, from: FieldRows): void {
  const { kind } = from.node
  if (kind === Kind.double) fillDoubles(numbers, present, from)
  else if (kind === Kind.int || kind === Kind.long) fillIntegers(numbers, present, from)
  else {
    const { reader, rows, count, positions, stride, field, ends } = from
    for (let i = 0; i < count; i++) {
      const row = rows[i]!
      const at = positions[row * stride + field]!
      if (at < 0) continue
      reader.open(at, ends[row]!)
      numbers[row] = kind === Kind.float ? reader.float() : Number(reader.boolean())
      present[row] = 1
    }
  }
}

function fillDoubles(numbers: Float64Array, present: Uint8Array, from: FieldRows): void {
  const { reader, rows, count, positions, stride, field } = from
  const { view } = reader
  for (let i = 0; i < count; i++) {
    const row = rows[i]!
    const at = positions[row * stride + field]!
    if (at < 0) continue
    numbers[row] = view.getFloat64(at, true)
    present[row] = 1
  }
}

function fillIntegers(numbers: Float64Array, present: Uint8Array, from: FieldRows): void {
  const { reader, rows, count, positions, stride, field, ends } = from
  for (let i = 0; i < count; i++) {
    const row = rows[i]!
    const at = positions[row * stride + field]!
    if (at < 0) continue
    reader.at = at
    reader.end = ends[row]!
    numbers[row] = reader.long()
    present[row] = 1
  }
}

function fillStrings({ strings }: ColumnDraft, from: FieldRows): void {
  const { reader, rows, count, positions, stride, field, ends } = from
  for (let i = 0; i < count; i++) {
    const row = rows[i]!
    const at = positions[row * stride + field]!
    if (at < 0) continue
    reader.at = at
    reader.end = ends[row]!
    reader.skipStringLength()
    strings[row] = interned.read(reader.bytes, reader.start, reader.at)
  }
}

function fillLevels({ levels }: ColumnDraft, from: FieldRows, domain: readonly string[]): void {
  const { reader, rows, count, positions, stride, field, ends } = from
  const table = domainTable(domain)
  for (let i = 0; i < count; i++) {
    const row = rows[i]!
    const at = positions[row * stride + field]!
    if (at < 0) continue
    reader.at = at
    reader.end = ends[row]!
    reader.skipStringLength()
    levels[row] = table.find(reader.bytes, reader.start, reader.at)
  }
}

function fillEnumLevels({ levels }: ColumnDraft, from: FieldRows, domain: readonly string[]): void {
  const { reader, rows, count, positions, stride, field, ends, node } = from
  const known = levelsOf(domain)
  const bySymbol = Int32Array.from(node.symbols, (symbol) => known.get(symbol) ?? -2)
  for (let i = 0; i < count; i++) {
    const row = rows[i]!
    const at = positions[row * stride + field]!
    if (at < 0) continue
    reader.open(at, ends[row]!)
    levels[row] = bySymbol[reader.int()]!
  }
}

function fillValues(draft: ColumnDraft, from: FieldRows, schema: Schema | null, fail: FailRow): void {
  const { reader, rows, count, positions, stride, field, ends, node } = from
  for (let i = 0; i < count; i++) {
    const row = rows[i]!
    const at = positions[row * stride + field]!
    if (at < 0) continue
    guarded(row, fail, () => {
      reader.open(at, ends[row]!)
      setColumn(draft, row, decodeValue(reader, node), schema)
    })
  }
}
