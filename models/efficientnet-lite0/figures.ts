/**
 * Labels the photos that a few Python packages carry, with the transform's own code, and writes figures.json:
 *
 *     pip install --no-deps --target photos scikit-learn==1.9.1 scikit-image==0.26.0 gradio==6.31.0 matplotlib==3.11.2
 *     node --conditions=source models/efficientnet-lite0/figures.ts photos
 *
 * `shows` is what a person sees, `right` the labels of ImageNet that say it, chosen by hand. Where ImageNet has none,
 * `right` is empty and the photo does not count.
 */
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { openImageLabeller } from '../../src/inference/images/image-labeller.ts'
import { ModelStore } from '../../src/inference/store/model-store.ts'

const SKLEARN = 'sklearn/datasets/images/'
const SKIMAGE = 'skimage/data/'
const GRADIO = 'gradio/media_assets/images/'
const BY = 'CC BY 2.0'
const CC0 = 'CC0'
const PUBLIC = 'public domain'
// What a photo's own page or metadata says; where nothing is said of it, the licence of the package.
const APACHE = 'not stated; package Apache-2.0'
const ISTOCK = "iStock's own, by its XMP; package Apache-2.0"
const ABID = 'not stated (its EXIF names Ali Abid, an author of gradio); package Apache-2.0'
const MIDDLEBURY = 'not stated (its docstring names the authors, of the Middlebury 2014 stereo benchmark); package BSD-3-Clause'
const MATPLOTLIB = 'not stated (its comment cites Wikimedia Commons, File:Grace_Hopper.jpg, a portrait by the US Navy); package matplotlib licence'

interface Photo {
  readonly file: string
  readonly licence: string
  readonly shows: string
  readonly right: readonly string[]
}

const PHOTOS: readonly Photo[] = [
  { file: `${SKLEARN}china.jpg`, licence: BY, shows: 'a Chinese palace', right: ['palace'] },
  { file: `${SKLEARN}flower.jpg`, licence: BY, shows: 'a dahlia', right: [] },
  { file: `${SKIMAGE}chelsea.png`, licence: CC0, shows: 'a tabby cat', right: ['tabby cat', 'tiger cat'] },
  { file: `${SKIMAGE}coffee.png`, licence: CC0, shows: 'a cup of coffee', right: ['espresso', 'coffee mug', 'tea cup'] },
  { file: `${SKIMAGE}camera.png`, licence: CC0, shows: 'a photographer with a camera on a tripod', right: ['tripod'] },
  { file: `${SKIMAGE}rocket.jpg`, licence: PUBLIC, shows: 'a rocket at its launch', right: ['missile', 'projectile'] },
  { file: `${SKIMAGE}motorcycle_left.png`, licence: MIDDLEBURY, shows: 'a motorcycle', right: ['moped', 'motor scooter'] },
  { file: `${SKIMAGE}astronaut.png`, licence: PUBLIC, shows: 'an astronaut before a space shuttle', right: ['space shuttle'] },
  { file: `${SKIMAGE}grass.png`, licence: CC0, shows: 'grass', right: [] },
  { file: `${GRADIO}cheetah.jpg`, licence: ISTOCK, shows: 'a running cheetah', right: ['cheetah'] },
  { file: `${GRADIO}cheetah1.jpg`, licence: APACHE, shows: 'a cheetah', right: ['cheetah'] },
  { file: 'gradio/test_data/cheetah2.jpg', licence: ABID, shows: 'a young cheetah', right: ['cheetah'] },
  { file: `${GRADIO}lion.jpg`, licence: APACHE, shows: 'a lion', right: ['lion'] },
  { file: `${GRADIO}tower.jpg`, licence: APACHE, shows: 'the Eiffel tower', right: [] },
  { file: 'matplotlib/mpl-data/sample_data/grace_hopper.jpg', licence: MATPLOTLIB, shows: 'an admiral in uniform', right: ['military uniform'] },
]

const folder = path.resolve(process.argv[2] ?? 'photos')
const model = await new ModelStore({ modelsDir: path.resolve(import.meta.dirname, '..'), allowedDirs: [] }).load('efficientnet-lite0')
const labeller = await openImageLabeller(model, {
  ...{ fileRoot: folder, httpOrigins: [], allowed: { dirs: [folder], origins: [], privateAddresses: false }, maxBytes: 2 ** 24, fetchTimeoutMs: 1 },
  ...{ topK: 5, concurrency: 2 },
})
const unknown = PHOTOS.flatMap(({ right }) => right).filter((label) => !model.labels.includes(label))
if (unknown.length > 0) throw new Error(`not among the labels: ${unknown.join(', ')}`)
const results = await labeller.label(
  PHOTOS.map(({ file }) => file),
  (index, error) => {
    throw new Error(`${PHOTOS[index]?.file}: ${error.message}`)
  },
)
const photos = PHOTOS.map(({ file, licence, shows, right }, i) => {
  const labels = (results[i] ?? []).map(({ label, probability }) => ({ label, probability: Number(probability.toFixed(3)) }))
  const rank = labels.findIndex(({ label }) => right.includes(label))
  return { file, licence, shows, right, first: rank === 0, amongFive: rank >= 0, labels }
})
const counted = photos.filter(({ right }) => right.length > 0)
const summary = {
  photos: counted.length,
  rightFirst: counted.filter(({ first }) => first).length,
  rightAmongFive: counted.filter(({ amongFive }) => amongFive).length,
}
await writeFile(path.join(import.meta.dirname, 'figures.json'), `${JSON.stringify({ ...summary, table: photos }, null, 2)}\n`)
for (const { file, licence, shows, right, labels } of photos) {
  const [a, b] = labels.map(({ label, probability }) => `${label} ${(100 * probability).toFixed(1)} %`)
  const isRight = right.length === 0 ? '–' : right.includes(labels[0]?.label ?? '') ? 'yes' : 'no'
  console.log(`| \`${path.basename(file)}\` | ${file.split('/')[0]} | ${licence} | ${shows} | ${a} | ${b} | ${isRight} |`)
}
console.log(summary)
