import { createHash } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { ModelError, messageOf } from '../../api/errors.ts'
import type { BeforeReading, Model } from '../../api/models.ts'
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
import { MAX_MLMODEL_BYTES, MLMODEL, parseMlmodel } from '../manifest/mlmodel.ts'
import { findMlflowFile } from './mlflow-folder.ts'
import { type ProbeReport, runProbes } from '../probe.ts'
import { namedFormat } from '../readers/packaged-formats.ts'
import { type ModelFile, readModelFile } from '../readers/read-model-file.ts'

/** What a probe may differ by where the manifest does not say: H2O computes in double, networks of others in float. */
const TOLERANCE = { double: 1e-12, float: 2e-6 }
const MAX_MODEL_BYTES = 512 * 2 ** 20
const MAX_TEXT_BYTES = 16 * 2 ** 20

/** A model that is ready to serve, and where all of it came from. */
export interface ReadyModel {
  readonly model: Model
  readonly loaded: LoadedModel
  readonly decision: Decision | null
  /** With what the signature of MLflow says, where there is one. */
  readonly manifest: Manifest | null
  /** The `MLmodel` whose signature was taken. */
  readonly mlflow: string | null
  readonly file: string
  /** How many probes it passed. */
  readonly probes: number
  /** How it fared with them; null where there are none. */
  readonly probed: ProbeReport | null
}

/** What the `MLmodel` of MLflow adds to a model file, and where it lies. */
export interface MlflowSignature extends Pick<Manifest, 'signature' | 'inputs'> {
  readonly file: string
}

/** The files of a model, with real paths below the allowed roots. */
export interface ModelFiles {
  readonly name: string
  readonly version: string
  readonly file: string
  readonly manifest: Manifest | null
  /** Null where there is no `MLmodel`, or the manifest says what that would. */
  readonly mlflow: MlflowSignature | null
  readonly probe: string | null
  /** Changes when any of them does. */
  readonly stamp: string
}

/** Finds and reads the manifest and `MLmodel`, and checks that every file they name lies below `roots`. */
export async function locateFiles(given: ModelPlace, roots: readonly string[]): Promise<ModelFiles> {
  const mlflow = await locateMlflow(given, roots)
  const place = mlflow?.place ?? given
  const below = (name: string) => findBelow(roots, path.join(place.folder, name))
  const manifestFile = place.file === null ? await below(MANIFEST) : await findManifest(place, below)
  const manifest = manifestFile === null ? null : await readManifest(manifestFile)
  const file = await below(manifest?.artifact.path ?? place.file ?? '')
  // What lies beside a file that was named by itself may be about another one.
  const isAlone = manifest === null && place.name === null && mlflow === null
  const isProbed =
    manifest?.probe !== undefined || (!isAlone && (await exists(path.join(place.folder, DEFAULT_PROBE))))
  const probe = isProbed ? await below(manifest?.probe ?? DEFAULT_PROBE) : null
  const stamps: string[] = []
  for (const each of [file, manifestFile, probe, mlflow?.signature.file ?? null])
    stamps.push(each === null ? '' : await stampOf(each))
  const name = place.name ?? manifest?.name ?? path.basename(file).replace(/(\.mojo)?\.[^.]+$/, '')
  const isSaid = manifest?.signature?.inputs !== undefined || manifest?.preprocess?.columns !== undefined
  return {
    name,
    version: versionOf(place, manifest),
    file,
    manifest,
    mlflow: mlflow === null || isSaid ? null : mlflow.signature,
    probe,
    stamp: stamps.join('|'),
  }
}

async function findBelow(roots: readonly string[], wanted: string): Promise<string> {
  const real = await realPathBelow(roots, wanted)
  if (real !== undefined) return real
  throw missing(`${wanted} does not exist, or leads out of the allowed folders.`)
}

/** The place of the model file that an `MLmodel` names, which may lie in a folder below it; null where there is none. */
export async function locateMlflow(
  place: ModelPlace,
  roots: readonly string[],
): Promise<{ readonly place: ModelPlace; readonly signature: MlflowSignature } | null> {
  const { file, folder } = place
  const wanted = path.join(folder, MLMODEL)
  if (file !== MLMODEL && (file !== null || !(await exists(wanted)))) return null
  const real = await findBelow(roots, wanted)
  const read = await parseMlmodel((await readBytes(real, MAX_MLMODEL_BYTES)).toString('utf8'), real)
  const signature = { ...read.signature, file: real }
  if (file === null) return { place, signature } // the manifest names the file
  const found = path.join(folder, await findMlflowFile(folder, read))
  const name = place.name ?? path.basename(folder)
  return { place: { ...place, name, folder: path.dirname(found), file: path.basename(found) }, signature }
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
export async function loadModel(files: ModelFiles, before?: BeforeReading): Promise<ReadyModel> {
  const { file, manifest } = files
  const isNamed = namedFormat(manifest?.source?.format) !== undefined
  const foreign = isNamed ? undefined : await foreignFile(file)
  if (foreign !== undefined) throw foreign
  const bytes = await readBytes(file, MAX_MODEL_BYTES)
  if (files.manifest !== null) checkSum(bytes, files.manifest, file)
  try {
    return await readModel(bytes, files, before)
  } catch (error) {
    throw files.mlflow === null ? error : contradicted(error, files.mlflow)
  }
}

/** The manifest, or one that says no more than the signature of `MLmodel`. */
function manifestOf({ file, manifest, mlflow }: ModelFiles): Manifest | null {
  if (mlflow === null) return manifest
  const artifact = { path: path.basename(file), sha256: '' }
  const { signature, inputs } = mlflow
  return {
    ...(manifest ?? { manifestVersion: 1, artifact }),
    ...(signature === undefined ? {} : { signature }),
    ...(inputs === undefined ? {} : { inputs }),
  }
}

/** The manifest of such a model is its `MLmodel`. */
function contradicted(error: unknown, { file }: MlflowSignature): unknown {
  if (!(error instanceof ModelError) || error.code !== 'model.manifest') return error
  const advice =
    'Save the model again with the signature that it has, or name its columns in a manifest.json.'
  const message = error.message.replace(' Correct the manifest.', '')
  return new ModelError('model.manifest', `The signature of ${file} does not fit: ${message} ${advice}`, {
    cause: error,
  })
}

async function readModel(
  bytes: Buffer,
  files: ModelFiles,
  before: BeforeReading | undefined,
): Promise<ReadyModel> {
  const { file } = files
  const manifest = manifestOf(files)
  const manifestFile = path.join(path.dirname(file), MANIFEST)
  const read = await readFormat({ name: file, bytes, manifest: withColumnOrder(manifest) }, before)
  const loaded = manifest === null ? read : applyPreprocess(read, manifest, manifestFile)
  const applied = manifest === null ? loaded : applyManifest(manifest, loaded, manifestFile)
  const { inputs, decision, threshold } = applied
  const model: Model = {
    name: files.name,
    version: files.version,
    format: loaded.format,
    ...(loaded.reader === undefined ? {} : { reader: loaded.reader }),
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
  const mlflow = files.mlflow?.file ?? null
  return { model, loaded, decision, manifest, mlflow, file, probes: probed?.probes ?? 0, probed }
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

async function readFormat(file: ModelFile, before: BeforeReading | undefined): Promise<LoadedModel> {
  try {
    return await readModelFile({ ...file, name: path.basename(file.name) }, before)
  } catch (error) {
    if (error instanceof ModelError)
      throw new ModelError(error.code, `${file.name}: ${error.message}`, { cause: error })
    throw error
  }
}
