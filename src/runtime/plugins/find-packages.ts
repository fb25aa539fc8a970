import { existsSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { type PackageProblem, rememberLeftOut, type TellLeftOut } from './left-out.ts'
import { manifestOf, type PackageManifest, UNREADABLE } from './package-manifest.ts'
import { isObject } from './plugin-problems.ts'

const KEYWORD = 'sluice-plugin'
const NO_KEYWORD = `its package.json lacks the keyword ${KEYWORD}. Add "keywords": ["${KEYWORD}"]`

/**
 * The folders of plugin packages: those in a folder of `plugin.path` (itself one, its subfolders, and what is installed
 * in its node_modules with the keyword `sluice-plugin`), and those with the keyword in node_modules of `beside`.
 */
export function findPackages(pluginPath: readonly string[], beside: string, tell: TellLeftOut): string[] {
  const leaveOut = (problem: PackageProblem): void => {
    rememberLeftOut(problem)
    tell(problem)
  }
  const named = pluginPath.flatMap((folder) => {
    if (!isFolder(folder)) {
      const what = existsSync(folder) ? 'a file, and must name folders' : 'a folder that does not exist'
      leaveOut({ folder, reason: `plugin.path names ${what}` })
      return []
    }
    const own = hasKeyword(folder) ? [folder] : []
    const found = [
      ...own,
      ...subfolders(folder).filter((each) => manifestOf(each) !== null),
      ...installed(folder, leaveOut),
    ]
    const missing = own.length > 0 ? undefined : whyNotOne(folder, found.length === 0)
    if (missing !== undefined) leaveOut({ folder, reason: missing })
    return found
  })
  return [...new Set([...named, ...installed(beside, leaveOut)].map((folder) => path.resolve(folder)))]
}

/** Why a folder that `plugin.path` names is no package itself, where that matters: it should be one, or `isAlone`. */
function whyNotOne(folder: string, isAlone: boolean): string | undefined {
  const manifest = manifestOf(folder)
  if (manifest !== null) return isAlone || isForSluice(manifest) ? NO_KEYWORD : undefined
  if (!isAlone) return undefined
  return existsSync(path.join(folder, 'package.json'))
    ? UNREADABLE
    : 'plugin.path names a folder without npm packages; jars are not loaded'
}

function hasKeyword(folder: string): boolean {
  const keywords = manifestOf(folder)?.keywords
  return Array.isArray(keywords) && keywords.includes(KEYWORD)
}

/** What is installed in a folder with the keyword. A package that has Sluice as its peer should have it, and is told. */
function installed(folder: string, tell: TellLeftOut): string[] {
  const modules = path.join(folder, 'node_modules')
  if (!existsSync(modules)) return []
  return subfolders(modules).filter((each) => {
    if (hasKeyword(each)) return true
    if (isForSluice(manifestOf(each))) tell({ folder: each, reason: NO_KEYWORD })
    return false
  })
}

function isForSluice(manifest: PackageManifest | null): boolean {
  const peers = manifest?.peerDependencies
  return isObject(peers) && 'sluice' in peers
}

function isFolder(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isDirectory() === true
}

/** Those where a package may lie: the folders in a folder, and those below a scope (`@acme`). */
function subfolders(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => !name.startsWith('.') && name !== 'node_modules')
    .map((name) => path.join(folder, name))
    .filter(isFolder)
    .flatMap((each) => (path.basename(each).startsWith('@') ? subfolders(each) : [each]))
}
