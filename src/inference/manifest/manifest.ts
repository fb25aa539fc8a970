import { messageOf, ModelError } from '../../api/errors.ts'
import type { ModelTask } from '../../api/models.ts'
import { type Preprocess, PREPROCESS, preprocessProblems } from './manifest-preprocess.ts'
import { array, choice, literal, number, object, optional, type Shape, text } from './manifest-shape.ts'

/** MLflow's column types, and how a model column of either kind may be declared. */
export const COLUMN_TYPES = {
  numeric: ['double', 'float', 'long', 'integer', 'boolean', 'datetime'],
  categorical: ['string'],
  tensor: ['tensor'],
} as const

const PLATFORMS = ['h2o_mojo', 'h2o_pojo', 'dl4j_zip', 'keras_h5', 'onnxruntime_onnx'] as const
const TASKS: readonly ModelTask[] = ['classification', 'regression', 'anomaly', 'vector']
const DATATYPES = ['BOOL', 'UINT8', 'INT8', 'INT16', 'INT32', 'INT64', 'FP16', 'FP32', 'FP64', 'BYTES']

export type Activation = 'softmax' | 'sigmoid'

/** The datatype of a tensor of which is known only that it holds floats. */
export const ANY_FLOAT = 'FP'

export interface ManifestTensor {
  /** Empty: the only one that there is. */
  readonly name: string
  /** As in the Open Inference Protocol; BYTES for texts. */
  readonly datatype: string
  /** −1 where a size is not fixed. */
  readonly shape: readonly number[]
}

export interface ManifestColumn {
  readonly name: string
  readonly type: string
  /** Default true: a record without the field fails. */
  readonly required?: boolean
}

/**
 * `manifest.json` beside a model file: what the file does not say, and what it must be. Version addressing and task as
 * in Confluent, platform by Open Inference, columns by MLflow signatures. Unknown keys are errors.
 */
export interface Manifest {
  readonly manifestVersion: 1
  readonly name?: string
  readonly versions?: readonly string[]
  readonly task?: ModelTask
  readonly platform?: (typeof PLATFORMS)[number]
  /** The tensors of the model file, by the names of the Open Inference Protocol; checked against the file. */
  readonly inputs?: readonly ManifestTensor[]
  readonly outputs?: readonly ManifestTensor[]
  readonly artifact: { readonly path: string; readonly sha256: string }
  readonly signature?: {
    readonly inputs?: readonly ManifestColumn[]
    readonly outputs?: readonly ManifestColumn[]
  }
  readonly preprocess?: Preprocess
  readonly postprocess?: {
    /** What turns the numbers that a network gives into probabilities, where it does not do so itself. */
    readonly activation?: Activation
    readonly labels?: readonly string[]
    readonly threshold?: number
    readonly thresholdClass?: string
  }
  /** A file of probes beside the manifest; `probe.jsonl` is used where it is not named. */
  readonly probe?: string
  readonly source?: {
    readonly format?: string
    readonly formatVersion?: string
    readonly algorithm?: string
    /** The largest difference to a probe's output that is allowed. */
    readonly tolerance?: number
  }
}

const column = object({
  name: text,
  type: choice(Object.values(COLUMN_TYPES).flat()),
  required: optional(literal('boolean')),
})

const tensor = object({ name: text, datatype: choice(DATATYPES), shape: array(number) })

const MANIFEST: Shape = object({
  manifestVersion: choice([1]),
  name: optional(text),
  versions: optional(array(text)),
  task: optional(choice(TASKS)),
  platform: optional(choice(PLATFORMS)),
  inputs: optional(array(tensor)),
  outputs: optional(array(tensor)),
  artifact: object({ path: text, sha256: text }),
  signature: optional(object({ inputs: optional(array(column)), outputs: optional(array(column)) })),
  preprocess: optional(PREPROCESS),
  postprocess: optional(
    object({
      activation: optional(choice(['softmax', 'sigmoid'])),
      labels: optional(array(literal('string'))),
      threshold: optional(number),
      thresholdClass: optional(text),
    }),
  ),
  probe: optional(text),
  source: optional(
    object({
      format: optional(text),
      formatVersion: optional(text),
      algorithm: optional(text),
      tolerance: optional(number),
    }),
  ),
})

/** Parses a manifest; throws `model.manifest` with every problem. `file` names it in messages. */
export function parseManifest(json: string, file: string): Manifest {
  let parsed: unknown
  try {
    parsed = JSON.parse(json.replace(/^\uFEFF/, ''))
  } catch (error) {
    const message = `${file} is not JSON (${messageOf(error)}): correct it, or remove it.`
    throw new ModelError('model.manifest', message, { cause: error })
  }
  const problems: string[] = []
  MANIFEST.check(parsed, '', problems)
  if (problems.length > 0) throw manifestError(file, problems)
  const manifest = parsed as Manifest
  if (!/^[0-9a-f]{64}$/i.test(manifest.artifact.sha256))
    problems.push('artifact.sha256: must be 64 hex digits')
  for (const [key, path] of [
    ['artifact.path', manifest.artifact.path] as const,
    ['probe', manifest.probe] as const,
  ]) {
    if (path !== undefined && !isPlainName(path))
      problems.push(`${key}: must name a file in the manifest's own folder`)
  }
  if (manifest.preprocess !== undefined) problems.push(...preprocessProblems(manifest.preprocess))
  problems.push(...labelProblems(manifest.postprocess?.labels ?? []))
  if (manifest.versions?.length === 0) problems.push('versions: must not be empty')
  if (problems.length > 0) throw manifestError(file, problems)
  return manifest
}

/** Whether a file's tensor is of the datatype that was declared. */
export function fitsDatatype(declared: string, found: string): boolean {
  return declared === ANY_FLOAT ? found.startsWith(ANY_FLOAT) : found === declared
}

function labelProblems(labels: readonly string[]): string[] {
  const twice = labels.find((label, i) => labels.indexOf(label) !== i)
  return [
    ...(labels.includes('') ? ['postprocess.labels: must not be empty texts'] : []),
    ...(twice === undefined || twice === '' ? [] : [`postprocess.labels: names ${twice} twice`]),
  ]
}

export function manifestError(file: string, problems: readonly string[]): ModelError {
  return new ModelError('model.manifest', `${file}: ${problems.join('; ')}. Correct the manifest.`)
}

function isPlainName(path: string): boolean {
  return !/[/\\\0]/.test(path) && path !== '..' && path !== '.'
}
