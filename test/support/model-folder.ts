import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { ModelError } from '../../src/api/errors.ts'
import { locateFiles, loadModel, type ReadyModel } from '../../src/inference/store/load-model.ts'
import { findPlace } from '../../src/inference/store/model-folder.ts'

/** Writes a model file with the manifest that belongs to it, which is not checked: `rest` is what it says besides. */
export async function writeModel(
  folder: string,
  model: { readonly file: string; readonly bytes: Buffer },
  rest: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { bytes, file } = model
  await mkdir(folder, { recursive: true })
  await writeFile(path.join(folder, file), bytes)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const manifest = { manifestVersion: 1, artifact: { path: file, sha256 }, ...rest }
  await writeFile(path.join(folder, 'manifest.json'), JSON.stringify(manifest))
}

/** Loads the model of a folder. */
export async function openFolder(folder: string): Promise<ReadyModel> {
  return loadModel(await locateFiles(await findPlace({ name: null, wanted: null }, folder, null), [folder]))
}

/** Writes a model file with its manifest, and loads it. */
export async function openWith(
  folder: string,
  model: { readonly file: string; readonly bytes: Buffer },
  manifest: Readonly<Record<string, unknown>>,
): Promise<ReadyModel> {
  await writeModel(folder, model, manifest)
  return openFolder(folder)
}

/** Why a manifest is refused. */
export async function manifestRefusal(
  folder: string,
  model: { readonly file: string; readonly bytes: Buffer },
  manifest: Readonly<Record<string, unknown>>,
): Promise<string> {
  const error: unknown = await openWith(folder, model, manifest).then(
    () => {
      throw new Error(`${JSON.stringify(manifest)} was taken`)
    },
    (caught: unknown) => caught,
  )
  if (error instanceof ModelError && error.code === 'model.manifest') return error.message
  throw error
}
