import { randomUUID } from 'node:crypto'
import { lstat, mkdir, readdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { ConflictError, messageOf, ModelError, UnavailableError } from '../../api/errors.ts'
import { type Manifest, parseManifest } from '../manifest/manifest.ts'
import { EDGE_BYTES } from '../readers/file-signs.ts'
import { isPackaged, namedFormat } from '../readers/packaged-formats.ts'
import { nameFile, refuseFormat } from '../readers/name-format.ts'
import {
  DEFAULT_PROBE,
  holdsModel,
  isModelFile,
  latest,
  MANIFEST,
  MODEL_NAME,
  realPathBelow,
  versionsIn,
} from './model-folder.ts'
import type { InspectModel } from './model-inspection.ts'
import { findServing } from './serving-version.ts'

const LARGEST_MANIFEST = 2 ** 20
/** Begins the folders below `models.dir` in which versions arrive: no name leads there. */
export const STAGING = '.incoming-'
/** Longer than any check takes: what is older was left by a worker that was killed. */
const LEFT_MS = 60 * 60_000
const PLAIN =
  'has letters, digits, "_", "." and "-" only, at most 200, and begins with neither of the last two'

/** A version of a model as it was sent. All of it is kept as it is, byte for byte. */
export interface NewVersion {
  readonly name: string
  /** Undefined: the one that the manifest names, else the number after the latest. */
  readonly version: string | undefined
  /** What the model file is called; a manifest's `artifact.path` goes before it. */
  readonly file: string
  readonly bytes: Buffer
  readonly manifest?: Buffer
  readonly probe?: Buffer
}

/** A version that was added. */
export interface AddedVersion {
  readonly version: string
  /** Which serves where none is named: not the new one, where its number is lower than that of another. */
  readonly latest: string
}

/** Makes a version that was checked one of its model's. Undefined: by moving its folder to its place. */
export type InstallVersion = (checked: {
  readonly name: string
  readonly version: string
  readonly files: ReadonlyMap<string, Buffer>
}) => Promise<void>

/**
 * Adds a version to a model below `models.dir`: it is written to a folder where no name leads, checked there, and
 * appears in one step. Where that fails nothing is left of it.
 * @throws ModelError where it is refused; ConflictError `model.exists`; UnavailableError `model.storage`
 */
export async function addVersion(
  modelsDir: string,
  sent: NewVersion,
  inspect: InspectModel,
  install?: InstallVersion,
): Promise<AddedVersion> {
  if (!MODEL_NAME.test(sent.name)) throw wrong(`The name of a model ${PLAIN}.`)
  const manifest = readManifest(sent)
  const files = nameFiles(sent, manifest)
  try {
    await mkdir(modelsDir, { recursive: true })
    return await store(await realpath(modelsDir), { sent, manifest, files }, inspect, install)
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error
    const what = `The worker cannot store the model in models.dir (${modelsDir}): ${messageOf(error)}`
    const advice = 'Make room there, or let the worker write there. Nothing was kept.'
    throw new UnavailableError('model.storage', `${what}. ${advice}`, { cause: error })
  }
}

interface Arrival {
  readonly sent: NewVersion
  readonly manifest: Manifest | undefined
  readonly files: ReadonlyMap<string, Buffer>
}

async function store(
  root: string,
  arrival: Arrival,
  inspect: InspectModel,
  install?: InstallVersion,
): Promise<AddedVersion> {
  const { name } = arrival.sent
  const versions = await versionsToJoin(root, name)
  const version = chooseVersion(arrival, versions)
  const target = path.join(root, name, version)
  if (await isThere(target)) throw exists(name, version)
  await removeLeftovers(root)
  const staging = path.join(root, STAGING + randomUUID())
  const folder = path.join(staging, name, version)
  try {
    await mkdir(staging) // by itself: mkdir of a whole path hides why it fails
    await mkdir(folder, { recursive: true })
    for (const [file, bytes] of arrival.files)
      await writeFile(path.join(folder, file), bytes, { flush: true })
    const { serving } = await findServing(root, { name, versions }, inspect)
    const replaces = serving === null ? undefined : path.join(root, `${name}$${serving.version}`)
    await inspect(path.join(staging, `${name}$${version}`), replaces)
    if (install === undefined) await moveTo(target, folder, () => exists(name, version))
    else await install({ name, version, files: arrival.files })
    return { version, latest: latest(serving === null ? [version] : [version, serving.version]) }
  } finally {
    await rm(staging, { recursive: true, force: true }).catch(() => undefined) // else it is a leftover
  }
}

async function moveTo(target: string, folder: string, taken: () => ConflictError): Promise<void> {
  await mkdir(path.dirname(target), { recursive: true })
  await rename(folder, target).catch((error: unknown) => {
    // Another worker with the same models.dir was faster.
    throw isTaken(error) ? taken() : error
  })
}

/** The versions that there are, where the model is one with versions or a new one. */
async function versionsToJoin(root: string, name: string): Promise<readonly string[]> {
  const folder = path.join(root, name)
  if (!(await isThere(folder))) return []
  if ((await realPathBelow([root], folder)) === undefined)
    throw wrong(`The folder of the model ${name} leads out of models.dir. Send the model under another name.`)
  if (!(await stat(folder)).isDirectory())
    throw wrong(`${name} is a file in models.dir. Send the model under another name.`)
  if (await holdsModel(folder))
    throw wrong(
      `The model ${name} lies in its own folder, without versions. Move it into a folder "1" there, or send yours under another name.`,
    )
  return versionsIn(folder)
}

function chooseVersion({ sent, manifest }: Arrival, versions: readonly string[]): string {
  const version = sent.version ?? (manifest?.versions && latest(manifest.versions)) ?? next(versions)
  if (MODEL_NAME.test(version)) return version
  throw wrong(`A version ${PLAIN}, e.g. ?version=2.`)
}

function next(versions: readonly string[]): string {
  if (versions.length === 0) return '1'
  const last = latest(versions)
  if (/^\d{1,15}$/.test(last)) return String(Number(last) + 1)
  throw wrong(`The versions are no numbers (the latest is ${last}). Name the new one: ?version=…`)
}

function readManifest({ manifest }: NewVersion): Manifest | undefined {
  if (manifest === undefined) return undefined
  if (manifest.length > LARGEST_MANIFEST)
    throw wrong(`The manifest has ${manifest.length} bytes; at most ${LARGEST_MANIFEST} are read.`)
  return parseManifest(manifest.toString('utf8'), MANIFEST)
}

/** The manifest says what the files are called: a checksum and probes tie them to it, not what they were called before. */
function nameFiles(sent: NewVersion, manifest: Manifest | undefined): ReadonlyMap<string, Buffer> {
  const file = manifest?.artifact.path ?? sent.file
  const edges = { head: sent.bytes.subarray(0, EDGE_BYTES), tail: sent.bytes.subarray(-EDGE_BYTES) }
  const isNamed = namedFormat(manifest?.source?.format) !== undefined
  const foreign = isNamed ? undefined : nameFile(file, edges)
  if (foreign !== undefined && foreign.own === undefined)
    throw refuseFormat(`${path.basename(file)} is`, foreign)
  const isRead =
    isModelFile(file) ||
    isPackaged(file, edges.head) ||
    namedFormat(manifest?.source?.format)?.plugin.endings.some((ending) =>
      file.toLowerCase().endsWith(ending),
    )
  if (!MODEL_NAME.test(file) || isRead !== true) {
    const where = manifest === undefined ? 'The file name of the model' : `${MANIFEST}: artifact.path`
    throw wrong(`${where} ${PLAIN}, with the ending of a model file: e.g. model.zip or model.onnx.`)
  }
  const files = new Map([[file, sent.bytes]])
  if (sent.manifest !== undefined) files.set(MANIFEST, sent.manifest)
  const probe = manifest?.probe ?? DEFAULT_PROBE
  if (sent.probe === undefined) {
    if (manifest?.probe === undefined) return files
    throw wrong(
      `${MANIFEST} names the probes ${probe}, which were not sent. Send them too, or leave out "probe".`,
    )
  }
  if (!MODEL_NAME.test(probe) || files.has(probe))
    throw wrong(`${MANIFEST}: probe must name a file of its own.`)
  return files.set(probe, sent.probe)
}

async function removeLeftovers(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    if (!name.startsWith(STAGING)) continue
    const folder = path.join(root, name)
    const written = await lstat(folder).catch(() => undefined)
    if (written !== undefined && written.mtimeMs < Date.now() - LEFT_MS)
      await rm(folder, { recursive: true, force: true })
  }
}

async function isThere(file: string): Promise<boolean> {
  return lstat(file).then(
    () => true,
    () => false,
  )
}

function isTaken(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'EEXIST' || code === 'ENOTEMPTY' || code === 'ENOTDIR'
}

function wrong(message: string): ModelError {
  return new ModelError('model.manifest', message)
}

function exists(name: string, version: string): ConflictError {
  const advice = 'Name another with ?version=…, and in "versions" of the manifest where it has that key.'
  return new ConflictError('model.exists', `The model ${name} has a version ${version} already. ${advice}`)
}
