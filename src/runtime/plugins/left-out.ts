import { tellOfMissing } from '../../inference/readers/packaged-formats.ts'

/** What was wrong with a package of plugins, or with one plugin in it. */
export interface PackageProblem {
  /** The folder of the package, or that of `plugin.path`. */
  readonly folder: string
  /** Name and version of the package, where it has any: `acme-text 1.0.0`. */
  readonly package?: string | undefined
  /** The one plugin of the package that is left out; absent where all are. */
  readonly plugin?: string | undefined
  readonly reason: string
}

export type TellLeftOut = (problem: PackageProblem) => void

const MOST_TOLD = 3
let problems: readonly PackageProblem[] = []

/** Remembers what was left out of this process, for whoever looks for it. */
export function rememberLeftOut(problem: PackageProblem): void {
  problems = [...problems, problem]
}

tellOfMissing(() => leftOutNote())

export function forgetLeftOut(): void {
  problems = []
}

/**
 * Whether a class that is not here may have been left out, as a sentence for its error: packages of which no plugin was
 * loaded, and plugins of that very name (where none is given, all). Empty where there are none.
 */
export function leftOutNote(name?: string): string {
  const found = problems.filter(({ plugin }) => [undefined, plugin].includes(name) || plugin === undefined)
  if (found.length === 0) return ''
  const told = found
    .slice(0, MOST_TOLD)
    .map(
      ({ folder, package: label, reason }) =>
        `${label === undefined ? '' : `${label} in `}${folder} (${reason})`,
    )
  const others = found.length > MOST_TOLD ? ` and ${found.length - MOST_TOLD} more, see the log` : ''
  return ` Left out when this worker started: ${told.join('; ')}${others}.`
}
