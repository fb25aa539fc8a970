import { crc32, deflateRawSync } from 'node:zlib'

export interface ZipEntry {
  readonly name: string
  readonly content: Buffer
  readonly isStored?: boolean
  /** A size to claim instead of the true one. */
  readonly claims?: number
  readonly flags?: number
  readonly method?: number
}

/** A zip archive of entries that may lie about themselves. */
export function zipOf(entries: readonly ZipEntry[]): Buffer {
  const parts: Buffer[] = []
  const central: Buffer[] = []
  let at = 0
  for (const entry of entries) {
    const name = Buffer.from(entry.name)
    const data = entry.isStored === true ? entry.content : deflateRawSync(entry.content)
    const common = Buffer.alloc(26)
    common.writeUInt16LE(20, 0)
    common.writeUInt16LE(entry.flags ?? 0, 2)
    common.writeUInt16LE(entry.method ?? (entry.isStored === true ? 0 : 8), 4)
    common.writeUInt32LE(crc32(entry.content), 10)
    common.writeUInt32LE(data.length, 14)
    common.writeUInt32LE(entry.claims ?? entry.content.length, 18)
    common.writeUInt16LE(name.length, 22)
    const offset = Buffer.alloc(14)
    offset.writeUInt32LE(at, 10)
    const local = [Buffer.from('PK\x03\x04', 'latin1'), common, name, data]
    central.push(Buffer.from('PK\x01\x02\x14\x00', 'latin1'), common, offset, name)
    parts.push(...local)
    at += local.reduce((sum, part) => sum + part.length, 0)
  }
  const directory = Buffer.concat(central)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(entries.length, 8)
  end.writeUInt16LE(entries.length, 10)
  end.writeUInt32LE(directory.length, 12)
  end.writeUInt32LE(at, 16)
  return Buffer.concat([...parts, directory, end])
}
