import type { Float64Column, ModelColumn } from '../../api/batch.ts'
import { messageOf, ModelError } from '../../api/errors.ts'
import type { FormatModel } from '../../api/model-formats.ts'
import type { Scores } from '../../api/models.ts'
import type { Decision, LoadedModel } from '../loaded-model.ts'
import { float64 } from '../scores/class-scores.ts'
import { decideLabel } from '../scores/network-labels.ts'
import { formatProblems } from './format-problems.ts'
import { type PackagedFormat, readerOf } from './packaged-formats.ts'
import type { ModelFile } from './read-model-file.ts'

/** How long the reading of a file may wait for something, in milliseconds; what keeps the process busy ends with its deadline. */
const PATIENCE = 30_000

/**
 * Reads a model file with the plugin of a package. What it returns is checked, and so is each batch of scores: whatever is
 * wrong is an error of the model that names the plugin, its version and its package.
 */
export async function readPackaged(
  format: PackagedFormat,
  { name, bytes, manifest }: ModelFile,
  patience: number = PATIENCE,
): Promise<LoadedModel> {
  const reader = readerOf(format)
  const file = { name, bytes, manifest }
  const read: unknown = await guarded(reader, () =>
    inTime(Promise.resolve(format.plugin.read(file)), patience),
  )
  const problems = formatProblems(read)
  if (problems.length > 0) throw broken(reader, `returned a model that is none: ${problems.join('; ')}`)
  const model = read as FormatModel
  const labels = labelsOf(model, manifest?.postprocess?.labels)
  const outputs = outputsOf(model, labels)
  const [, second] = labels
  return {
    format: format.plugin.format,
    formatVersion: model.formatVersion,
    algorithm: model.algorithm,
    task: model.task,
    labels,
    outputs,
    inputs: model.inputs,
    reader,
    decision:
      model.decision === undefined || second === undefined
        ? null
        : { threshold: model.decision, thresholdClass: second },
    ...(model.threshold === undefined ? {} : { threshold: model.threshold }),
    facts: model.facts ?? {},
    warnings: model.warnings ?? [],
    score: async (columns, length, decision) => {
      const numbers = await scored({ reader, model, width: Math.max(1, outputs.length) }, columns, length)
      return scoresOf(model, numbers.map(float64), { labels, decision })
    },
  }
}

/** Two classes with one output each, as in a manifest or numbered: `class0`, `class1`, … */
function labelsOf({ task, classes }: FormatModel, named: readonly string[] | undefined): readonly string[] {
  if (task !== 'classification' || classes === undefined) return []
  if (typeof classes !== 'number') return classes
  if (named === undefined) return Array.from({ length: classes }, (_, i) => `class${i}`)
  if (named.length === classes) return named
  const what = `postprocess.labels names ${named.length} classes, but the model has ${classes}`
  throw new ModelError('model.manifest', `${what}. Correct the manifest.`)
}

function outputsOf({ task, outputs }: FormatModel, labels: readonly string[]): readonly string[] {
  if (task === 'classification') return labels
  return task === 'regression' ? [] : (outputs ?? ['score'])
}

function scoresOf(
  { task }: FormatModel,
  columns: readonly Float64Column[],
  { labels, decision }: { readonly labels: readonly string[]; readonly decision: Decision | null },
): Scores {
  const [first = float64(new Float64Array(0))] = columns
  if (task === 'classification')
    return { prediction: decideLabel(columns, labels, decision), outputs: columns }
  return { prediction: first, outputs: task === 'regression' ? [] : columns }
}

interface Scoring {
  readonly reader: string
  readonly model: FormatModel
  /** How many columns it gives. */
  readonly width: number
}

async function scored({ reader, model, width }: Scoring, columns: readonly ModelColumn[], length: number) {
  const given: unknown = await guarded(reader, () => model.score(columns, length))
  const isRight = (each: unknown): boolean => each instanceof Float64Array && each.length === length
  if (Array.isArray(given) && given.length === width && given.every(isRight)) return given as Float64Array[]
  throw broken(reader, `scored ${length} rows with ${shapeOf(given)}, not ${width} × Float64Array(${length})`)
}

function shapeOf(given: unknown): string {
  if (!Array.isArray(given)) return given === null ? 'null' : typeof given
  const shapes = given.map((each: unknown) => {
    if (!(each instanceof Float64Array)) return Array.isArray(each) ? 'Array' : typeof each
    return `Float64Array(${each.length})`
  })
  return `[${[...new Set(shapes)].slice(0, 3).join(', ')}] of ${given.length}`
}

async function guarded<T>(reader: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const code = error instanceof ModelError ? error.code : 'model.format'
    throw new ModelError(code, `the model format ${reader} says: ${messageOf(error)}`, { cause: error })
  }
}

async function inTime<T>(work: Promise<T>, patience: number): Promise<T> {
  const late = Promise.withResolvers<never>()
  const end = (): void => late.reject(new Error(`it did not read the file within ${patience} ms`))
  const timer = setTimeout(end, patience)
  return Promise.race([work, late.promise]).finally(() => clearTimeout(timer))
}

function broken(reader: string, what: string): ModelError {
  const advice = 'It is the package that is broken: install another version of it'
  return new ModelError('model.format', `the model format ${reader} ${what}. ${advice}.`)
}
