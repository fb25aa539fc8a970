import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { ModelError, messageOf } from '../../api/errors.ts'
import type { Model } from '../../api/models.ts'
import { applyManifest } from '../manifest/apply-manifest.ts'
import type { Decision, LoadedModel } from '../loaded-model.ts'
import { checkProbabilities } from '../manifest/check-probabilities.ts'
import { type Manifest, manifestError, parseManifest } from '../manifest/manifest.ts'
import { foreignFile } from './foreign-model.ts'
import {
  DEFAULT_PROBE,
  latest,
  MANIFEST,
  missing,
  type ModelPlace,
  noVersion,
  realPathBelow,
} from './model-folder.ts'
import { applyPreprocess, withColumnOrder } from '../manifest/preprocess.ts'
import { type ProbeReport, runProbes } from '../probe.ts'
import { readModelFile } from '../readers/read-model-file.ts'

/** What a probe may differ by where the manifest does not say: H2O computes in double, networks of others in float. */
const TOLERANCE = { double: 1e-12, float: 2e-6 }
const MAX_MODEL_BYTES = 512 * 2 ** 20
const MAX_TEXT_BYTES = 16 * 2 ** 20

/** A model that is ready to serve, and where all of it came from. */
export interface ReadyModel {
  readonly model: Model
  readonly loaded: LoadedModel
  readonly decision: Decision | null
  readonly manifest: Manifest | null
  readonly file: string
  /** How many probes it passed. */
  readonly probes: number
  /** How it fared with them; null where there are none. */
  readonly probed: ProbeReport | null
}

/** The files of a model, with real paths below the allowed roots. */
export interface ModelFiles {
  readonly name: string
  readonly version: string
  readonly file: string
  readonly manifest: Manifest | null
  readonly probe: string | null
  /** Changes when any of them does. */
  readonly stamp: string
}

/** Finds and reads the manifest, and checks that every file it names lies below `roots`. */
export async function locateFiles(place: ModelPlace, roots: readonly string[]): Promise<ModelFiles> {
  const below = async (name: string): Promise<string> => {
    const wanted = path.join(place.folder, name)
    const real = await realPathBelow(roots, wanted)
    return real ?? Promise.reject(missing(`${wanted} does not exist, or leads out of the allowed folders.`))
  }
  const manifestFile = place.file === null ? await below(MANIFEST) : await findManifest(place, below)
  const manifest = manifestFile === null ? null : await readManifest(manifestFile)
  const file = await below(manifest?.artifact.path ?? place.file ?? '')
  // What lies beside a file that was named by itself may be about another one.
  const isAlone = manifest === null && place.name === null
  const isProbed =
    manifest?.probe !== undefined || (!isAlone && (await exists(path.join(place.folder, DEFAULT_PROBE))))
  const probe = isProbed ? await below(manifest?.probe ?? DEFAULT_PROBE) : null
  const stamps: string[] = []
  for (const each of [file, manifestFile, probe]) stamps.push(each === null ? '' : await stampOf(each))
  const name = place.name ?? manifest?.name ?? path.basename(file).replace(/(\.mojo)?\.[^.]+$/, '')
  return { name, version: versionOf(place, manifest), file, manifest, probe, stamp: stamps.join('|') }
}

/** A file that was named by itself has the manifest beside it, if that is about this very file. */
async function findManifest(
  place: ModelPlace,
  below: (name: string) => Promise<string>,
): Promise<string | null> {
  if (!(await exists(path.join(place.folder, MANIFEST)))) return null
  const file = await below(MANIFEST)
  const manifest = await readManifest(file)
  return manifest.artifact.path === place.file ? file : null
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  )
}

async function stampOf(file: string): Promise<string> {
  const { mtimeMs, size } = await stat(file)
  return `${file}:${mtimeMs}:${size}`
}

export async function readManifest(file: string): Promise<Manifest> {
  return parseManifest((await readBytes(file, MAX_TEXT_BYTES)).toString('utf8'), file)
}

