import { expect } from 'chai'
import { describe, it } from 'mocha'
import sharp, { type Sharp } from 'sharp'
import { DataError } from '../../../src/index.ts'
import { openImageDecoder } from '../../../src/inference/images/image-decoder.ts'
import { imageType, isAnimated } from '../../../src/inference/images/image-type.ts'
import { difference, picture, pixelBomb, pngOfSize, SIZE } from './pictures.ts'

async function decode(bytes: Uint8Array): Promise<Uint8Array> {
  return (await openImageDecoder()).decode(bytes, SIZE)
}

function frame(red: number): Sharp {
  return sharp({ create: { width: 64, height: 64, channels: 3, background: { r: red, g: 9, b: 9 } } })
}

async function rejection(bytes: Uint8Array): Promise<DataError> {
  const error: unknown = await decode(bytes).then(
    () => expect.fail('it was decoded'),
    (caught: unknown) => caught,
  )
  expect(error).to.be.instanceOf(DataError)
  expect((error as DataError).code).to.equal('record.image')
  return error as DataError
}

describe('the decoder of images', () => {
  it('gives RGB bytes of the size of the model, the centre cut out', async () => {
    const pixels = await decode(await picture().png().toBuffer())
    expect(pixels.length).to.equal(224 * 224 * 3)
    // 320 × 256 covers 256²; of its width 48 to 272 is left, of its height 16 to 240.
    const at = (x: number, y: number) => [...pixels.subarray((y * 224 + x) * 3, (y * 224 + x) * 3 + 3)]
    expect(at(0, 0)).to.deep.equal([38, 16, 200])
    expect(at(223, 223)).to.deep.equal([216, 238, 40])
  })

  it('reads JPEG, PNG and WebP to nearly the same pixels', async () => {
    const expected = await decode(await picture().png().toBuffer())
    expect(difference(await decode(await picture().jpeg({ quality: 95 }).toBuffer()), expected)).to.be.below(
      3,
    )
    expect(
      difference(await decode(await picture().webp({ lossless: true }).toBuffer()), expected),
    ).to.be.below(1)
    expect(
      difference(await decode(await picture().jpeg({ progressive: true }).toBuffer()), expected),
    ).to.be.below(4)
  })

  it('makes sRGB of 16 bits, palettes, an opaque alpha channel and CMYK', async () => {
    const expected = await decode(await picture().png().toBuffer())
    const deep = await picture().toColourspace('rgb16').png().toBuffer()
    expect((await sharp(deep).metadata()).depth).to.equal('ushort')
    expect(difference(await decode(deep), expected)).to.be.below(1)
    expect(difference(await decode(await picture().ensureAlpha().png().toBuffer()), expected)).to.equal(0)
    expect(difference(await decode(await picture().png({ palette: true }).toBuffer()), expected)).to.be.below(
      12,
    )
    const cmyk = await picture().toColourspace('cmyk').jpeg({ quality: 95 }).toBuffer()
    expect((await sharp(cmyk).metadata()).channels).to.equal(4)
    expect(difference(await decode(cmyk), expected)).to.be.below(40) // its inks reach fewer colours
  })

  it('makes three equal channels of grey, with and without alpha, in 8 and 16 bits', async () => {
    const grey = picture().greyscale()
    const files = [
      await grey.clone().png().toBuffer(),
      await grey.clone().jpeg().toBuffer(),
      await grey.clone().ensureAlpha().png().toBuffer(),
      await grey.clone().toColourspace('grey16').png().toBuffer(),
    ]
    for (const file of files) {
      const pixels = await decode(file)
      expect(pixels.length).to.equal(224 * 224 * 3)
      for (let i = 0; i < pixels.length; i += 3) {
        if (pixels[i] !== pixels[i + 1] || pixels[i] !== pixels[i + 2])
          expect.fail(`pixel ${i / 3} has colour`)
      }
      expect(new Set(pixels).size).to.be.greaterThan(50)
    }
  })

  it('puts what is transparent on white', async () => {
    const clear = {
      create: { width: 300, height: 300, channels: 4, background: { r: 9, g: 9, b: 9, alpha: 0 } },
    } as const
    expect(new Set(await decode(await sharp(clear).png().toBuffer()))).to.deep.equal(new Set([255]))
  })

  it('turns a picture as its EXIF orientation says', async () => {
    const upright = await decode(await picture().png().toBuffer())
    for (const [orientation, turn] of [
      [3, 180],
      [6, -90],
      [8, 90],
    ] as const) {
      const turned = await picture()
        .rotate(turn)
        .jpeg({ quality: 95 })
        .withMetadata({ orientation })
        .toBuffer()
      expect(difference(await decode(turned), upright), `orientation ${orientation}`).to.be.below(3)
    }
  })

  it('fails truncated files and does not fill them with grey', async () => {
    for (const file of [
      await picture().jpeg().toBuffer(),
      await picture().jpeg({ progressive: true }).toBuffer(),
      await picture().png().toBuffer(),
      await picture().webp().toBuffer(),
    ]) {
      for (const share of [0.1, 0.5, 0.9]) await rejection(file.subarray(0, Math.floor(file.length * share)))
      const whole = await decode(file)
      for (const lacking of [1, 2, 8, 20, 60, 200]) {
        const left = await decode(file.subarray(0, file.length - lacking)).catch(() => whole)
        expect(difference(left, whole), `without its last ${lacking} bytes`).to.equal(0)
      }
    }
  })

  it('fails what has more than 16 megapixels, at its header', async () => {
    expect((await rejection(await pngOfSize(50_000, 50_000))).message).to.match(/pixel/i)
    expect((await rejection(await pngOfSize(16_000, 16_000))).message).to.match(/pixel/i)
    await rejection(await pngOfSize(4001, 4000))
    await rejection(await pngOfSize(0, 10))
  })

  it('fails a pixel bomb in less time than it takes to decode the largest picture that is none', async () => {
    const bomb = pixelBomb(16_000)
    expect(bomb.length).to.be.below(40_000)
    expect((await decode(pixelBomb(2000))).length).to.equal(224 * 224 * 3) // a small one is no bomb
    const largest = pixelBomb(4000)
    const fastest = async (work: () => Promise<unknown>): Promise<number> => {
      const times: number[] = []
      for (let i = 0; i < 3; i++) {
        const start = performance.now()
        await work()
        times.push(performance.now() - start)
      }
      return Math.min(...times)
    }
    const failing = await fastest(async () => expect((await rejection(bomb)).message).to.match(/pixel/i))
    expect(failing).to.be.below(await fastest(() => decode(largest)))
  })

  it('fails other formats, whatever they say they are', async () => {
    const svg =
      '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'
    const tiff = await picture().tiff().toBuffer()
    const gif = await picture().gif().toBuffer()
    for (const bytes of [
      '',
      'text',
      svg,
      `<?xml version="1.0"?>${svg}`,
      tiff,
      gif,
      Buffer.alloc(64),
      'RIFF1234WAVE',
    ]) {
      expect((await rejection(Buffer.from(bytes))).message).to.include('JPEG, PNG and WebP')
    }
    // A foreign file behind the first bytes of an image.
    for (const head of ['ffd8ff', '89504e470d0a1a0a'])
      await rejection(Buffer.concat([Buffer.from(head, 'hex'), gif]))
  })

  it('fails an animated WebP as it fails an animated GIF, and reads a still one with metadata or transparency', async () => {
    const frames = await Promise.all([40, 200].map((red) => frame(red).png().toBuffer()))
    const animated = await sharp(frames, { join: { animated: true } })
      .webp()
      .toBuffer()
    expect(isAnimated(animated)).to.equal(true)
    expect((await rejection(animated)).message).to.include('animated')
    for (const still of [
      await sharp(frames[0]).webp().toBuffer(),
      await frame(40).ensureAlpha(0.5).webp().toBuffer(),
      await frame(40).webp().withMetadata({ orientation: 6 }).toBuffer(),
    ]) {
      expect(isAnimated(still)).to.equal(false)
      expect((await decode(still)).length).to.equal(224 * 224 * 3)
    }
  })

  it('decodes nothing else in this process, even where it is asked by name', async () => {
    await openImageDecoder()
    const gif = await picture().gif().toBuffer()
    const error: unknown = await sharp(gif)
      .toBuffer()
      .catch((caught: unknown) => caught)
    expect(error).to.be.instanceOf(Error)
  })

  it('survives damaged files', async () => {
    const file = await picture().jpeg().toBuffer()
    for (let i = 0; i < 60; i++) {
      const damaged = Buffer.from(file)
      for (let k = 0; k < 20; k++)
        damaged[3 + ((i * 7919 + k * 104729) % (file.length - 3))] = (i * 31 + k * 17) % 256
      const outcome: unknown = await decode(damaged).catch((error: unknown) => error)
      expect(outcome instanceof Uint8Array || outcome instanceof DataError).to.equal(true)
    }
  })
})

describe('the type of an image', () => {
  it('is said by its first bytes alone', async () => {
    expect(imageType(await picture().jpeg().toBuffer())).to.equal('jpeg')
    expect(imageType(await picture().png().toBuffer())).to.equal('png')
    expect(imageType(await picture().webp().toBuffer())).to.equal('webp')
    expect(imageType(await picture().gif().toBuffer())).to.equal(null)
    for (const bytes of ['', 'RIFF', 'RIFF1234WAVE', 'BM', '%PDF'])
      expect(imageType(Buffer.from(bytes))).to.equal(null)
  })
})
