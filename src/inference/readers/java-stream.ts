import { ModelError } from '../../api/errors.ts'

/** Reads what java.io.DataOutput wrote: big-endian numbers, and texts after their length in bytes (u16). */
export class JavaStream {
  readonly #bytes: Buffer
  readonly #name: string
  #at = 0

  /** `name` is told in errors: all of them are `model.corrupt`. */
  constructor(bytes: Buffer, name: string) {
    this.#bytes = bytes
    this.#name = name
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  text(): string {
    const length = this.take(2).readUInt16BE()
    return this.take(length).toString('latin1')
  }

  boolean(): boolean {
    return this.take(1).readUInt8() !== 0
  }

  int(): number {
    return this.take(4).readInt32BE()
  }

  /** An i64 that must be a safe number. */
  long(): number {
    const value = Number(this.take(8).readBigInt64BE())
    if (!Number.isSafeInteger(value)) throw this.corrupt(`holds the number ${value}`)
    return value
  }

  double(): number {
    return this.take(8).readDoubleBE()
  }

  take(length: number): Buffer {
    if (length < 0 || this.#at + length > this.#bytes.length) throw this.corrupt('is truncated')
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  corrupt(what: string): ModelError {
    return new ModelError('model.corrupt', `"${this.#name}" ${what}. Save the model again.`)
  }
}