function versionOf({ folder, versionFolder, wanted }: ModelPlace, manifest: Manifest | null): string {
  const versions = manifest?.versions ?? [versionFolder ?? '1']
  if (versionFolder !== null && !versions.includes(versionFolder)) {
    const problem = `versions: says ${versions.join(', ')}, but its folder is version ${versionFolder}`
    throw manifestError(path.join(folder, MANIFEST), [problem])
  }
  const version = versionFolder ?? wanted ?? latest(versions)
  if (!versions.includes(version)) throw noVersion(folder, version, versions)
  return version
}

/** Reads a regular file of at most `limit` bytes. */
async function readBytes(file: string, limit: number): Promise<Buffer> {
  try {
    const info = await stat(file) // before it is opened: opening a pipe would wait for a writer
    if (!info.isFile()) throw missing(`${file} is not a regular file.`)
    if (info.size > limit) {
      throw new ModelError('model.corrupt', `${file} has ${info.size} bytes; at most ${limit} are read.`)
    }
    return await readFile(file)
  } catch (error) {
    if (error instanceof ModelError) throw error
    throw missing(`${file} cannot be read: ${messageOf(error)}.`, error)
  }
}

/** Reads, checks and probes a model: what this returns gives what its source engine gave. Needs no Python and no Java. */
export async function loadModel(files: ModelFiles): Promise<ReadyModel> {
  const { file, manifest } = files
  const foreign = await foreignFile(file)
  if (foreign !== undefined) throw foreign
  const bytes = await readBytes(file, MAX_MODEL_BYTES)
  if (manifest !== null) checkSum(bytes, manifest, file)
  const manifestFile = path.join(path.dirname(file), MANIFEST)
  const read = await readFormat(bytes, file, withColumnOrder(manifest))
  const loaded = manifest === null ? read : applyPreprocess(read, manifest, manifestFile)
  const applied = manifest === null ? loaded : applyManifest(manifest, loaded, manifestFile)
  const { inputs, decision, threshold } = applied
  const model: Model = {
    name: files.name,
    version: files.version,
    format: loaded.format,
    algorithm: loaded.algorithm,
    task: loaded.task,
    labels: loaded.labels,
    outputs: loaded.outputs,
    ...(loaded.outputTypes === undefined ? {} : { outputTypes: loaded.outputTypes }),
    ...(loaded.isCalibrated === undefined ? {} : { isCalibrated: loaded.isCalibrated }),
    inputs,
    ...(typeof threshold === 'number' ? { threshold } : {}),
    score: (columns, length) => loaded.score(columns, length, decision),
  }
  if (manifest !== null) await checkProbabilities(model, loaded, { manifest, file: manifestFile })
  const probed = files.probe === null ? null : await probe(model, files.probe, manifest)
  return { model, loaded, decision, manifest, file, probes: probed?.probes ?? 0, probed }
}

async function probe(model: Model, file: string, manifest: Manifest | null): Promise<ProbeReport> {
  const text = (await readBytes(file, MAX_TEXT_BYTES)).toString('utf8')
  const usual = model.format.startsWith('h2o') ? TOLERANCE.double : TOLERANCE.float
  return runProbes(model, text, { file, tolerance: manifest?.source?.tolerance ?? usual })
}

function checkSum(bytes: Buffer, manifest: Manifest, file: string): void {
  const found = createHash('sha256').update(bytes).digest('hex')
  if (found === manifest.artifact.sha256.toLowerCase()) return
  throw new ModelError(
    'model.corrupt',
    `${file} is not the file that its manifest describes (sha256 ${found}). Copy it again, or correct artifact.sha256.`,
  )
}

async function readFormat(bytes: Buffer, file: string, manifest: Manifest | null): Promise<LoadedModel> {
  try {
    return await readModelFile({ name: path.basename(file), bytes, manifest })
  } catch (error) {
    if (error instanceof ModelError)
      throw new ModelError(error.code, `${file}: ${error.message}`, { cause: error })
    throw error
  }
}
