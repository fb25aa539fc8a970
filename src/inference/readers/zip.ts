import { crc32, inflateRawSync } from 'node:zlib'
import { ModelError } from '../../api/errors.ts'

/** What an archive may ask of us. Beyond it, it counts as a bomb. */
export interface ZipLimits {
  readonly entries: number
  /** Bytes inflated from one archive, all reads together. */
  readonly inflated: number
  /** Inflated size by stored size of one entry; entries below 32 MiB are not asked. */
  readonly ratio: number
}

export const ZIP_LIMITS: ZipLimits = { entries: 65_535, inflated: 512 * 2 ** 20, ratio: 200 }

/** An archive in memory. Nothing is ever written to disk, so an entry's name is a name and never a path. */
export interface Zip {
  readonly size: number
  has(name: string): boolean
  /** The bytes of an entry, checked against its CRC. */
  read(name: string): Buffer
  /** An entry as UTF-8 text. */
  text(name: string): string
}

interface Entry {
  readonly name: string
  readonly method: number
  readonly crc: number
  readonly stored: number
  readonly inflated: number
  readonly at: number
}

const END = 0x06054b50
const CENTRAL = 0x02014b50
const LOCAL = 0x04034b50
const ZIP64_LOCATOR = 0x07064b50
/** Coefficients that are nearly all 0 (a GLM of many levels with a lasso) deflate as well as a bomb does. */
const ASK_RATIO_ABOVE = 32 * 2 ** 20

function corrupt(what: string, cause?: unknown): ModelError {
  return new ModelError('model.corrupt', `${what}. Copy the file again from where it was exported.`, {
    cause,
  })
}

function unsupported(what: string): ModelError {
  return new ModelError(
    'model.unsupported',
    `The zip archive ${what}, which is not supported. Pack it again without.`,
  )
}

/**
 * Opens a zip archive (PKWARE APPNOTE 6.3: stored and deflated entries). Throws ModelError: `model.corrupt` where it is
 * damaged, truncated, contradicts itself or exceeds a limit, `model.unsupported` for zip64 and encryption.
 */
export function openZip(bytes: Buffer, limits: ZipLimits = ZIP_LIMITS): Zip {
  const entries = readDirectory(bytes, limits)
  let inflated = 0
  const read = (name: string): Buffer => {
    const entry = entries.get(name)
    if (entry === undefined) throw corrupt(`The archive has no "${name}"`)
    inflated += entry.inflated
    if (inflated > limits.inflated) throw corrupt(`The archive holds more than ${limits.inflated} bytes`)
    return readEntry(bytes, entry, limits)
  }
  return {
    size: entries.size,
    has: (name) => entries.has(name),
    read,
    text(name) {
      try {
        return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(read(name))
      } catch (error) {
        throw error instanceof ModelError ? error : corrupt(`"${name}" is not UTF-8 text`, error)
      }
    },
  }
}

/** End of central directory: u32 signature, u16 disk ×2, u16 entries ×2, u32 size, u32 offset, u16 comment length. */
function findEnd(bytes: Buffer): number {
  const first = Math.max(0, bytes.length - 22 - 0xffff)
  for (let at = bytes.length - 22; at >= first; at--) {
    if (bytes.readUInt32LE(at) === END && at + 22 + bytes.readUInt16LE(at + 20) === bytes.length) return at
  }
  const isZip = bytes.length >= 4 && bytes.readUInt32LE(0) === LOCAL
  throw corrupt(
    isZip
      ? 'The zip archive is truncated'
      : 'The file is not a zip archive, as MOJOs, DL4J networks and .keras files are',
  )
}

