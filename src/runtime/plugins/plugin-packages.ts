import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { registerHooks } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { messageOf } from '../../api/errors.ts'
import type { AnyPlugin } from '../../api/plugins.ts'
import { addPlugin } from './plugins.ts'

/** What was wrong with a package of plugins, or with one plugin in it. */
export interface PackageProblem {
  /** The folder of the package, or that of `plugin.path`. */
  readonly folder: string
  readonly reason: string
}

type Tell = (problem: PackageProblem) => void

/** The part of package.json that is read. */
interface Manifest {
  readonly name?: unknown
  readonly main?: unknown
  readonly exports?: unknown
  readonly keywords?: unknown
  readonly peerDependencies?: unknown
}

const KEYWORD = 'sluice-plugin'
const NO_KEYWORD = `its package.json lacks the keyword ${KEYWORD}. Add "keywords": ["${KEYWORD}"]`
const UNREADABLE = 'its package.json cannot be read: it is no JSON'
const NO_PLUGINS = 'export an array of plugins, as default or as `plugins`'
/** How long, in milliseconds, the import of a package may wait for something. */
const PATIENCE = 10_000
const CONDITIONS = ['node', 'import', 'default']

/**
 * The folders of plugin packages: those in a folder of `plugin.path` (itself one, its subfolders, and what is installed
 * in its node_modules with the keyword `sluice-plugin`), and those with the keyword in node_modules of `beside`.
 */
export function findPackages(pluginPath: readonly string[], beside: string, tell: Tell): string[] {
  const named = pluginPath.flatMap((folder) => {
    if (!isFolder(folder)) {
      const what = existsSync(folder) ? 'a file, and must name folders' : 'a folder that does not exist'
      tell({ folder, reason: `plugin.path names ${what}` })
      return []
    }
    const own = hasKeyword(folder) ? [folder] : []
    const found = [
      ...own,
      ...subfolders(folder).filter((each) => manifestOf(each) !== null),
      ...installed(folder, tell),
    ]
    const missing = own.length > 0 ? undefined : whyNotOne(folder, found.length === 0)
    if (missing !== undefined) tell({ folder, reason: missing })
    return found
  })
  return [...new Set([...named, ...installed(beside, tell)].map((folder) => path.resolve(folder)))]
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

/**
 * Imports packages and adds their plugins to those that configurations can name (invariant 8: modules on the worker's
 * own `plugin.path` are imported once, at start). What is wrong with one is told, and hurts no other.
 */
export async function loadPackages(folders: readonly string[], tell: Tell): Promise<void> {
  if (folders.length > 0) shareSluice()
  for (const folder of folders) {
    try {
      const exported: unknown = await withPatience(import(pathToFileURL(entryOf(folder)).href))
      for (const plugin of pluginsOf(exported)) {
        const refusal = whatIsWrong(plugin) ?? addPlugin(plugin as AnyPlugin, folder)
        if (refusal !== undefined) tell({ folder, reason: refusal })
      }
    } catch (error) {
      tell({ folder, reason: messageOf(error) })
    }
  }
}

/** A plugin's `sluice` is the one that runs, wherever the plugin lies: their errors and records are of one kind then. */
function shareSluice(): void {
  const url = import.meta.resolve('sluice')
  registerHooks({
    resolve: (specifier, context, next) =>
      specifier === 'sluice' ? { url, format: 'module', shortCircuit: true } : next(specifier, context),
  })
}

async function withPatience<T>(work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`its import did not end within ${PATIENCE} ms`)), PATIENCE)
  return Promise.race([work, promise]).finally(() => clearTimeout(timer))
}

interface Exports {
  readonly default?: unknown
  readonly plugins?: unknown
}

/** The default export, one plugin or an array of them, and the array `plugins`. All of CommonJS is its default export. */
function pluginsOf(exported: unknown): readonly unknown[] {
  const { default: whole, plugins } = exported as Exports
  const isCommon = isObject(whole) && !isNamed(whole) && ('plugins' in whole || 'default' in whole)
  const all = isCommon ? [(whole as Exports).default, (whole as Exports).plugins] : [whole, plugins]
  const found = all.filter((each) => each !== undefined && each !== null).flat()
  if (found.length === 0) throw new Error(`it exports no plugins: ${NO_PLUGINS}`)
  return [...new Set<unknown>(found)]
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null
const isNamed = (value: object): boolean => 'name' in value || 'kind' in value

function whatIsWrong(plugin: unknown): string | undefined {
  if (!isObject(plugin) || !isNamed(plugin)) return `it exports something that is no plugin: ${NO_PLUGINS}`
  const { name, kind, version, config, open, aliases, taskConfigs } = plugin as Readonly<
    Record<string, unknown>
  >
  if (typeof name !== 'string') return 'a plugin has no name'
  if (!/^[A-Za-z][\w.]*$/.test(name))
    return `"${name}" is no name for a plugin: use letters, digits, "_" and ".", a letter first`
  if (typeof kind !== 'string') return `plugin ${name} has no kind`
  if (typeof version !== 'string') return `plugin ${name} has no version`
  if (!isObject(config) || !('keys' in config) || !('read' in config))
    return `plugin ${name} has no config: make it with defineConfig`
  if (['converter', 'predicate'].includes(kind) && !Array.isArray(aliases))
    return `plugin ${name} has no list of aliases`
  if (kind === 'source' && typeof taskConfigs !== 'function')
    return `plugin ${name} has no function taskConfigs`
  return typeof open === 'function' ? undefined : `plugin ${name} has no function open`
}

/** The file that `import` takes for the package. */
function entryOf(folder: string): string {
  const manifest = manifestOf(folder)
  if (manifest === null) throw new Error(UNREADABLE)
  const { exports, main } = manifest
  const dot = isObject(exports) && '.' in exports ? exports['.'] : exports
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
  if (!isObject(target)) return undefined
  const [chosen] = Object.entries(target).filter(([condition]) => CONDITIONS.includes(condition))
  return chosen === undefined ? undefined : conditional(chosen[1])
}

function manifestOf(folder: string): Manifest | null {
  try {
    return JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as Manifest
  } catch {
    return null
  }
}

function hasKeyword(folder: string): boolean {
  const keywords = manifestOf(folder)?.keywords
  return Array.isArray(keywords) && keywords.includes(KEYWORD)
}

/** What is installed in a folder with the keyword. A package that has Sluice as its peer should have it, and is told. */
function installed(folder: string, tell: Tell): string[] {
  const modules = path.join(folder, 'node_modules')
  if (!existsSync(modules)) return []
  return subfolders(modules).filter((each) => {
    if (hasKeyword(each)) return true
    if (isForSluice(manifestOf(each))) tell({ folder: each, reason: NO_KEYWORD })
    return false
  })
}

function isForSluice(manifest: Manifest | null): boolean {
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
