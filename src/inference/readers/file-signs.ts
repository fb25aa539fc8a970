import { gunzipSync, inflateSync } from 'node:zlib'

/** What is looked at to tell what a file is: its beginning and its end. */
export interface FileEdges {
  readonly head: Buffer
  readonly tail: Buffer
}

/** How much of each end of a file is looked at. */
export const EDGE_BYTES = 64 * 1024

/** What of a file says which program wrote it. All of it is bounded by `EDGE_BYTES`, and none of it is trusted. */
export interface FileSigns {
  readonly head: Buffer
  /** The head, a character a byte, without a byte order mark. */
  readonly text: string
  /** It is compressed, and the rest tells of what is inside. */
  readonly isPacked: boolean
  /** Names in a zip archive; none where it is no zip. */
  readonly entries: readonly string[]
  /** The first fields of a protobuf message; none where it is not one. */
  readonly fields: readonly ProtobufField[]
}

export interface ProtobufField {
  readonly field: number
  /** Wire type 2: a text or another message. */
  readonly isBytes: boolean
  /** What follows the field's tag and length, as far as it is there. */
  readonly content: Buffer
}

export function readSigns({ head, tail }: FileEdges): FileSigns {
  const plain = inflateHead(head)
  const isZip = plain.subarray(0, 4).equals(LOCAL.signature)
  return {
    head: plain,
    isPacked: plain !== head,
    text: plain.toString('latin1').replace(/^\u00ef\u00bb\u00bf/, ''),
    entries: isZip ? [...zipNames(head, LOCAL), ...zipNames(tail, CENTRAL)] : [],
    fields: isZip ? [] : protobufFields(plain),
  }
}

/** What is inflated of a file: deflate makes at most about 1000 bytes of one. */
const INFLATED_FROM = 4096

/** R and joblib compress what they write, with gzip or zlib: then the beginning of what is inside tells. */
function inflateHead(head: Buffer): Buffer {
  const isGzip = head[0] === 0x1f && head[1] === 0x8b
  const isZlib = head[0] === 0x78 && [0x01, 0x5e, 0x9c, 0xda].includes(head[1] ?? 0)
  if (!isGzip && !isZlib) return head
  try {
    // Z_SYNC_FLUSH: what is there of it, however early it ends.
    const inflate = isGzip ? gunzipSync : inflateSync
    return inflate(head.subarray(0, INFLATED_FROM), { finishFlush: 2 }).subarray(0, EDGE_BYTES)
  } catch {
    return head // it only began like that
  }
}

/** The two headers of an entry: where in them the length of its name stands, and the name. */
const LOCAL = { signature: Buffer.from('PK\x03\x04', 'latin1'), length: 26, name: 30 }
const CENTRAL = { signature: Buffer.from('PK\x01\x02', 'latin1'), length: 28, name: 46 }
const MOST_NAMES = 2000

/** Names of entries at an end of an archive, zip64 included (which PyTorch writes): enough to name it, not to read it. */
function zipNames(bytes: Buffer, { signature, length, name }: typeof LOCAL): readonly string[] {
  const names: string[] = []
  let at = bytes.indexOf(signature)
  while (at >= 0 && at + name <= bytes.length && names.length < MOST_NAMES) {
    names.push(bytes.toString('utf8', at + name, at + name + bytes.readUInt16LE(at + length)))
    at = bytes.indexOf(signature, at + name)
  }
  return names
}

const MOST_FIELDS = 30

/** The first fields of a message of which the end may be missing; none where it is no message. */
export function protobufFields(head: Buffer): readonly ProtobufField[] {
  const fields: ProtobufField[] = []
  let at = 0
  const next = (): number => {
    let value = 0
    for (let i = 0; i < 10; i++) {
      const byte = head[at++]
      if (byte === undefined) return NaN
      value += (byte & 0x7f) * 2 ** (7 * i)
      if (byte < 0x80) return value
    }
    return NaN
  }
  while (at < head.length && fields.length < MOST_FIELDS) {
    const tag = next()
    const kind = tag % 8
    if (kind === 0) next()
    const size = kind === 2 ? next() : kind === 5 ? 4 : kind === 1 ? 8 : kind === 0 ? 0 : NaN
    if (tag < 8 || Number.isNaN(size)) return []
    fields.push({ field: Math.floor(tag / 8), isBytes: kind === 2, content: head.subarray(at, at + size) })
    at += size
  }
  return fields
}
