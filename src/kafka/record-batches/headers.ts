import type { Header } from '../../api/batch.ts'
import { TaskError } from '../../api/errors.ts'
import { VarintReader, varintSize, writeVarint } from './varint.ts'

/** The raw header section of a record without headers. */
export const NO_HEADERS: Buffer = Buffer.from([0])

function corrupt(detail: string): TaskError {
  return new TaskError('kafka.corrupt', `The headers of a record are malformed: ${detail}`)
}

/** Reads a record's header section: varint count, then per header its key (never null) and its value. */
export function decodeHeaders(bytes: Buffer, start: number, end: number): Header[] {
  const headers: Header[] = []
  const stop = walkHeaders(bytes, start, end, (keyStart, keyEnd, valueStart, valueEnd) => {
    headers.push({
      key: bytes.toString('utf8', keyStart, keyEnd),
      value: valueStart < 0 ? null : bytes.subarray(valueStart, valueEnd),
    })
  })
  if (stop !== end) throw corrupt(stop < 0 ? 'a length is out of bounds' : 'bytes are left over')
  return headers
}

type OnHeader = (keyStart: number, keyEnd: number, valueStart: number, valueEnd: number) => void

/** Goes over a header section within limits; returns where it ends, −1 where a length is negative or too large. */
export function walkHeaders(bytes: Buffer, start: number, end: number, onHeader?: OnHeader): number {
  const reader = new VarintReader(bytes, start)
  const count = reader.int()
  if (count < 0 || count > (end - start) / 2) return -1
  for (let i = 0; i < count; i++) {
    const keyLength = reader.int()
    const keyStart = reader.at
    if (keyLength < 0 || keyLength > end - keyStart) return -1
    reader.at += keyLength
    const valueLength = reader.int()
    const valueStart = reader.at
    if (valueLength < -1 || valueLength > end - valueStart) return -1
    if (valueLength > 0) reader.at += valueLength
    onHeader?.(keyStart, keyStart + keyLength, valueLength < 0 ? -1 : valueStart, reader.at)
  }
  return reader.at > end ? -1 : reader.at
}

/** Writes a header section as `decodeHeaders` reads it. */
export function encodeHeaders(headers: readonly Header[]): Buffer {
  const count = Buffer.allocUnsafe(varintSize(headers.length))
  writeVarint(headers.length, count, 0)
  return Buffer.concat([count, ...headers.map(encodeHeader)])
}

/** One header of a section, as it stands behind the count. */
export function encodeHeader({ key: name, value }: Header): Buffer {
  const key = Buffer.from(name)
  const length = value?.length ?? -1
  const target = Buffer.allocUnsafe(
    varintSize(key.length) + key.length + varintSize(length) + Math.max(length, 0),
  )
  let at = writeVarint(key.length, target, 0)
  at += key.copy(target, at)
  at = writeVarint(length, target, at)
  value?.copy(target, at)
  return target
}
