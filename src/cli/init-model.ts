import { createHash, randomUUID } from 'node:crypto'
import { access, link, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { CommandError, messageOf } from '../api/errors.ts'
import { platformOf } from '../inference/manifest/apply-manifest.ts'
import { parseManifest } from '../inference/manifest/manifest.ts'
import { MLMODEL } from '../inference/manifest/mlmodel.ts'
import {
  loadModel,
  locateMlflow,
  type MlflowSignature,
  type ReadyModel,
} from '../inference/store/load-model.ts'
import { DEFAULT_PROBE, latest, MANIFEST, modelFilesIn, versionsIn } from '../inference/store/model-folder.ts'
import { runProbes } from '../inference/probe.ts'
import {
  isUnnamed,
  nameColumns,
  readSample,
  type Sample,
  type SampleProbes,
  writeProbes,
} from './init-probes.ts'

export interface InitOptions {
  readonly sample?: string
  readonly force?: boolean
}

/** Writes the manifest and, from a sample, the probes beside a model file; returns what to tell. */
export async function initModel(given: string, { sample, force = false }: InitOptions): Promise<string> {
  const { file, mlflow } = await findFile(given)
  const folder = path.dirname(file)
  const targets = [MANIFEST, ...(sample === undefined ? [] : [DEFAULT_PROBE])].map((name) =>
    path.join(folder, name),
  )
  if (!force) for (const target of targets) if (await exists(target)) throw taken(target)

  const read = await open({ file, mlflow, json: null, probe: null })
  const rows = sample === undefined ? undefined : await readSample(sample, read)
  const json = await manifestOf(read, rows)
  // What stays beside the file must still be true of it.
  const kept = path.join(folder, DEFAULT_PROBE)
  const probe = rows === undefined && (await exists(kept)) ? kept : null
  const ready = await open({ file, mlflow: null, json, probe })
  const probes = rows === undefined ? undefined : await writeProbes(ready, rows)
  if (probes !== undefined && rows !== undefined)
    await runProbes(ready.model, probes.text, { file: rows.file, tolerance: probes.tolerance })

  if (probes !== undefined) await put(kept, probes.text, force)
  await put(path.join(folder, MANIFEST), json, force)
  return tell(given, { ready, probes, rows })
}

interface FoundModel {
  readonly file: string
  readonly mlflow: MlflowSignature | null
}

async function findFile(given: string): Promise<FoundModel> {
  const place = path.resolve(given)
  const info = await stat(place).catch((error: unknown) => {
    throw new CommandError('command.input', `${place} cannot be read: ${messageOf(error)}.`, { cause: error })
  })
  if (!info.isDirectory()) return { file: place, mlflow: null }
  const names = await readdir(place)
  if (names.includes(MLMODEL)) return findMlflow(place)
  const files = await modelFilesIn(place, names)
  const [file] = files
  if (file !== undefined && files.length === 1) return { file: path.join(place, file), mlflow: null }
  if (files.length > 1)
    throw wrong(`${place} holds ${files.length} model files (${files.join(', ')}). Give the path of one.`)
  const versions = await versionsIn(place)
  if (versions.length === 0) throw wrong(`${place} holds no model. Put a model file there, or give its path.`)
  return findFile(path.join(place, latest(versions)))
}

async function findMlflow(folder: string): Promise<FoundModel> {
  const place = { name: null, folder, file: MLMODEL, versionFolder: null, wanted: null }
  const found = await locateMlflow(place, [path.parse(folder).root])
  if (found === null) throw wrong(`${path.join(folder, MLMODEL)} cannot be read.`)
  const { file, ...at } = found.place
  return { file: path.join(at.folder, file ?? ''), mlflow: found.signature }
}

/** Reads a model as a worker does, with a manifest that is not written yet. */
async function open(
  model: FoundModel & { readonly json: string | null; readonly probe: string | null },
): Promise<ReadyModel> {
  const { file, json, mlflow, probe } = model
  const manifest = json === null ? null : parseManifest(json, path.join(path.dirname(file), MANIFEST))
  const name = path.basename(file).replace(/(\.mojo)?\.[^.]+$/, '')
  return loadModel({ name, version: '1', file, manifest, mlflow, probe, stamp: '' })
}

const TYPES = { numeric: 'double', categorical: 'string', tensor: 'tensor' } as const

async function manifestOf(ready: ReadyModel, sample: Sample | undefined): Promise<string> {
  const { decision, file, loaded, model } = ready
  const names = sample === undefined ? undefined : nameColumns(ready, sample)
  const sha256 = createHash('sha256')
    .update(await readFile(file))
    .digest('hex')
  const own = loaded.format.startsWith('h2o') ? decision : null
  const postprocess = {
    ...(loaded.labels.length > 0 ? { labels: loaded.labels } : {}),
    ...(own === null ? {} : { threshold: own.threshold, thresholdClass: own.thresholdClass }),
    ...(model.threshold === undefined ? {} : { threshold: model.threshold }),
  }
  const manifest = {
    manifestVersion: 1,
    task: loaded.task,
    ...(loaded.reader === undefined ? { platform: platformOf(loaded.format) } : {}),
    artifact: { path: path.basename(file), sha256 },
    signature: {
      inputs: model.inputs.map(({ name, type, required }, i) => ({
        ...{ name: names?.[i] ?? name, type: TYPES[type] },
        ...(required || ready.mlflow === null ? {} : { required }), // else what the reader of the file assumes
      })),
    },
    ...(Object.keys(postprocess).length > 0 ? { postprocess } : {}),
    source: { format: loaded.format, formatVersion: loaded.formatVersion, algorithm: loaded.algorithm },
  }
  return `${JSON.stringify(manifest, null, 2)}\n`
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  )
}

