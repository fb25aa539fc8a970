import type { Sharp } from 'sharp'
import { ModelError } from '../../api/errors.ts'
import { asImageError, imageError } from './image-error.ts'
import { imageType, isAnimated } from './image-type.ts'

/** More pixels than this are not decoded: 16,000² would be a file of 31 KB and 768 MB of memory. */
export const MAX_PIXELS = 16_000_000
const DECODE_SECONDS = 10
/** What most models are trained to see. */
const CROP = 224 / 256
const WHITE = '#ffffff'

export interface ImageSize {
  readonly width: number
  readonly height: number
  /** The share of the shorter side that is cut out of the centre; default 224 / 256. */
  readonly crop?: number
}

/** Turns image files into the pixels of a model's input. */
export interface ImageDecoder {
  /**
   * Width × height × RGB, a byte each, by rows: turned as EXIF says, sRGB whatever the file's colours are, on white where
   * it is transparent, resized (cubic) so that it covers the size / crop, and the centre cut out. Rejects with a
   * DataError (`record.image`) where the bytes are no JPEG, PNG or WebP, are a film (an animated WebP), are damaged, or have more
   * than 16 megapixels.
   */
  decode(bytes: Uint8Array, size: ImageSize): Promise<Uint8Array>
}

type SharpModule = (typeof import('sharp'))['default']
let loading: Promise<SharpModule> | undefined

/** Loads sharp (this file alone imports it) and closes all its loaders but three; faults.md: GIF, TIFF and SVG had holes. */
async function loadSharp(): Promise<SharpModule> {
  loading ??= import('sharp').then(({ default: sharp }) => {
    sharp.block({ operation: ['VipsForeignLoad'] })
    const loaders = ['VipsForeignLoadJpeg', 'VipsForeignLoadPng', 'VipsForeignLoadWebp']
    sharp.unblock({ operation: loaders.map((loader) => `${loader}Buffer`) })
    sharp.cache(false)
    sharp.concurrency(1) // images side by side, each on one thread
    return sharp
  })
  try {
    return await loading
  } catch (error) {
    loading = undefined
    throw new ModelError(
      'model.unsupported',
      'Images need the package sharp, which has no build for this platform or is not installed. Run: npm install sharp',
      { cause: error },
    )
  }
}

/** Throws ModelError (`model.unsupported`) where sharp is not there. */
export async function openImageDecoder(): Promise<ImageDecoder> {
  const sharp = await loadSharp()
  return {
    async decode(bytes, size) {
      if (imageType(bytes) === null) {
        throw imageError(
          'The bytes are not an image: JPEG, PNG and WebP are read. Convert it to one of them.',
        )
      }
      if (isAnimated(bytes)) {
        throw imageError(
          'The WebP is animated, and one label cannot be right for all its frames. Send one frame.',
        )
      }
      // "error" refuses truncated files, which libjpeg would fill with grey, but not harmless oddities.
      const image = sharp(bytes, { limitInputPixels: MAX_PIXELS, failOn: 'error', pages: 1 })
      try {
        const { data, info } = await prepare(image, size).toBuffer({ resolveWithObject: true })
        return toRgb(data, info.channels, size)
      } catch (error) {
        throw asImageError('The image cannot be decoded', error)
      }
    },
  }
}

function prepare(image: Sharp, { width, height, crop = CROP }: ImageSize): Sharp {
  const [coverWidth, coverHeight] = [Math.round(width / crop), Math.round(height / crop)]
  const left = Math.floor((coverWidth - width) / 2)
  const top = Math.floor((coverHeight - height) / 2)
  return image
    .autoOrient()
    .resize(coverWidth, coverHeight, { fit: 'cover', position: 'centre', kernel: 'cubic' })
    .extract({ left, top, width, height })
    .flatten({ background: WHITE })
    .toColourspace('srgb')
    .timeout({ seconds: DECODE_SECONDS })
    .raw({ depth: 'uchar' })
}

/** sharp may leave a grey image with one channel. */
function toRgb(data: Buffer, channels: number, { width, height }: ImageSize): Uint8Array {
  if (data.length !== width * height * channels) throw imageError('The image was decoded to another size.')
  if (channels === 3) return data
  const rgb = new Uint8Array(width * height * 3)
  const isGrey = channels < 3
  for (let pixel = 0; pixel < width * height; pixel++) {
    for (let c = 0; c < 3; c++) rgb[pixel * 3 + c] = data[pixel * channels + (isGrey ? 0 : c)]!
  }
  return rgb
}
