import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { expect } from 'chai'
import { before, describe, it } from 'mocha'
import sharp from 'sharp'
import { type ExampleRecord, NO_IMAGES, SILENT } from '../../../src/index.ts'
import { ModelStore } from '../../../src/inference/store/model-store.ts'
import { labellersWithin } from '../../../src/inference/images/image-labeller.ts'
import { labelImage } from '../../../transforms/models/label-image.ts'
import { batchOf } from '../../support/example-batch.ts'
import { SHARED } from '../../support/model-fixtures.ts'
import { picture } from './pictures.ts'

const SEED = path.join(SHARED, 'seed')
const PHOTOS = path.resolve(import.meta.dirname, '../../fixtures/images')
const MODEL = 'efficientnet-lite0'
const store = new ModelStore({
  modelsDir: path.resolve(import.meta.dirname, '../../../models'),
  allowedDirs: [],
})

async function apply(config: Record<string, string>, records: readonly ExampleRecord[]) {
  const values = labelImage.config.read({ model: MODEL, ...config })
  const transform = await labelImage.open(values, {
    ...{ side: 'value', models: store, log: SILENT },
    openImageLabeller: labellersWithin({ ...NO_IMAGES, dirs: [SHARED] }),
  })
  return transform.apply(batchOf(records))
}

describe('EfficientNet-lite0', function () {
  this.timeout(20_000)

  it('loads, knows 1,000 labels, and gives probabilities', async () => {
    const model = await store.load(MODEL)
    expect(model.labels).to.have.length(1000)
    expect(new Set(model.labels).size).to.equal(1000)
    const batch = await apply({ 'top.k': '1000', threshold: '0' }, [
      { value: await picture().png().toBuffer() },
    ])
    const { label, labels: all } = batch.record(0).value as {
      label: string
      labels: { probability: number }[]
    }
    expect(model.labels).to.include(label)
    expect(all.reduce((sum, { probability }) => sum + probability, 0)).to.be.closeTo(1, 1e-5)
  })

  it('sees the espresso in every file of one photo: grey, CMYK, EXIF, 16 bits, with alpha, a palette, WebP', async () => {
    const photo = (name: string) => readFile(path.join(PHOTOS, `${name}.jpg`))
    const plain = sharp(await photo('coffee'))
    const files = {
      plain: await photo('coffee'),
      grey: await photo('coffee-grey'),
      cmyk: await photo('coffee-cmyk'),
      exif: await photo('coffee-exif'),
      progressive: await plain.clone().jpeg({ progressive: true }).toBuffer(),
      deep: await plain.clone().toColourspace('rgb16').png().toBuffer(),
      deepGrey: await plain.clone().toColourspace('grey16').png().toBuffer(),
      alpha: await plain.clone().ensureAlpha().png().toBuffer(),
      greyAlpha: await plain.clone().greyscale().ensureAlpha().png().toBuffer(),
      palette: await plain.clone().png({ palette: true }).toBuffer(),
      webp: await plain.clone().webp().toBuffer(),
    }
    expect((await sharp(files.cmyk).metadata()).channels).to.equal(4)
    expect((await sharp(files.exif).metadata()).orientation).to.equal(6)
    expect((await sharp(files.deep).metadata()).depth).to.equal('ushort')
    const batch = await apply(
      { 'top.k': '1' },
      Object.values(files).map((value) => ({ value })),
    )
    const labels = Object.keys(files).map((name, row) => [
      name,
      (batch.record(row).value as { label: string }).label,
    ])
    expect(labels).to.deep.equal(Object.keys(files).map((name) => [name, 'espresso']))
  })

  describe('on the pictures of the seed', () => {
    before(function () {
      if (existsSync(SEED)) return
      console.log(`      skipped: ${SEED} is not there`)
      this.skip()
    })

    async function labelOf(bytes: Buffer): Promise<unknown> {
      const batch = await apply({}, [{ value: bytes }])
      expect(batch.failure(0)?.message).to.equal(undefined)
      return (batch.record(0).value as { label: string }).label
    }

    it('sees an airliner on the planes, a butterfly on the butterfly, no airliner on the devil', async () => {
      const files = ['new_airplane.jpg', 'trained_airplane_1.jpg', 'trained_airplane_2.jpg']
      const batch = await apply(
        { 'file.root': SEED },
        [...files, 'trained_butterfly.jpg', 'devil.png'].map((value) => ({ value })),
      )
      const [first, second, third, butterfly, devil] = Array.from(
        { length: 5 },
        (_, row) => (batch.record(row).value as { label: string }).label,
      )
      expect([first, second, third]).to.deep.equal(['airliner', 'airliner', 'airliner'])
      expect(butterfly).to.match(/butterfly/)
      expect(devil).to.not.equal('airliner')
    })

    it('sees the airliner in grey, CMYK, 16 bits, with alpha, turned by EXIF, as PNG and WebP', async () => {
      const plane = sharp(await readFile(path.join(SEED, 'trained_airplane_2.jpg')))
      const variants: Record<string, Promise<Buffer>> = {
        grey: plane.clone().greyscale().jpeg().toBuffer(),
        cmyk: plane.clone().toColourspace('cmyk').jpeg().toBuffer(),
        deep: plane.clone().toColourspace('rgb16').png().toBuffer(),
        alpha: plane.clone().ensureAlpha().png().toBuffer(),
        exif: plane.clone().rotate(-90).withMetadata({ orientation: 6 }).jpeg().toBuffer(),
        webp: plane.clone().webp().toBuffer(),
      }
      for (const [name, bytes] of Object.entries(variants)) {
        expect(await labelOf(await bytes), name).to.equal('airliner')
      }
    })
  })
})