function readDirectory(bytes: Buffer, limits: ZipLimits): Map<string, Entry> {
  const end = findEnd(bytes)
  const count = bytes.readUInt16LE(end + 10)
  const size = bytes.readUInt32LE(end + 12)
  const start = bytes.readUInt32LE(end + 16)
  const isZip64 = end >= 20 && bytes.readUInt32LE(end - 20) === ZIP64_LOCATOR
  if (isZip64 || start === 0xffffffff) throw unsupported('is in zip64 format')
  if (bytes.readUInt32LE(end + 4) !== 0 || bytes.readUInt16LE(end + 8) !== count || start + size !== end) {
    throw corrupt('The directory of the zip archive is damaged')
  }
  if (count > limits.entries) throw corrupt(`The archive has more than ${limits.entries} entries`)
  const entries = new Map<string, Entry>()
  let at = start
  for (let i = 0; i < count; i++) at = readCentral(bytes, { at, end }, entries)
  if (at !== end) throw corrupt('The directory of the zip archive is damaged')
  return entries
}

/** Central header, 46 bytes: … u16 flags @8, method @10, u32 crc @16, stored @20, size @24, u16 lengths @28–32, u32 at @42. */
function readCentral(
  bytes: Buffer,
  { at, end }: { at: number; end: number },
  entries: Map<string, Entry>,
): number {
  if (at + 46 > end || bytes.readUInt32LE(at) !== CENTRAL)
    throw corrupt('The directory of the zip archive is damaged')
  const nameLength = bytes.readUInt16LE(at + 28)
  const next = at + 46 + nameLength + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32)
  if (next > end) throw corrupt('The directory of the zip archive is damaged')
  const entry: Entry = {
    name: bytes.toString('utf8', at + 46, at + 46 + nameLength),
    method: bytes.readUInt16LE(at + 10),
    crc: bytes.readUInt32LE(at + 16),
    stored: bytes.readUInt32LE(at + 20),
    inflated: bytes.readUInt32LE(at + 24),
    at: bytes.readUInt32LE(at + 42),
  }
  if ((bytes.readUInt16LE(at + 8) & 0x41) !== 0) throw unsupported(`has an encrypted entry, "${entry.name}"`)
  if (entry.stored === 0xffffffff || entry.inflated === 0xffffffff) throw unsupported('is in zip64 format')
  if (entries.has(entry.name)) throw corrupt(`The archive has "${entry.name}" twice`)
  checkLocal(bytes, entry, bytes.subarray(at + 46, at + 46 + nameLength))
  entries.set(entry.name, entry)
  return next
}

/** Both headers must name an entry alike: a flipped bit in one of them must not make a tree disappear. */
function checkLocal(bytes: Buffer, entry: Entry, name: Buffer): void {
  const { at } = entry
  const isLocal = at + 30 <= bytes.length && bytes.readUInt32LE(at) === LOCAL
  if (!isLocal || !bytes.subarray(at + 30, at + 30 + bytes.readUInt16LE(at + 26)).equals(name)) {
    throw corrupt(`The entry "${entry.name}" of the zip archive is damaged`)
  }
}

function readEntry(bytes: Buffer, entry: Entry, limits: ZipLimits): Buffer {
  const { at, stored, inflated, name } = entry
  if (inflated > ASK_RATIO_ABOVE && inflated > stored * limits.ratio) {
    throw corrupt(`"${name}" would grow from ${stored} to ${inflated} bytes`)
  }
  const start = at + 30 + bytes.readUInt16LE(at + 26) + bytes.readUInt16LE(at + 28)
  if (start + stored > bytes.length) throw corrupt(`"${name}" is truncated`)
  const data = bytes.subarray(start, start + stored)
  const content = entry.method === 0 ? data : inflate(data, entry)
  if (content.length !== inflated || crc32(content) !== entry.crc)
    throw corrupt(`"${name}" fails its checksum`)
  return content
}

function inflate(data: Buffer, entry: Entry): Buffer {
  if (entry.method !== 8) throw unsupported(`compresses "${entry.name}" with method ${entry.method}`)
  try {
    // One byte more than promised is enough to see a lie; 0 would mean no limit.
    return inflateRawSync(data, { maxOutputLength: entry.inflated + 1 })
  } catch (error) {
    throw corrupt(`"${entry.name}" cannot be inflated`, error)
  }
}
