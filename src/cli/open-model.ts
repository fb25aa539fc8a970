import { existsSync } from 'node:fs'
import path from 'node:path'
import { ModelError } from '../api/errors.ts'
import type { ReadyModel } from '../inference/load-model.ts'
import { ModelStore } from '../inference/model-store.ts'

/** Opens a model by its path, or by its name below ./models. On the user's own machine any path is allowed. */
export async function openModel(reference: string): Promise<ReadyModel> {
  const file = path.resolve(reference)
  const modelsDir = path.resolve('models')
  const isPath = existsSync(file)
  if (
    !isPath &&
    (/[/\\]/.test(reference) || !existsSync(path.join(modelsDir, reference.split('$')[0] ?? '')))
  ) {
    throw new ModelError(
      'model.missing',
      `There is no model at ${file}. Give the path of a model file or folder.`,
    )
  }
  const store = new ModelStore({ modelsDir, allowedDirs: [path.parse(file).root] })
  return store.open(isPath ? file : reference)
}
