import type { TensorColumn } from '../../api/batch.ts'
import { DataError, ModelError } from '../../api/errors.ts'
import type {
  AllowedImages,
  ImageLabel,
  ImageLabeller,
  LabellerOptions,
  OpenImageLabeller,
} from '../../api/images.ts'
import type { Model } from '../../api/models.ts'
import type { ImageSize } from './image-decoder.ts'
import { type CheckedImageRules, openImages } from './images.ts'

/** Images in one call of the model: more of them are no faster, and each takes 150 KB at 224². */
const BATCH = 16

/** What a transform may open where the worker's settings allow that. */
export function labellersWithin(allowed: AllowedImages): OpenImageLabeller {
  return (model, options) => openImageLabeller(model, { ...options, allowed })
}

/** See `OpenImageLabeller`. */
export async function openImageLabeller(
  model: Model,
  options: LabellerOptions & CheckedImageRules,
): Promise<ImageLabeller> {
  const size = imageSize(model)
  const images = await openImages(options)
  return {
    async label(sources, fail, score = (tensor, { length }) => model.score([tensor], length)) {
      const results: (readonly ImageLabel[] | null)[] = sources.map(() => null)
      const wanted = [...sources.keys()].filter((index) => sources[index] !== null)
      for (let start = 0; start < wanted.length; start += BATCH) {
        const batch = wanted.slice(start, start + BATCH)
        const pixels = await mapBounded(batch, options.concurrency, (index) =>
          images.read(sources[index]!, size).catch((error: unknown) => {
            if (!(error instanceof DataError)) throw error
            fail(index, error)
            return null
          }),
        )
        const good = batch.flatMap((index, i) => (pixels[i] == null ? [] : [{ index, pixels: pixels[i] }]))
        if (good.length === 0) continue
        const tensor = tensorOf(
          good.map((each) => each.pixels),
          size,
        )
        const scores = await score(
          tensor,
          good.map(({ index }) => index),
        )
        good.forEach(({ index }, row) => {
          results[index] = best(
            model.labels.map((label, k) => ({ label, probability: scores.outputs[k]?.values[row] ?? NaN })),
            options.topK,
          )
        })
      }
      return results
    },
  }
}

function imageSize(model: Model): ImageSize {
  const [input] = model.inputs
  const [height = 0, width = 0, channels] = input?.shape ?? []
  const isImage = input?.type === 'tensor' && input.datatype === 'UINT8' && input.shape?.length === 3
  const isFixed = height > 0 && width > 0 && channels === 3
  if (model.inputs.length === 1 && isImage && isFixed && model.task === 'classification') {
    return { width, height, ...(input.crop === undefined ? {} : { crop: input.crop }) }
  }
  throw new ModelError(
    'model.unsupported',
    `The model ${model.name} is no image classifier: it needs labels, and one input of UINT8 whose shape is ` +
      '[-1, height, width, 3], or a manifest whose preprocess.image says how pixels become its numbers.',
  )
}

function tensorOf(images: readonly Uint8Array[], { width, height }: ImageSize): TensorColumn {
  const length = width * height * 3
  const data = new Uint8Array(images.length * length)
  images.forEach((pixels, i) => data.set(pixels, i * length))
  return { type: 'tensor', datatype: 'UINT8', shape: [height, width, 3], data }
}

function best(labels: readonly ImageLabel[], topK: number): readonly ImageLabel[] {
  return labels.toSorted((a, b) => b.probability - a.probability).slice(0, topK)
}

/** Maps in order with at most `limit` at work: decoding takes processors and memory that other tasks need. */
async function mapBounded<T, R>(
  items: readonly T[],
  limit: number,
  map: (item: T) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length)
  let next = 0
  const work = async () => {
    while (next < items.length) {
      const at = next++
      results[at] = await map(items[at]!)
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, work))
  return results
}
