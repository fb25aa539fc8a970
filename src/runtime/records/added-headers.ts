import { encodeHeader } from '../../kafka/record-batches/headers.ts'
import { VarintReader, varintSize, writeVarint } from '../../kafka/record-batches/varint.ts'
import type { CategoryColumn, Header, StringColumn } from '../../api/batch.ts'
import type { EncodedRows, Slices } from '../../api/converter.ts'

/** A header that a transform put behind those of the records: made once per text, however many records have it. */
export interface AddedHeader {
  /** Which of them a row has; a negative level is none. */
  readonly levels: Int32Array
  readonly headers: readonly Header[]
  /** Each of them as a header section has it. */
  readonly encoded: readonly Buffer[]
}

export function addedHeader(key: string, column: StringColumn | CategoryColumn): AddedHeader {
  const isCategory = column.type === 'category'
  const levels = isCategory
    ? column.levels
    : Int32Array.from(column.values, (value, row) => (value === null ? -1 : row))
  const texts = isCategory ? column.domain : column.values.map((value) => value ?? '')
  const headers = texts.map((text) => ({ key, value: Buffer.from(text) }))
  return { levels, headers, encoded: headers.map(encodeHeader) }
}

/** None or one. */
export function headerAt({ levels, headers }: AddedHeader, row: number): readonly Header[] {
  const header = headers[levels[row]!]
  return header === undefined ? [] : [header]
}

/** The fetched header sections with headers behind them; what was fetched is copied, never decoded. */
export function extendedRows({ bytes, start, end }: Slices, added: readonly AddedHeader[]): EncodedRows {
  const reader = new VarintReader(bytes, 0)
  /** Sets the reader behind the count of the headers of a row, and returns how many there are to be. */
  const count = (row: number): number => {
    reader.at = start[row]!
    let sum = reader.int()
    for (const { levels } of added) if (levels[row]! >= 0) sum++
    return sum
  }
  return {
    size(row) {
      let size = varintSize(count(row)) + end[row]! - reader.at
      for (const { levels, encoded } of added) if (levels[row]! >= 0) size += encoded[levels[row]!]!.length
      return size
    },
    write(row, target, at) {
      at = writeVarint(count(row), target, at)
      if (reader.at < end[row]!) at += bytes.copy(target, at, reader.at, end[row])
      for (const { levels, encoded } of added)
        if (levels[row]! >= 0) at += encoded[levels[row]!]!.copy(target, at)
      return at
    },
  }
}
