import type { LoadedModel } from '../loaded-model.ts'
import { type Manifest, manifestError } from './manifest.ts'
import { columnsMisfit, encodeColumns, inOrder } from './preprocess-columns.ts'
import { encodeImages, imageMisfit } from './preprocess-image.ts'

/**
 * The manifest as readers of model files know it: they name the numbers of a row by `signature.inputs`, in order. Where
 * `preprocess.columns` says which field is which number, that is the order.
 */
export function withColumnOrder(manifest: Manifest | null): Manifest | null {
  const columns = manifest?.preprocess?.columns
  if (manifest === null || columns === undefined) return manifest
  const inputs = inOrder(columns).map(({ field }) => ({ name: field, type: 'double' }))
  return { ...manifest, signature: { ...manifest.signature, inputs } }
}

/** What a manifest's `preprocess` makes of a model. Throws `model.manifest` where it does not fit the model file. */
export function applyPreprocess(loaded: LoadedModel, manifest: Manifest, file: string): LoadedModel {
  const { columns, image, missing = [] } = manifest.preprocess ?? {}
  if (columns === undefined && image === undefined) return loaded
  if (loaded.format.startsWith('h2o'))
    throw manifestError(file, [
      'preprocess: is of no use where the model file itself says how fields become numbers',
    ])
  const misfit =
    columns !== undefined ? columnsMisfit(columns, loaded.inputs) : image && imageMisfit(image, loaded.inputs)
  if (misfit !== undefined) throw manifestError(file, [misfit])
  if (columns !== undefined) return encodeColumns(loaded, columns, missing)
  return image === undefined ? loaded : encodeImages(loaded, image)
}
