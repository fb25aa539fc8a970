import { type Column, type FailRow, MISSING } from '../../api/batch.ts'
import type { Field } from '../../api/schema.ts'
import { ByteWriter } from '../byte-writer.ts'
import { guarded } from '../records-side.ts'
import { columnValue } from '../value-columns.ts'
import { encodeValue } from './encode.ts'
import { type AvroNode, Kind } from './node.ts'

/** How a column's rows become bytes: the first two without an object per row. */
const Way = { double: 0, level: 1, any: 2 } as const

const NO_NUMBERS = new Float64Array(0)
const NO_BYTES = new Uint8Array(0)
const NO_LEVELS = new Int32Array(0)

/** One appended field's column, ready to be written row by row. One shape for all, so that the loop is monomorphic. */
class TailField {
  readonly way: number
  readonly node: AvroNode
  readonly field: Field
  readonly column: Column
  readonly numbers: Float64Array
  readonly present: Uint8Array
  readonly levels: Int32Array
  /** Every level's bytes, union branch and length included; level −1 is null. */
  readonly levelBytes: Uint8Array
  readonly levelStarts: Int32Array
  readonly nullByte: number
  readonly valueByte: number

  constructor(field: Field, column: Column, node: AvroNode) {
    const nullable = node.nullIndex >= 0
    this.field = field
    this.column = column
    this.node = node
    this.nullByte = node.nullIndex * 2
    this.valueByte = (1 - node.nullIndex) * 2
    const numbers = nullable && column.type === 'float64' && node.inner.kind === Kind.double
    const levels = nullable && column.type === 'category' && node.inner.kind === Kind.string
    this.way = numbers ? Way.double : levels ? Way.level : Way.any
    this.numbers = column.type === 'float64' ? column.values : NO_NUMBERS
    this.present = column.type === 'float64' ? column.present : NO_BYTES
    this.levels = column.type === 'category' ? column.levels : NO_LEVELS
    const table = levels ? levelTable(column.domain, node) : { bytes: NO_BYTES, starts: NO_LEVELS }
    this.levelBytes = table.bytes
    this.levelStarts = table.starts
  }
}

/** The encoded levels of a domain behind an encoded null: level `i` lies between starts `i + 1` and `i + 2`. */
function levelTable(domain: readonly string[], node: AvroNode): { bytes: Uint8Array; starts: Int32Array } {
  const out = new ByteWriter(64)
  const starts = new Int32Array(domain.length + 2)
  encodeValue(out, node, null, '')
  for (const [i, level] of domain.entries()) {
    starts[i + 1] = out.at
    encodeValue(out, node, level, '')
  }
  starts[domain.length + 1] = out.at
  return { bytes: out.bytes.subarray(0, out.at), starts }
}

/** Where rows' tails lie. */
export interface Tails {
  readonly start: Int32Array
  readonly end: Int32Array
}

/** Writes the appended fields of rows behind one another. A row whose value does not fit fails alone. */
export class TailWriter {
  readonly #fields: readonly TailField[]

  constructor(fields: readonly Field[], columns: readonly Column[], nodes: readonly AvroNode[]) {
    this.#fields = fields.map((field, i) => new TailField(field, columns[i]!, nodes[i]!))
  }

  writeRows(rows: Int32Array, count: number, tails: Tails, out: ByteWriter, fail: FailRow): void {
    for (let i = 0; i < count; i++) {
      const row = rows[i]!
      const from = out.at
      this.#writeRow(out, row, fail)
      tails.start[row] = from
      tails.end[row] = out.at
    }
  }

  #writeRow(out: ByteWriter, row: number, fail: FailRow): void {
    for (const field of this.#fields) {
      if (field.way === Way.double) writeDouble(out, field, row)
      else if (field.way === Way.level && field.levels[row]! >= MISSING) writeLevel(out, field, row)
      else guarded(row, fail, () => writeAny(out, field, row))
    }
  }
}

function writeDouble(out: ByteWriter, field: TailField, row: number): void {
  out.reserve(9)
  if (field.present[row] === 0) {
    out.bytes[out.at++] = field.nullByte
    return
  }
  out.bytes[out.at] = field.valueByte
  out.view.setFloat64(out.at + 1, field.numbers[row]!, true)
  out.at += 9
}

function writeLevel(out: ByteWriter, field: TailField, row: number): void {
  const level = field.levels[row]!
  const from = field.levelStarts[level + 1]!
  const to = field.levelStarts[level + 2]!
  out.reserve(to - from)
  const { bytes } = out
  let { at } = out
  for (let i = from; i < to; i++) bytes[at++] = field.levelBytes[i]!
  out.at = at
}

function writeAny(out: ByteWriter, { field, column, node }: TailField, row: number): void {
  encodeValue(out, node, columnValue(column, row, field.name, field.schema), field.name)
}
