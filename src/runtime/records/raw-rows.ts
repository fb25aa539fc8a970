import { encodeHeaders } from '../../kafka/record-batches/headers.ts'
import type { Header } from '../../api/batch.ts'
import type { EncodedRows, Slices } from '../../api/converter.ts'

/** Fetched bytes as they are, to be written again. */
export function rawRows(slices: Slices): EncodedRows {
  const { bytes, start, end } = slices
  return {
    size: (row) => (start[row]! < 0 ? -1 : end[row]! - start[row]!),
    write(row, target, at) {
      return at + bytes.copy(target, at, start[row], end[row])
    },
  }
}

/** Header sections made of header objects, encoded when they are asked for. */
export function headerRows(headers: (row: number) => readonly Header[]): EncodedRows {
  const encoded = new Map<number, Buffer>()
  const bytesOf = (row: number): Buffer => {
    let bytes = encoded.get(row)
    if (bytes === undefined) encoded.set(row, (bytes = encodeHeaders(headers(row))))
    return bytes
  }
  return {
    size: (row) => bytesOf(row).length,
    write: (row, target, at) => at + bytesOf(row).copy(target, at),
  }
}
