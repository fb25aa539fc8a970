/** The protobuf wire format, as much as ONNX needs: varints, fixed32, length-delimited. */

/** A field of a message: its number and its content, encoded. */
export function bytesField(field: number, content: Uint8Array): Buffer {
  return Buffer.concat([varint(field * 8 + 2), varint(content.length), content])
}

export function textField(field: number, text: string): Buffer {
  return bytesField(field, Buffer.from(text))
}

/** An integer field. Negative numbers take ten bytes, as int64 does. */
export function integerField(field: number, value: number | bigint): Buffer {
  return Buffer.concat([varint(field * 8), varint(BigInt.asUintN(64, BigInt(value)))])
}

export function floatField(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeFloatLE(value)
  return Buffer.concat([varint(field * 8 + 5), bytes])
}

export function varint(value: number | bigint): Buffer {
  const bytes: number[] = []
  let rest = BigInt(value)
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80)
    rest >>= 7n
  }
  bytes.push(Number(rest))
  return Buffer.from(bytes)
}

export interface WireField {
  readonly field: number
  /** Varints only. */
  readonly value: bigint
  /** The content of a length-delimited or fixed field; empty for varints. */
  readonly bytes: Buffer
  /** The field as it stands in the message, its tag included. */
  readonly whole: Buffer
}

/** The fields of a message in order. Throws RangeError where it is not one. */
export function readFields(message: Buffer): WireField[] {
  const fields: WireField[] = []
  let at = 0
  const next = (): bigint => {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = message[at++]
      if (byte === undefined) throw new RangeError('a varint ends too early')
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asUintN(64, value)
    }
    throw new RangeError('a varint has more than 10 bytes')
  }
  while (at < message.length) {
    const start = at
    const tag = Number(next())
    const kind = tag % 8
    let value = 0n
    let size = 0
    if (kind === 0) value = next()
    else if (kind === 2) size = Number(next())
    else if (kind === 5) size = 4
    else if (kind === 1) size = 8
    else throw new RangeError(`wire type ${kind} is not known`)
    if (at + size > message.length) throw new RangeError('a field ends too early')
    const bytes = message.subarray(at, at + size)
    at += size
    fields.push({ field: Math.floor(tag / 8), value, bytes, whole: message.subarray(start, at) })
  }
  return fields
}
