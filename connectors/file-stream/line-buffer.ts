import { TaskError } from 'sluice'

const LF = 10
const CR = 13
const FIRST_SIZE = 64 * 1024
const LONGEST_LINE = 64 * 1024 * 1024

/**
 * Bytes of a file, as they are read, cut into lines that end with \n, \r or \r\n. What has no end yet waits for more; so
 * does a \r at the end, which may be half of a \r\n.
 */
export class LineBuffer {
  #bytes = Buffer.allocUnsafe(FIRST_SIZE)
  #start = 0
  #end = 0
  /** Everything before it was searched for the end of a line. */
  #searched = 0
  #position: number

  /** `position`: where in the file the first byte stands. */
  constructor(position: number) {
    this.#position = position
  }

  /** Where in the file the next line begins, in bytes. */
  get position(): number {
    return this.#position
  }

  /** The next whole line, without its end; undefined where more must be read first. */
  next(): string | undefined {
    const bytes = this.#bytes
    for (let i = this.#searched; i < this.#end; i++) {
      const byte = bytes[i]
      if (byte !== LF && byte !== CR) continue
      this.#searched = i
      if (byte === CR && i + 1 === this.#end) return undefined
      const next = byte === CR && bytes[i + 1] === LF ? i + 2 : i + 1
      const line = bytes.toString('utf8', this.#start, i)
      this.#position += next - this.#start
      this.#start = this.#searched = next
      return line
    }
    this.#searched = this.#end
    return undefined
  }

  /** Where to read to, and from which position of the file. */
  room(): { readonly space: Buffer; readonly at: number } {
    const held = this.#end - this.#start
    if (held > LONGEST_LINE)
      throw new TaskError(
        'task.failed',
        `A line at byte ${this.#position} is longer than ${LONGEST_LINE} bytes.`,
      )
    if (this.#start > 0 || held === this.#bytes.length) {
      const target = held * 2 > this.#bytes.length ? Buffer.allocUnsafe(this.#bytes.length * 2) : this.#bytes
      this.#bytes.copy(target, 0, this.#start, this.#end)
      this.#bytes = target
      this.#searched -= this.#start
      this.#start = 0
      this.#end = held
    }
    return { space: this.#bytes.subarray(this.#end), at: this.#position + held }
  }

  /** So many bytes were read into the room. */
  filled(bytes: number): void {
    this.#end += bytes
  }
}
