import { execFile } from 'node:child_process'
import path from 'node:path'
import { ModelError } from '../../api/errors.ts'

export interface InspectionLimits {
  readonly milliseconds: number
  /** Of JavaScript's heap. */
  readonly heapMib: number
  /** Of all memory that the process writes to, where the system can limit that: Linux does. */
  readonly dataMib: number
}

export const INSPECTION_LIMITS: InspectionLimits = { milliseconds: 60_000, heapMib: 2048, dataMib: 4096 }
/** Of processor time, in seconds: a process whose worker was killed ends too. */
const CPU_LIMIT = 600

/** What is known of a model; all that `sluice models inspect --json` prints. */
export interface ModelFacts {
  readonly version: string
  readonly file: string
  readonly [fact: string]: unknown
}

/**
 * Reads and probes `<folder of models>/name$version`, or a file. Throws ModelError where it is refused, or could not
 * take over from the model `replaces`, named in the same way.
 */
export type InspectModel = (reference: string, replaces?: string) => Promise<ModelFacts>

/**
 * Inspects in a process of its own, started with the command line of this one, with a deadline and a limit of memory:
 * reading a model may take long and much, and its file comes from somebody else. `packages` are the folders of those whose
 * model formats may read it.
 */
export function inspectInProcess(
  limits: InspectionLimits = INSPECTION_LIMITS,
  entry: string = process.argv[1] ?? '',
  execArgv: readonly string[] = process.execArgv,
  packages: readonly string[] = [],
): InspectModel {
  const kib = limits.dataMib * 1024
  const shell = `ulimit -c 0; ulimit -t ${CPU_LIMIT}; ulimit -d ${kib} 2>/dev/null; exec "$@"`
  const node = [process.execPath, `--max-old-space-size=${limits.heapMib}`, ...execArgv]
  const limited = { timeout: limits.milliseconds, killSignal: 'SIGKILL', maxBuffer: 2 ** 26 } as const
  return async (reference, replaces) => {
    const compared = replaces === undefined ? [] : ['--replaces', replaces]
    const plugins = packages.flatMap((folder) => ['--plugin-package', folder])
    const options = ['--json', '--timeout', '0', ...compared, ...plugins]
    const command = [...node, entry, 'models', 'inspect', reference, ...options]
    const said = await new Promise<string>((resolve, reject) => {
      execFile('/bin/sh', ['-c', shell, 'sluice', ...command], limited, (error, stdout, stderr) => {
        if (error === null) resolve(stdout)
        else reject(new ModelError('model.corrupt', reasonOf(stderr, reference) ?? tooMuch(limits)))
      })
    })
    return JSON.parse(said) as ModelFacts
  }
}

function reasonOf(stderr: string, reference: string): string | undefined {
  const said = stderr.split('\n').findLast((line) => line.startsWith('sluice: '))
  return said?.slice('sluice: '.length).replaceAll(path.dirname(reference) + path.sep, '')
}

function tooMuch({ milliseconds, dataMib }: InspectionLimits): string {
  return (
    `The model could not be read and probed within ${milliseconds / 1000} s and ${dataMib} MiB of memory. ` +
    'Send a smaller one, or fewer probes.'
  )
}
