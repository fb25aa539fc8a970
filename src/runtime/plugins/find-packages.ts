import { existsSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { type PackageProblem, rememberLeftOut, type TellLeftOut } from './left-out.ts'
import { manifestOf } from './package-manifest.ts'

const KEYWORD = 'sluice-plugin'

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
    if (!existsSync(folder)) {
      leaveOut({ folder, reason: 'plugin.path names a folder that does not exist' })
      return []
    }
    const own = hasKeyword(folder) ? [folder] : []
    const found = [
      ...own,
      ...subfolders(folder).filter((each) => manifestOf(each) !== null),
      ...installed(folder),
    ]
    if (found.length === 0)
      leaveOut({ folder, reason: 'plugin.path names a folder without npm packages; jars are not loaded' })
    return found
  })
  return [...new Set([...named, ...installed(beside)].map((folder) => path.resolve(folder)))]
}

function hasKeyword(folder: string): boolean {
  const keywords = manifestOf(folder)?.keywords
  return Array.isArray(keywords) && keywords.includes(KEYWORD)
}

function installed(folder: string): string[] {
  const modules = path.join(folder, 'node_modules')
  return existsSync(modules) ? subfolders(modules).filter(hasKeyword) : []
}

/** Those where a package may lie: the folders in a folder, and those below a scope (`@acme`). */
function subfolders(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => !name.startsWith('.') && name !== 'node_modules')
    .map((name) => path.join(folder, name))
    .filter((each) => statSync(each, { throwIfNoEntry: false })?.isDirectory() === true)
    .flatMap((each) => (path.basename(each).startsWith('@') ? subfolders(each) : [each]))
}
