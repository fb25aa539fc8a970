import type { FailRow, LiveRows } from '../../api/batch.ts'
import type { Slices } from '../../api/converter.ts'
import { ConnectError } from '../../api/errors.ts'
import type { Value } from '../../api/schema.ts'
import { decodeValue } from './decode.ts'
import { type AvroNode, Kind } from './node.ts'
import { malformed, Reader } from './reader.ts'
import { walkRecord } from './walk.ts'
import type { WriterSchema } from './writer-schema.ts'

/** Bytes before a payload: a zero and the schema id. */
export const HEADER = 5

const RowState = { unread: 0, walked: 1, failed: 2, avroNull: 3 } as const

/** Whether the value at the reader is a null of a root that is no record. Does not move the reader past other values. */
function isNullAt(reader: Reader, root: AvroNode): boolean {
  if (root.kind === Kind.null) return reader.at === reader.end
  if (root.kind !== Kind.union) return false
  const { at } = reader
  const branch = root.branches[reader.index(root.branches.length, 'union branch')]!
  if (branch.kind === Kind.null && reader.at === reader.end) return true
  reader.at = at
  return false
}

/**
 * The encoded records of a batch, with the schema each was written with. One walk per record validates it and notes
 * where its fields are; all columns of the batch, and what is spliced, come from there.
 */
export class AvroRows {
  readonly length: number
  readonly slices: Slices
  readonly writers: readonly WriterSchema[]
  /** Per row: its index in `writers`; −1 for a null or unreadable row. */
  readonly writerOf: Int32Array
  readonly reader: Reader
  readonly #states: Uint8Array
  readonly #stride: number
  #positions: Int32Array | undefined
  #allWalked = false

  constructor(slices: Slices, writers: readonly WriterSchema[], writerOf: Int32Array) {
    this.length = slices.length
    this.slices = slices
    this.writers = writers
    this.writerOf = writerOf
    this.reader = new Reader(slices.bytes)
    this.#states = new Uint8Array(slices.length)
    this.#stride = writers.reduce((most, writer) => Math.max(most, writer.plan.count), 0)
  }

  isNull(row: number): boolean {
    return this.slices.start[row]! < 0
  }

  get stride(): number {
    return this.#stride
  }

  /** Per row × field: where its value starts, −1 for null. */
  get positions(): Int32Array {
    return (this.#positions ??= new Int32Array(this.length * this.#stride))
  }

  /**
   * Walks every live row that was not walked before. Rows only ever go from live to not live, so once is enough.
   */
  walkLive(rows: LiveRows, fail: FailRow): void {
    if (this.#allWalked) return
    for (let row = 0; row < this.length; row++) {
      if (this.#states[row] === RowState.unread && rows.isLive(row)) this.walk(row, fail)
    }
    this.#allWalked = true
  }

  /** Validates a row; true where it is a record that can be read and spliced. */
  walk(row: number, fail: FailRow): boolean {
    const state = this.#states[row]!
    if (state !== RowState.unread) return state === RowState.walked
    const writer = this.writers[this.writerOf[row]!]
    if (writer === undefined) return false
    try {
      this.#states[row] = this.#walkRow(row, writer)
    } catch (error) {
      this.#states[row] = RowState.failed
      if (!(error instanceof ConnectError)) throw error
      fail(row, error)
    }
    return this.#states[row] === RowState.walked
  }

  #walkRow(row: number, writer: WriterSchema): number {
    const { reader, positions } = this
    reader.open(this.slices.start[row]! + HEADER, this.slices.end[row]!)
    const { rootNull } = writer
    if (rootNull >= 0 && reader.index(2, 'union branch') === rootNull) {
      if (reader.at !== reader.end) throw malformed('bytes follow its end.')
      return RowState.avroNull
    }
    if (writer.record === null && isNullAt(reader, writer.root)) return RowState.avroNull
    if (writer.record !== null && writer.root.flat) reader.index(1, 'union branch')
    walkRecord(reader, writer.plan, positions, row * this.#stride)
    return RowState.walked
  }

  /** A row that is an Avro null (of a nullable root), after its walk. */
  isAvroNull(row: number): boolean {
    return this.#states[row] === RowState.avroNull
  }

  /** The walked rows of one writer schema, and how many they are. */
  walkedRows(writer: number, rows: LiveRows): { rows: Int32Array; count: number } {
    const found = new Int32Array(this.length)
    let count = 0
    for (let row = 0; row < this.length; row++) {
      if (this.writerOf[row] === writer && this.#states[row] === RowState.walked && rows.isLive(row)) {
        found[count++] = row
      }
    }
    return { rows: found, count }
  }

  /** A whole record, decoded. Throws a DataError where it is malformed. */
  decode(row: number): Value {
    const writer = this.writers[this.writerOf[row]!]
    if (writer === undefined) return null
    const { reader } = this
    reader.open(this.slices.start[row]! + HEADER, this.slices.end[row]!)
    const value = decodeValue(reader, writer.root)
    if (reader.at !== reader.end) throw malformed('bytes follow its end.')
    return value
  }
}
