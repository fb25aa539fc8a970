import { crc32, deflateSync } from 'node:zlib'
import sharp, { type Sharp } from 'sharp'

export const SIZE = { width: 224, height: 224 }

/** A picture with no symmetry: red grows to the right, green downwards, and blue fills the top left quarter. */
export function picture(width = 320, height = 256): Sharp {
  const pixels = Buffer.alloc(width * height * 3)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = (y * width + x) * 3
      pixels[at] = Math.round((255 * x) / width)
      pixels[at + 1] = Math.round((255 * y) / height)
      pixels[at + 2] = x < width / 2 && y < height / 2 ? 200 : 40
    }
  }
  return sharp(pixels, { raw: { width, height, channels: 3 } })
}

/** The largest of the mean differences of the three channels, of 255. */
export function difference(a: Uint8Array, b: Uint8Array): number {
  const sums = [0, 0, 0]
  a.forEach((value, i) => (sums[i % 3] = sums[i % 3]! + Math.abs(value - b[i]!)))
  return Math.max(...sums) / (a.length / 3)
}

/** The start of a PNG of any size: a header says how many pixels there are before any of them is read. */
export async function pngOfSize(width: number, height: number): Promise<Buffer> {
  const png = await picture(8, 8).png().toBuffer()
  png.writeUInt32BE(width, 16)
  png.writeUInt32BE(height, 20)
  png.writeUInt32BE(crc32(png.subarray(12, 29)), 29)
  return png
}

/** A whole PNG of one bit per pixel, all black: 16,000² of them are 31 KB, and as RGB 768 MB. */
export function pixelBomb(side: number): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)]
    length.writeUInt32BE(data.length)
    sum.writeUInt32BE(crc32(body))
    return Buffer.concat([length, body, sum])
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(side, 0)
  header.writeUInt32BE(side, 4)
  header[8] = 1 // bits; the rest is 0: grey, deflate, no filter, not interlaced
  const pixels = deflateSync(Buffer.alloc(side * (Math.ceil(side / 8) + 1)))
  const signature = Buffer.from('89504e470d0a1a0a', 'hex')
  const chunks = [chunk('IHDR', header), chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))]
  return Buffer.concat([signature, ...chunks])
}
