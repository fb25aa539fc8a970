import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { foreignFolder } from './foreign-model.ts'
import { readManifest } from './load-model.ts'
import { holdsModel, MANIFEST, MODEL_NAME, realPathBelow, versionsIn } from './model-folder.ts'

export interface ModelVersions {
  readonly name: string
  /** The lowest first; none where the model's file lies in its own folder. */
  readonly versions: readonly string[]
}

/** The models below `models.dir` with their versions. */
export async function listModels(modelsDir: string): Promise<ModelVersions[]> {
  const names = await readdir(modelsDir).catch(() => [])
  const found = await Promise.all(names.toSorted().map((name) => findVersions(modelsDir, name)))
  return found.filter((each) => each !== undefined)
}

/** The versions of one model; undefined where there is no such model. */
export async function findVersions(modelsDir: string, name: string): Promise<ModelVersions | undefined> {
  if (!MODEL_NAME.test(name)) return undefined
  const folder = await realPathBelow([modelsDir], path.join(modelsDir, name))
  if (folder === undefined) return undefined
  if (await holdsModel(folder)) return { name, versions: [] }
  const versions = await versionsIn(folder)
  // What is refused is shown too, with the reason.
  const isModel = versions.length > 0 || (await foreignFolder(folder)) !== undefined
  return isModel ? { name, versions } : undefined
}

/** By which versions a model whose file lies in its own folder may be named: those of its manifest, else 1. */
export async function ownVersions(modelsDir: string, name: string): Promise<readonly string[]> {
  const manifest = await realPathBelow([modelsDir], path.join(modelsDir, name, MANIFEST))
  const read = manifest === undefined ? null : await readManifest(manifest).catch(() => null)
  return read?.versions ?? ['1']
}
