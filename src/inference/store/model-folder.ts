import { readdir, realpath } from 'node:fs/promises'
import path from 'node:path'
import { ModelError, messageOf } from '../../api/errors.ts'
import { MLMODEL } from '../manifest/mlmodel.ts'
import { foreignFolder, isForeignVersion, isPackagedFile } from './foreign-model.ts'

/** Endings of model files. Files of others may lie beside one; alone they are refused by their name. */
const MODEL_ENDINGS = ['.zip', '.mojo', '.java', '.onnx', '.h5', '.hdf5', '.keras']
export const MANIFEST = 'manifest.json'
/** The probes beside a model, where its manifest names no other file. */
export const DEFAULT_PROBE = 'probe.jsonl'

/** One version of a model on disk: a manifest, or a model file alone. */
export interface ModelPlace {
  /** As it was asked for, or the folder's; null where the manifest or the file that was named gives it. */
  readonly name: string | null
  readonly folder: string
  /** Null: the manifest names it. `MLmodel`: that does. */
  readonly file: string | null
  /** The version whose folder this is; null where the folder is the model's own. */
  readonly versionFolder: string | null
  /** The version that was asked for; null for the latest. */
  readonly wanted: string | null
}

export function missing(message: string, cause?: unknown): ModelError {
  return new ModelError('model.missing', message, { cause })
}

/** True where `inner` is `outer` or lies below it; both are real paths. */
export function isInside(outer: string, inner: string): boolean {
  return inner === outer || inner.startsWith(outer.endsWith(path.sep) ? outer : outer + path.sep)
}

/** The real path of something below `roots`; undefined where there is none, or it lies outside of them. */
export async function realPathBelow(roots: readonly string[], wanted: string): Promise<string | undefined> {
  try {
    const real = await realpath(wanted)
    for (const root of roots) {
      const realRoot = await realpath(root).catch(() => undefined)
      if (realRoot !== undefined && isInside(realRoot, real)) return real
    }
  } catch {
    // Not there, or not to be entered: the caller says both in one sentence, which reveals nothing.
  }
  return undefined
}

/** What models, their versions and their files may be called. */
export const MODEL_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}$/

/**
 * Which versions of the model in a folder may serve, in order of service: `wanted` alone, or all that it has folders of.
 * Null where a manifest or a model file lies in the folder itself: that is one version.
 */
export async function findInFolder(folder: string, wanted: string | null): Promise<readonly string[] | null> {
  if ((await findModelFile(folder)) !== undefined) return null
  const versions = await versionsIn(folder)
  if (versions.length === 0) throw await noModel(folder)
  if (wanted === null) return inOrderOfService(versions)
  if (!versions.includes(wanted)) throw noVersion(folder, wanted, versions)
  return [wanted]
}

/** The model in a folder, or in the folder of its version. */
export async function findPlace(
  { name, wanted }: Pick<ModelPlace, 'name' | 'wanted'>,
  folder: string,
  versionFolder: string | null,
): Promise<ModelPlace> {
  const inner = versionFolder === null ? folder : path.join(folder, versionFolder)
  const file = await findModelFile(inner)
  if (file === undefined) throw await noModel(inner)
  const own = versionFolder === null && file === null ? null : path.basename(folder)
  return { name: name ?? own, folder: inner, file, versionFolder, wanted }
}

async function noModel(folder: string): Promise<ModelError> {
  const advice = `put a model file there, with or without a ${MANIFEST}`
  return (await foreignFolder(folder)) ?? missing(`${folder} holds no model: ${advice}.`)
}

export function noVersion(folder: string, wanted: string, versions: readonly string[]): ModelError {
  return missing(
    `${folder} has no version ${wanted} of the model. It has: ${sortVersions(versions).join(', ')}.`,
  )
}

async function list(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    throw missing(`The folder ${folder} cannot be read: ${messageOf(error)}.`, error)
  }
}

export function isModelFile(name: string): boolean {
  return !name.startsWith('.') && MODEL_ENDINGS.some((ending) => name.toLowerCase().endsWith(ending))
}

/** True where a folder holds a model that is read. */
export async function holdsModel(folder: string): Promise<boolean> {
  const names: readonly string[] = await readdir(folder).catch(() => [])
  if (names.includes(MANIFEST) || names.includes(MLMODEL)) return true
  return (await modelFilesIn(folder, names)).length > 0
}

/** The model files among the names in a folder: those of formats of packages where there are none that Sluice itself reads. */
export async function modelFilesIn(folder: string, names: readonly string[]): Promise<readonly string[]> {
  const own = names.filter(isModelFile)
  if (own.length > 0) return own
  const found: string[] = []
  for (const name of names) if (await isPackagedFile(folder, name)) found.push(name)
  return found
}

/** True where a folder is a version of a model. */
export async function isVersion(folder: string): Promise<boolean> {
  return (await holdsModel(folder)) || (await isForeignVersion(folder))
}

/** The names of the folders of versions in the folder of a model. */
export async function versionsIn(folder: string): Promise<string[]> {
  const versions: string[] = []
  for (const name of await readdir(folder).catch(() => [])) {
    if (MODEL_NAME.test(name) && (await isVersion(path.join(folder, name)))) versions.push(name)
  }
  return sortVersions(versions)
}

/** The one model file of a folder, or `MLmodel`; null where a manifest names it, undefined where there is none of these. */
async function findModelFile(folder: string): Promise<string | null | undefined> {
  const entries = await list(folder)
  if (entries.includes(MANIFEST)) return null
  if (entries.includes(MLMODEL)) return MLMODEL
  const files = await modelFilesIn(folder, entries)
  if (files.length <= 1) return files[0]
  throw new ModelError(
    'model.manifest',
    `${folder} holds ${files.length} model files (${files.join(', ')}): keep one, or add a ${MANIFEST} that names one.`,
  )
}

const natural = new Intl.Collator('en', { numeric: true })

export function sortVersions(versions: readonly string[]): string[] {
  return versions.toSorted((a, b) => natural.compare(a, b))
}

/**
 * The latest first, which serves; where it cannot be read the next one does: numbers from the highest down, then the others
 * from the last in natural order down (`v10`, `v2`).
 */
export function inOrderOfService(versions: readonly string[]): string[] {
  const isNumber = (version: string): boolean => /^\d+$/.test(version)
  return sortVersions(versions)
    .toReversed()
    .toSorted((a, b) => Number(isNumber(b)) - Number(isNumber(a)))
}

export function latest(versions: readonly string[]): string {
  return inOrderOfService(versions)[0] ?? '1'
}
