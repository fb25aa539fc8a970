import type { EncodedRows, Slices } from '../api/converter.ts'

/** Encoded rows that lie somewhere in one buffer. Rows that were not asked for are null. */
export class PackedRows implements EncodedRows {
  readonly #bytes: Buffer
  readonly #start: Int32Array
  readonly #end: Int32Array

  constructor(bytes: Buffer, start: Int32Array, end: Int32Array) {
    this.#bytes = bytes
    this.#start = start
    this.#end = end
  }

  static of({ bytes, start, end }: Slices): PackedRows {
    return new PackedRows(bytes, start, end)
  }

  size(row: number): number {
    const start = this.#start[row]!
    return start < 0 ? -1 : this.#end[row]! - start
  }

  write(row: number, target: Buffer, at: number): number {
    return copyBytes(this.#bytes, this.#start[row]!, this.#end[row]!, target, at)
  }
}

/** Below this many bytes a loop is faster than a call of `Buffer.copy`. */
const SHORT = 64

/** Copies bytes; returns where they end. Allocates nothing. */
export function copyBytes(from: Buffer, start: number, end: number, target: Buffer, at: number): number {
  if (end - start > SHORT) return at + from.copy(target, at, start, end)
  for (let i = start; i < end; i++) target[at++] = from[i]!
  return at
}
