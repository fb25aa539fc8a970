/** Up to this many characters a loop is faster than a native call; their length is one byte as a varint. */
const SHORT_TEXT = 48

/** A buffer that grows. What it holds is `bytes` from 0 to `at`. */
export class ByteWriter {
  bytes: Buffer
  view: DataView
  at = 0

  constructor(size = 1024) {
    this.bytes = Buffer.allocUnsafeSlow(size)
    this.view = new DataView(this.bytes.buffer)
  }

  /** Makes room for `more` bytes. */
  reserve(more: number): void {
    if (this.at + more <= this.bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.at + more))
    this.bytes.copy(grown, 0, 0, this.at)
    this.bytes = grown
    this.view = new DataView(grown.buffer)
  }

  byte(value: number): void {
    this.reserve(1)
    this.bytes[this.at++] = value
  }

  /** A zigzag varint of an integer of at most 32 bits. */
  int(value: number): void {
    this.reserve(5)
    let n = ((value << 1) ^ (value >> 31)) >>> 0
    while (n >= 0x80) {
      this.bytes[this.at++] = (n & 0x7f) | 0x80
      n >>>= 7
    }
    this.bytes[this.at++] = n
  }

  /** A zigzag varint of a 64-bit integer. */
  long(value: bigint): void {
    if (value >= -0x40000000n && value < 0x40000000n) {
      this.int(Number(value))
      return
    }
    this.reserve(10)
    let n = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
    while (n >= 0x80n) {
      this.bytes[this.at++] = Number(n & 0x7fn) | 0x80
      n >>= 7n
    }
    this.bytes[this.at++] = Number(n)
  }

  float(value: number): void {
    this.reserve(4)
    this.view.setFloat32(this.at, value, true)
    this.at += 4
  }

  double(value: number): void {
    this.reserve(8)
    this.view.setFloat64(this.at, value, true)
    this.at += 8
  }

  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length)
    this.bytes.set(bytes, this.at)
    this.at += bytes.length
  }

  text(text: string): void {
    const size = Buffer.byteLength(text)
    this.reserve(size)
    this.at += this.bytes.write(text, this.at, size, 'utf8')
  }

  /** A text behind its length in bytes, as Avro writes strings. */
  string(text: string): void {
    if (text.length <= SHORT_TEXT && this.#shortAscii(text)) return
    this.int(Buffer.byteLength(text))
    this.text(text)
  }

  /** Short ASCII, whose length is one byte and which needs no native call; false where the text is something else. */
  #shortAscii(text: string): boolean {
    this.reserve(SHORT_TEXT + 1)
    const { bytes, at } = this
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (code > 0x7f) return false
      bytes[at + 1 + i] = code
    }
    bytes[at] = text.length * 2
    this.at = at + 1 + text.length
    return true
  }
}
