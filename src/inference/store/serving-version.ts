import path from 'node:path'
import { ConnectError } from '../../api/errors.ts'
import { inOrderOfService } from './model-folder.ts'
import type { InspectModel, ModelFacts } from './model-inspection.ts'
import type { ModelVersions } from './model-store-versions.ts'

/** Which version of a model a task that starts now would take. */
export interface Serving {
  /** The latest that can be read; null where none can. */
  readonly serving: { readonly version: string; readonly facts: ModelFacts } | null
  /** The versions before it in order of service, and why they are not taken. */
  readonly refused: readonly { readonly version: string; readonly error: string }[]
}

/** As the model store chooses, but reads nothing here: a version may never come to an end. */
export async function findServing(
  modelsDir: string,
  { name, versions }: ModelVersions,
  inspect: InspectModel,
): Promise<Serving> {
  const refused: { version: string; error: string }[] = []
  for (const version of inOrderOfService(versions)) {
    try {
      const facts = await inspect(path.join(modelsDir, `${name}$${version}`))
      return { serving: { version, facts }, refused }
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error
      refused.push({ version, error: error.message })
    }
  }
  return { serving: null, refused }
}
