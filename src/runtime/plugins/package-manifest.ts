import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'

/** The part of package.json that is read. */
export interface PackageManifest {
  readonly name?: unknown
  readonly version?: unknown
  readonly main?: unknown
  readonly exports?: unknown
  readonly keywords?: unknown
  readonly peerDependencies?: unknown
}

export const UNREADABLE = 'its package.json cannot be read: it is no JSON'
const CONDITIONS = ['node', 'import', 'default']

/** Null where a folder is no package, or its package.json cannot be read. */
export function manifestOf(folder: string): PackageManifest | null {
  try {
    return JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as PackageManifest
  } catch {
    return null
  }
}

/** The name and version of a package, as messages name it; the name of its folder where it has none. */
export function packageLabel(folder: string): string {
  const { name, version } = manifestOf(folder) ?? {}
  const known = typeof name === 'string' ? name : path.basename(folder)
  return typeof version === 'string' ? `${known} ${version}` : known
}

/** The file that `import` takes for the package. */
export function entryOf(folder: string): string {
  const manifest = manifestOf(folder)
  if (manifest === null) throw new Error(UNREADABLE)
  const { exports, main } = manifest
  const dot = typeof exports === 'object' && exports !== null && '.' in exports ? exports['.'] : exports
  const named = conditional(dot) ?? (typeof main === 'string' ? main : undefined)
  const file = path.resolve(folder, named ?? 'index.js')
  if (existsSync(file)) return file
  throw new Error(
    named === undefined
      ? 'it has no index.js, and its package.json names no other file as "main"'
      : `its package.json names ${named}, which is not there. Build the package`,
  )
}

function conditional(target: unknown): string | undefined {
  if (typeof target === 'string') return target
  if (typeof target !== 'object' || target === null) return undefined
  const [chosen] = Object.entries(target).filter(([condition]) => CONDITIONS.includes(condition))
  return chosen === undefined ? undefined : conditional(chosen[1])
}
