import path from 'node:path'
import { ConnectError, messageOf, NotFoundError } from '../api/errors.ts'
import { addVersion, type NewVersion } from '../inference/store/add-model-version.ts'
import { latest } from '../inference/store/model-folder.ts'
import { type InspectModel, inspectInProcess } from '../inference/store/model-inspection.ts'
import { findVersions, listModels, type ModelVersions } from '../inference/store/model-store-versions.ts'
import { KeyedQueue } from './keyed-queue.ts'

export type { NewVersion }

/** One version of a model: what `sluice models inspect --json` says of it, or why it cannot be read. */
export interface ModelView extends ModelVersions {
  /** Which version serves where none is named; null where the model has none. */
  readonly latest: string | null
  readonly version: string
  readonly error?: string
  readonly [fact: string]: unknown
}

/** The models below `models.dir`, as the worker shows and takes them. */
export interface ModelShelf {
  list(): Promise<readonly ModelVersions[]>
  /** A version of a model, or the latest. Throws NotFoundError. */
  show(name: string, version?: string): Promise<ModelView>
  /** Takes a model that passes its check, and returns its version. Throws as `addVersion` does. */
  add(version: NewVersion): Promise<string>
}

export function modelShelf(modelsDir: string, inspect: InspectModel = inspectInProcess()): ModelShelf {
  // One at a time: each may take much memory, and the second version of a model is held against the first.
  const queue = new KeyedQueue()
  const one = <T>(work: () => Promise<T>): Promise<T> => queue.run('', work)
  return {
    list: () => listModels(modelsDir),
    show: (name, version) => one(() => show(modelsDir, { name, version }, inspect)),
    add: (version) => one(() => addVersion(modelsDir, version, inspect)),
  }
}

async function show(
  modelsDir: string,
  { name, version }: { readonly name: string; readonly version: string | undefined },
  inspect: InspectModel,
): Promise<ModelView> {
  const found = await findVersions(modelsDir, name)
  if (found === undefined)
    throw new NotFoundError('model.missing', 'There is no model of this name. GET /sluice/models lists them.')
  const { versions } = found
  if (version !== undefined && !versions.includes(version)) {
    const others = versions.length === 0 ? 'no versions' : versions.join(', ')
    throw new NotFoundError(
      'model.missing',
      `The model ${name} has no version of this name. It has: ${others}.`,
    )
  }
  const last = versions.length === 0 ? null : latest(versions)
  const shown = version ?? last
  const view = { name, versions, latest: last, version: shown ?? '1' }
  try {
    const facts = await inspect(path.join(modelsDir, shown === null ? name : `${name}$${shown}`))
    return { ...view, ...facts, file: path.basename(facts.file) }
  } catch (error) {
    if (error instanceof ConnectError) return { ...view, error: messageOf(error) }
    throw error
  }
}
