import { mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { ModelError } from '../api/errors.ts'
import { isModelFile, latest, MANIFEST, realPathBelow, sortVersions } from './model-folder.ts'

export interface ModelVersions {
  readonly name: string
  readonly versions: readonly string[]
}

/** What models and their versions may be called. */
export const MODEL_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}$/

/** The models below `models.dir` with their versions; one whose file lies in its own folder has none. */
export async function listModels(modelsDir: string): Promise<ModelVersions[]> {
  const names = await readdir(modelsDir).catch(() => [])
  const found: ModelVersions[] = []
  for (const name of names.filter((each) => MODEL_NAME.test(each)).toSorted()) {
    const folder = path.join(modelsDir, name)
    const versions = await versionsIn(folder)
    if (versions.length > 0 || (await holdsFiles(folder))) found.push({ name, versions })
  }
  return found
}

async function versionsIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => [])
  const versions: string[] = []
  for (const name of names) {
    if (MODEL_NAME.test(name) && (await holdsFiles(path.join(folder, name)))) versions.push(name)
  }
  return sortVersions(versions)
}

async function holdsFiles(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch(() => [])
  return names.some((name) => name === MANIFEST || isModelFile(name))
}

export interface NewVersion {
  readonly name: string
  /** Undefined: the number after the latest. */
  readonly version: string | undefined
  readonly file: string
  readonly bytes: Buffer
}

/**
 * Adds a version to a model below `modelsDir`: it is written beside the models, where no name leads, checked there, and
 * appears in one step. Where `check` throws nothing is left of it.
 * @throws ModelError `model.manifest` where names are wrong or the version is there already
 */
export async function addVersion(
  modelsDir: string,
  { name, version, file, bytes }: NewVersion,
  check: (folder: string) => Promise<void>,
): Promise<string> {
  if (!MODEL_NAME.test(name)) throw wrong('The name of a model has letters, digits, "_", "." and "-" only.')
  if (version !== undefined && !MODEL_NAME.test(version))
    throw wrong('A version has letters, digits, "_", "." and "-" only.')
  if (!MODEL_NAME.test(file) || !isModelFile(file))
    throw wrong('The file must be a name with the ending of a model file, e.g. model.zip or model.onnx.')
  const folder = path.join(modelsDir, name)
  await checkPlace(modelsDir, folder, name)
  await mkdir(modelsDir, { recursive: true })
  const staging = await mkdtemp(path.join(modelsDir, '.incoming-'))
  try {
    await writeFile(path.join(staging, file), bytes)
    await check(staging)
    await mkdir(folder, { recursive: true })
    const taken = version ?? next(await versionsIn(folder))
    const target = path.join(folder, taken)
    if (await isThere(target)) throw wrong(`The model ${name} has a version ${taken} already. Name another.`)
    await rename(staging, target)
    return taken
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
}

async function checkPlace(modelsDir: string, folder: string, name: string): Promise<void> {
  if (!(await isThere(folder))) return
  if ((await realPathBelow([modelsDir], folder)) === undefined)
    throw wrong(`The folder of the model ${name} leads out of models.dir.`)
  if (await holdsFiles(folder))
    throw wrong(
      `The model ${name} lies in its own folder, without versions. Move it into a folder "1" there.`,
    )
}

function next(versions: readonly string[]): string {
  if (versions.length === 0) return '1'
  const last = latest(versions)
  if (/^\d{1,15}$/.test(last)) return String(Number(last) + 1)
  throw wrong(`The versions are no numbers (the latest is ${last}). Name the new one: ?version=…`)
}

async function isThere(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  )
}

function wrong(message: string): ModelError {
  return new ModelError('model.manifest', message)
}
