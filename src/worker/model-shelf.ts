import { execFile } from 'node:child_process'
import { ModelError } from '../api/errors.ts'
import {
  addVersion,
  listModels,
  type ModelVersions,
  type NewVersion,
} from '../inference/model-store-versions.ts'

const CHECK_LIMIT_MS = 60_000

/** Reads and probes the model in a folder; throws ModelError where it is refused. */
export type CheckModel = (folder: string) => Promise<void>

/** The models below `models.dir`, as the worker shows and takes them. */
export interface ModelShelf {
  list(): Promise<readonly ModelVersions[]>
  /** Takes a model that passes its check, and returns its version. Throws ModelError where it is refused. */
  add(version: NewVersion): Promise<string>
}

export function modelShelf(modelsDir: string, check: CheckModel = processCheck()): ModelShelf {
  return { list: () => listModels(modelsDir), add: (version) => addVersion(modelsDir, version, check) }
}

/**
 * Checks in a process of its own, started with the command line of this one: reading a model may take long and much
 * memory, and its file comes from somebody else.
 */
export function processCheck(
  entry: string = process.argv[1] ?? '',
  execArgv: readonly string[] = process.execArgv,
): CheckModel {
  return (folder) => {
    const command = [...execArgv, entry, 'models', 'inspect', folder, '--json']
    const options = { timeout: CHECK_LIMIT_MS, killSignal: 'SIGKILL', maxBuffer: 2 ** 26 } as const
    return new Promise((resolve, reject) => {
      execFile(process.execPath, command, options, (error, _stdout, stderr) => {
        if (error === null) resolve()
        else reject(new ModelError('model.corrupt', reasonOf(stderr, folder)))
      })
    })
  }
}

function reasonOf(stderr: string, folder: string): string {
  const said = stderr.split('\n').findLast((line) => line.startsWith('sluice: '))
  if (said === undefined) return 'The model could not be read within the time and memory that there is.'
  return said.slice('sluice: '.length).replaceAll(`${folder}/`, '')
}
