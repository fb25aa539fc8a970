import { existsSync } from 'node:fs'
import path from 'node:path'
import type { ModelColumn } from '../api/batch.ts'
import { ModelError } from '../api/errors.ts'
import type { Model } from '../api/models.ts'
import { whyIncompatible } from '../inference/store/live-model.ts'
import type { ReadyModel } from '../inference/store/load-model.ts'
import { ModelStore } from '../inference/store/model-store.ts'
import { toColumn } from '../inference/probe.ts'

/**
 * Opens a model by its path (`models/fraud/1/fraud.zip`, `models/fraud/1`, `models/fraud`, `models/fraud$1`), or by its
 * name below ./models. On the user's own machine any path is allowed.
 */
export async function openModel(reference: string): Promise<ReadyModel> {
  const { store, name } = find(reference)
  return store.open(name)
}

/** Where a model lies on this machine, and what it is called there. */
function find(reference: string): { readonly store: ModelStore; readonly name: string } {
  const file = path.resolve(reference)
  const isPath = existsSync(file)
  const { dir: modelsDir, base: name } = path.parse(
    isPath || /[/\\]/.test(reference) ? file : path.resolve('models', reference),
  )
  if (!isPath && !existsSync(path.join(modelsDir, name.split('$')[0] ?? ''))) {
    throw new ModelError(
      'model.missing',
      `There is no model at ${file}. Give the path of a model file or folder.`,
    )
  }
  const store = new ModelStore({ modelsDir, allowedDirs: [path.parse(file).root] })
  return { store, name: isPath ? file : name }
}

/** Scores one row of nothing where there are no probes: a model that never comes to an end is found out by that. */
export async function tryOut({ model, probed }: ReadyModel): Promise<void> {
  if (probed !== null) return
  const columns = model.inputs.map((input): ModelColumn => {
    if (input.type !== 'tensor') return toColumn(input, [null])
    const shape = input.shape ?? []
    const data = new Float64Array(shape.reduce((product, each) => product * each, 1))
    return { type: 'tensor', datatype: 'FP64', shape, data }
  })
  try {
    await model.score(columns, 1)
  } catch {
    // It may well refuse a row of nothing.
  }
}

/**
 * Throws `model.incompatible` where a model could not take over from another while a connector runs. Without a version that
 * is the latest that can be read, as for a connector that starts now.
 */
export async function checkReplaces(next: Model, replaces: string): Promise<void> {
  const { store, name } = find(replaces)
  const before = await store.openServing(name)
  const reason = whyIncompatible(before.model, next)
  if (reason === undefined) return
  throw new ModelError(
    'model.incompatible',
    `It cannot take over from version ${before.model.version} (${before.file}) while connectors run: ${reason}. Send it ` +
      'with a manifest that says the same as that of the other (labels, threshold, required columns), or under another ' +
      'name; or copy it into its folder and restart the connectors. Where the other does not serve, remove its folder.',
  )
}
