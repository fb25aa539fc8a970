import { didYouMean } from '../../api/did-you-mean.ts'
import type { ModelInput } from '../../api/models.ts'
import type { Decision, LoadedModel } from '../loaded-model.ts'
import { COLUMN_TYPES, type Manifest, type ManifestColumn, manifestError } from './manifest.ts'

/** What a manifest changes of a loaded model. */
export interface AppliedManifest {
  readonly inputs: readonly ModelInput[]
  readonly decision: Decision | null
  /** Anomaly models: see `Model.threshold`. */
  readonly threshold: number | null
}

/** Holds a manifest against its model file; throws `model.manifest` with every contradiction. */
export function applyManifest(manifest: Manifest, loaded: LoadedModel, file: string): AppliedManifest {
  const problems: string[] = []
  const { source, postprocess, task } = manifest
  const expect = (key: string, said: string | undefined, found: string) => {
    if (said !== undefined && said !== found)
      problems.push(`${key}: says ${said}, but the model file is ${found}`)
  }
  expect('task', task, loaded.task)
  expect('platform', manifest.platform, platformOf(loaded.format))
  expect('source.format', source?.format, loaded.format)
  expect('source.formatVersion', source?.formatVersion, loaded.formatVersion)
  expect('source.algorithm', source?.algorithm, loaded.algorithm)
  if (postprocess?.labels !== undefined && !isSame(postprocess.labels, loaded.labels)) {
    problems.push(
      `postprocess.labels: must be the model's own, ${JSON.stringify(loaded.labels)}, in this order`,
    )
  }
  if (
    postprocess?.activation !== undefined &&
    (loaded.format.startsWith('h2o') || loaded.reader !== undefined)
  )
    problems.push('postprocess.activation: is of no use where the model file itself gives probabilities')
  const decision = decide(manifest, loaded, problems)
  const inputs = applySignature(manifest.signature?.inputs, loaded.inputs, problems)
  if (problems.length > 0) throw manifestError(file, problems)
  const threshold = loaded.task === 'anomaly' ? (postprocess?.threshold ?? loaded.threshold) : undefined
  return { inputs, decision, threshold: threshold ?? null }
}

const PLATFORMS: Readonly<Record<string, string>> = { onnx: 'onnxruntime_onnx', dl4j: 'dl4j_zip' }

/** The name that a manifest has for a format. */
export function platformOf(format: string): string {
  return PLATFORMS[format] ?? (format.startsWith('keras') ? 'keras_h5' : format.replace('-', '_'))
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((each, i) => each === b[i])
}

function decide(
  { postprocess }: Manifest,
  { task, labels, decision }: LoadedModel,
  problems: string[],
): Decision | null {
  const { threshold, thresholdClass } = postprocess ?? {}
  if (threshold === undefined && thresholdClass === undefined) return decision
  if (task === 'anomaly' && thresholdClass === undefined) return null
  const second = labels[1]
  if (labels.length !== 2 || second === undefined) {
    problems.push('postprocess.threshold: only a model of two classes has one')
    return null
  }
  if (threshold !== undefined && (threshold < 0 || threshold > 1))
    problems.push('postprocess.threshold: is compared with a probability, so it must be from 0 to 1')
  if (threshold === undefined) problems.push('postprocess.thresholdClass: is of no use without a threshold')
  if (thresholdClass !== undefined && !labels.includes(thresholdClass)) {
    problems.push(`postprocess.thresholdClass: must be one of ${labels.join(', ')}`)
  }
  return {
    threshold: threshold ?? decision?.threshold ?? 0.5,
    thresholdClass: thresholdClass ?? decision?.thresholdClass ?? second,
  }
}

function applySignature(
  declared: readonly ManifestColumn[] | undefined,
  inputs: readonly ModelInput[],
  problems: string[],
): readonly ModelInput[] {
  if (declared === undefined) return inputs
  const columns = new Map(declared.map((column) => [column.name, column]))
  if (columns.size !== declared.length) problems.push('signature.inputs: names a column twice')
  const names = inputs.map((input) => input.name)
  for (const name of columns.keys()) {
    if (names.includes(name)) continue
    const near = didYouMean(name, names)
    problems.push(
      `signature.inputs: the model has no column ${name}${near === undefined ? '' : `, did you mean ${near}?`}`,
    )
  }
  return inputs.map((input): ModelInput => {
    const column = columns.get(input.name)
    if (column === undefined) {
      problems.push(`signature.inputs: lacks the model's column ${input.name}`)
      return input
    }
    const types: readonly string[] = COLUMN_TYPES[input.type]
    if (!types.includes(column.type)) {
      problems.push(
        `signature.inputs: ${input.name} is ${input.type}, so its type must be ${types.join(' or ')}`,
      )
    }
    const { type } = column
    const holds: Pick<ModelInput, 'holds'> = type === 'boolean' || type === 'datetime' ? { holds: type } : {}
    return { ...input, ...holds, required: column.required ?? true }
  })
}
