/** The formats that are decoded. A name or a media type is never believed: only the first bytes say what an image is. */
export type ImageType = 'jpeg' | 'png' | 'webp'

const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])

/** JPEG: SOI and a marker; PNG: its signature (RFC 2083); WebP: RIFF with the form type WEBP. Null for all else. */
export function imageType(bytes: Uint8Array): ImageType | null {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 12))
  if (head[0] === 0xff && head[1] === 0xd8 && head[2] === 0xff) return 'jpeg'
  if (head.subarray(0, PNG.length).equals(PNG)) return 'png'
  if (head.toString('latin1', 0, 4) === 'RIFF' && head.toString('latin1', 8, 12) === 'WEBP') return 'webp'
  return null
}

/**
 * Whether these are the bytes of a WebP of several frames: its first chunk is VP8X, with the animation flag (WebP container
 * specification: bit 1 of the byte after the chunk's FourCC and size).
 */
export function isAnimated(bytes: Uint8Array): boolean {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, 21))
  const isExtended = imageType(bytes) === 'webp' && head.toString('latin1', 12, 16) === 'VP8X'
  return isExtended && ((head[20] ?? 0) & 0b10) !== 0
}

const PNG_END = Buffer.from('0000000049454e44ae426082', 'hex')

/** False where the end of an image is not there; true of what is no image. */
export function endsWhole(bytes: Buffer): boolean {
  const type = imageType(bytes)
  if (type === 'jpeg') return bytes.at(-2) === 0xff && bytes.at(-1) === 0xd9
  if (type === 'png') return bytes.subarray(-PNG_END.length).equals(PNG_END)
  return type === null || bytes.readUInt32LE(4) + 8 <= bytes.length
}
