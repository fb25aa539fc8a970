import { existsSync } from 'node:fs'
import path from 'node:path'

/**
 * What is wrong with where npm is to take Sluice from; undefined where nothing, or where npm alone can tell.
 * `folder` is that of the package: the path of a file counts from there.
 */
export function sluiceProblem(spec: string, folder: string): string | undefined {
  if (spec.trim() === '') return '--sluice is empty: name a version, or file: and the path of a tarball'
  const [, scheme = '', place = ''] = /^(file:(?:\/\/(?=\/))?)?(.*)$/.exec(spec) ?? []
  if (scheme === '' && !/^\.{0,2}\//.test(place)) return undefined
  if (place === '') return '--sluice names no file: put the path of a tarball after file:'
  const file = path.resolve(folder, place)
  if (place.startsWith('~') || existsSync(file)) return undefined
  return `--sluice names ${file}, which is not there: its path counts from the folder of the package`
}

/** Which Node a package needs, where the present one is older; undefined where it will do. */
export function nodeProblem(needed: string, present: string): string | undefined {
  const [wanted = [], found = []] = [needed.replace('>=', ''), present].map((version) =>
    version.split('.').map(Number),
  )
  const differs = wanted.findIndex((part, i) => part !== found[i])
  if (differs < 0 || (found[differs] ?? 0) > (wanted[differs] ?? 0)) return undefined
  return `the package needs Node ${wanted.join('.')} or newer, and this is ${present}; install a newer one from https://nodejs.org or with your package manager first`
}
