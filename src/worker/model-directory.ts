import path from 'node:path'
import { ConflictError, ConnectError, NotFoundError } from '../api/errors.ts'
import { type AddedVersion, addVersion, type NewVersion } from '../inference/store/add-model-version.ts'
import { latest } from '../inference/store/model-folder.ts'
import { type InspectModel, inspectInProcess, type ModelFacts } from '../inference/store/model-inspection.ts'
import {
  findVersions,
  listModels,
  type ModelVersions,
  ownVersions,
} from '../inference/store/model-store-versions.ts'
import { findServing, type Serving } from '../inference/store/serving-version.ts'
import { formatPackages } from '../runtime/plugins/plugin-lists.ts'
import { KeyedQueue } from './keyed-queue.ts'
import type { SharedModels } from './shared/shared-models.ts'

export type { NewVersion }

/** One version of a model: what `sluice models inspect --json` says of it, or why it cannot be read. */
export interface ModelView extends ModelVersions {
  /** Which version a task that starts now takes where none is named; null where the model has none that can be read. */
  readonly latest: string | null
  /** The versions that would go before it, and why they cannot be read. */
  readonly refused: Serving['refused']
  readonly version: string
  readonly error?: string
  readonly [fact: string]: unknown
}

/** The models below `models.dir`, as the worker shows and takes them. */
export interface ModelDirectory {
  list(): Promise<readonly ModelVersions[]>
  /** A version of a model, or the latest. Throws NotFoundError. */
  show(name: string, version?: string): Promise<ModelView>
  /** Takes a model that passes its check. Throws as `addVersion` does. */
  add(version: NewVersion): Promise<AddedVersion>
  /** Removes a version that came over REST. Throws NotFoundError; ConflictError where it did not come so. */
  remove(name: string, version: string): Promise<void>
}

/** The models that came to the cluster over REST. */
export type ClusterModels = Pick<SharedModels, 'publish' | 'remove'>

/** `cluster`: how a version reaches the other workers; undefined: it stays on this one. */
export function modelDirectory(
  modelsDir: string,
  inspect: InspectModel = inspectInProcess(undefined, undefined, undefined, formatPackages()),
  cluster: () => ClusterModels | undefined = () => undefined,
): ModelDirectory {
  // One at a time: each may take much memory, and the second version of a model is checked against the first.
  const queue = new KeyedQueue()
  const one = <T>(work: () => Promise<T>): Promise<T> => queue.run('', work)
  return {
    list: () => listModels(modelsDir),
    show: (name, version) => one(() => show(modelsDir, { name, version }, inspect)),
    add: (version) =>
      one(() => {
        const shared = cluster()
        return addVersion(modelsDir, version, inspect, shared && ((checked) => shared.publish(checked)))
      }),
    remove: (name, version) => one(() => remove(modelsDir, { name, version }, cluster())),
  }
}

async function remove(
  modelsDir: string,
  { name, version }: { readonly name: string; readonly version: string },
  cluster: ClusterModels | undefined,
): Promise<void> {
  if ((await cluster?.remove(name, version)) === true) return
  const found = await findVersions(modelsDir, name)
  if (found?.versions.includes(version) !== true)
    throw new NotFoundError('model.missing', `There is no version ${version} of a model ${name}.`)
  const message =
    `Version ${version} of the model ${name} did not come to the cluster over REST: it lies in models.dir of this worker, ` +
    'and of others perhaps. Remove its folder there.'
  throw new ConflictError('model.own', message)
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
  const own = versions.length > 0 ? versions : await ownVersions(modelsDir, name)
  if (version !== undefined && !own.includes(version)) {
    throw new NotFoundError(
      'model.missing',
      `The model ${name} has no version of this name. It has: ${own.join(', ')}.`,
    )
  }
  const { serving, refused } = await findServing(modelsDir, found, inspect)
  const view = { name, versions, latest: serving?.version ?? null, refused }
  const shown = version ?? serving?.version ?? refused[0]?.version
  if (serving !== null && shown === serving.version) return { ...view, ...shownFacts(serving.facts) }
  const known = refused.find((each) => each.version === shown)
  if (known !== undefined) return { ...view, ...known }
  try {
    const reference = shown === undefined ? name : `${name}$${shown}`
    return { ...view, ...shownFacts(await inspect(path.join(modelsDir, reference))) }
  } catch (error) {
    if (!(error instanceof ConnectError)) throw error
    return { ...view, version: shown ?? latest(own), error: error.message }
  }
}

/** Where the models lie is the worker's own affair. */
function shownFacts(facts: ModelFacts): ModelFacts {
  return { ...facts, file: path.basename(facts.file) }
}