/** The file appears whole, and takes the place of another only by force. */
async function put(target: string, text: string, force: boolean): Promise<void> {
  const draft = path.join(path.dirname(target), `.${path.basename(target)}.${randomUUID()}`)
  try {
    await writeFile(draft, text, { flush: true, flag: 'wx' })
    if (force) await rename(draft, target)
    else await link(draft, target)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') throw taken(target)
    throw new CommandError('command.input', `${target} cannot be written: ${messageOf(error)}.`, {
      cause: error,
    })
  } finally {
    await rm(draft, { force: true })
  }
}

interface Written {
  readonly ready: ReadyModel
  readonly probes: SampleProbes | undefined
  readonly rows: Sample | undefined
}

function tell(given: string, { ready, probes, rows }: Written): string {
  const { loaded, model } = ready
  const folder = path.dirname(ready.file)
  const labels = loaded.labels.length > 0 ? `, labels ${loaded.labels.slice(0, 10).join(', ')}` : ''
  const lines = [
    `${path.join(folder, MANIFEST)}: ${loaded.format} ${loaded.algorithm}, ${loaded.task}, ${model.inputs.length} columns${labels}`,
  ]
  if (probes !== undefined) lines.push(`${path.join(folder, DEFAULT_PROBE)}: ${probes.said}`)
  lines.push('Next:')
  if (isUnnamed(loaded) && rows === undefined)
    lines.push('  the file names no columns: name them in signature.inputs, or give a --sample with a header')
  if (loaded.labels.length > 0 && loaded.labels.every((label) => /^class\d+$/.test(label)))
    lines.push('  the file names no classes: name them in postprocess.labels (and then in probe.jsonl)')
  if (loaded.task === 'anomaly' && model.threshold === undefined)
    lines.push('  the file has no threshold: set postprocess.threshold, or threshold of DetectAnomaly')
  if (probes === undefined)
    lines.push('  write probe.jsonl, or give a --sample, so that a wrong file never serves')
  lines.push(
    `  sluice models inspect ${given}`,
    ...(probes === undefined ? [] : [`  sluice models verify ${given}`]),
  )
  return `${lines.join('\n')}\n`
}

function taken(target: string): CommandError {
  return wrong(`${target} is there already, and nothing was written. Give --force to overwrite it.`)
}

function wrong(message: string): CommandError {
  return new CommandError('command.input', message)
}
