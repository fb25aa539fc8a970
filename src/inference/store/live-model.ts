import { type CategoryColumn, type ModelColumn, UNSEEN } from '../../api/batch.ts'
import type { Model, ModelInput } from '../../api/models.ts'
import type { ReadyModel } from './load-model.ts'

/** The folder of a version, and what changes when any of its files does. */
interface Found {
  readonly version: string
  readonly stamp: string
}

/**
 * A model that can be replaced while it serves. `model` is what transforms hold: it always speaks of the version that
 * serves now, and every call of `score` is answered by one version.
 */
export class LiveModel {
  /** As it was asked for. */
  readonly reference: string
  readonly model: Model
  /** The files that serve. */
  taken: Found
  /** The stamps of those that were refused, by version. */
  readonly refused = new Map<string, string>()
  /** The stamp that the last look saw. */
  seen: string
  #serving: ReadyModel

  constructor(reference: string, ready: ReadyModel, taken: Found) {
    this.reference = reference
    this.taken = taken
    this.seen = taken.stamp
    this.#serving = ready
    this.model = mirror(() => this.#serving.model)
  }

  get serving(): ReadyModel {
    return this.#serving
  }

  /** The next call of `score` is answered by `ready`; calls under way end with the version that they began with. */
  replace(ready: ReadyModel): void {
    this.#serving = ready
  }
}

/** Looks at `serving` once for every call, so that no call sees two models. */
function mirror(serving: () => Model): Model {
  return {
    get serving() {
      return serving()
    },
    get name() {
      return serving().name
    },
    get version() {
      return serving().version
    },
    get format() {
      return serving().format
    },
    get reader() {
      return serving().reader
    },
    get algorithm() {
      return serving().algorithm
    },
    get task() {
      return serving().task
    },
    get labels() {
      return serving().labels
    },
    get outputs() {
      return serving().outputs
    },
    get outputTypes() {
      return serving().outputTypes ?? []
    },
    get isCalibrated() {
      return serving().isCalibrated ?? false
    },
    get inputs() {
      return serving().inputs
    },
    get threshold() {
      return serving().threshold
    },
    score(columns, length) {
      const model = serving()
      return model.score(fitLevels(columns, model.inputs), length)
    },
  }
}

/** Who read its columns for the version before has other numbers for the same levels, where the new one knows more. */
function fitLevels(columns: readonly ModelColumn[], inputs: readonly ModelInput[]): readonly ModelColumn[] {
  return columns.map((column, i) => {
    const domain = inputs[i]?.domain
    if (column.type !== 'category' || domain === undefined || isSame(column.domain, domain)) return column
    return translate(column, domain)
  })
}

function translate(column: CategoryColumn, domain: readonly string[]): CategoryColumn {
  const levelOf = new Map(domain.map((name, level) => [name, level]))
  const table = column.domain.map((name) => levelOf.get(name) ?? UNSEEN)
  return { type: 'category', domain, levels: column.levels.map((level) => table[level] ?? level) }
}

function isSame(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a === b || (a.length === b.length && a.every((each, i) => each === b[i]))
}

/**
 * Why `next` cannot take over from `serving` while a connector runs: it reads other fields, or would write others.
 * Levels of categories may differ, and numbers, which is what training again changes.
 */
export function whyIncompatible(serving: Model, next: Model): string | undefined {
  for (const what of ['format', 'algorithm', 'task'] as const) {
    if (serving[what] !== next[what]) return `its ${what} is ${next[what]}, not ${serving[what]}`
  }
  const columns =
    difference('input columns', serving.inputs.map(signature), next.inputs.map(signature)) ??
    difference('outputs', outputsOf(serving), outputsOf(next)) ??
    difference('types of outputs', serving.outputTypes ?? [], next.outputTypes ?? [])
  if (columns !== undefined) return columns
  const [had, has] = [serving.threshold !== undefined, next.threshold !== undefined]
  if (had === has) return undefined
  return has ? 'it has a threshold, which the one that serves lacks' : 'it has no threshold'
}

function outputsOf({ isCalibrated = false, labels, outputs }: Model): readonly string[] {
  return isCalibrated ? [...outputs, ...labels.map((label) => `cal_${label}`)] : outputs
}

function signature({ crop, datatype, holds, name, required, shape, type }: ModelInput): string {
  const tensor =
    type === 'tensor'
      ? ` of ${datatype ?? 'any'} [${shape?.join(', ') ?? ''}]${crop === undefined ? '' : `, crop ${crop}`}`
      : ''
  const numbers = holds === undefined ? '' : `, ${datatype ?? holds}`
  return `${name} (${type}${tensor}${numbers}${required ? ', required' : ''})`
}

function difference(what: string, had: readonly string[], has: readonly string[]): string | undefined {
  if (isSame(had, has)) return undefined
  const gone = had.filter((each) => !has.includes(each))
  const added = has.filter((each) => !had.includes(each))
  if (gone.length + added.length === 0) return `its ${what} are in another order`
  const parts = [
    ...(gone.length > 0 ? [`without ${shorten(gone)}`] : []),
    ...(added.length > 0 ? [`with ${shorten(added)}`] : []),
  ]
  return `its ${what} differ: ${parts.join(', ')}`
}

const SHOWN = 10

function shorten(names: readonly string[]): string {
  return names.slice(0, SHOWN).join(', ') + (names.length > SHOWN ? ', …' : '')
}
