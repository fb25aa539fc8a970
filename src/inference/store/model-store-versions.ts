import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { foreignFolder } from './foreign-model.ts'
import { holdsModel, isVersion, realPathBelow, sortVersions } from './model-folder.ts'

export interface ModelVersions {
  readonly name: string
  /** The lowest first; none where the model's file lies in its own folder. */
  readonly versions: readonly string[]
}

/** What models, their versions and their files may be called. */
export const MODEL_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}$/

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

/** The versions in the folder of a model, the lowest first. */
export async function versionsIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [])
  const versions: string[] = []
  for (const name of names) {
    if (MODEL_NAME.test(name) && (await isVersion(path.join(folder, name)))) versions.push(name)
  }
  return sortVersions(versions)
}
