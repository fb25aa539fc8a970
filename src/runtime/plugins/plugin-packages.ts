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
}

const KEYWORD = 'sluice-plugin'
/** How long, in milliseconds, the import of a package may wait for something. */
const PATIENCE = 10_000
const CONDITIONS = ['node', 'import', 'default']

/**
 * The folders of plugin packages: those in a folder of `plugin.path` (itself one, its subfolders, and what is installed
 * in its node_modules with the keyword `sluice-plugin`), and those with the keyword in node_modules of `beside`.
 */
export function findPackages(pluginPath: readonly string[], beside: string, tell: Tell): string[] {
  const named = pluginPath.flatMap((folder) => {
    if (!existsSync(folder)) {
      tell({ folder, reason: 'plugin.path names a folder that does not exist' })
      return []
    }
    const own = hasKeyword(folder) ? [folder] : []
    const found = [
      ...own,
      ...subfolders(folder).filter((each) => manifestOf(each) !== null),
      ...installed(folder),
    ]
    if (found.length === 0)
      tell({ folder, reason: 'plugin.path names a folder without npm packages; jars are not loaded' })
    return found
  })
  return [...new Set([...named, ...installed(beside)].map((folder) => path.resolve(folder)))]
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
  registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier, specifier === 'sluice' ? { ...context, parentURL: import.meta.url } : context),
  })
}

async function withPatience<T>(work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`its import did not end within ${PATIENCE} ms`)), PATIENCE)
  return Promise.race([work, promise]).finally(() => clearTimeout(timer))
}

/** The default export, one plugin or an array of them, and the array `plugins`. */
function pluginsOf(exported: unknown): readonly unknown[] {
  const { default: whole, plugins } = exported as { readonly default?: unknown; readonly plugins?: unknown }
  const found = [whole, plugins].filter((each) => each !== undefined && each !== null).flat()
  if (found.length === 0)
    throw new Error('it exports no plugins: export an array, as default or as `plugins`')
  return [...new Set<unknown>(found)]
}

function whatIsWrong(plugin: unknown): string | undefined {
  if (typeof plugin !== 'object' || plugin === null) return 'it exports something that is no plugin'
  const { name, kind, version, config, open, aliases } = plugin as Readonly<Record<string, unknown>>
  if (typeof name !== 'string' || !/^[A-Za-z][\w.]*$/.test(name))
    return `a plugin has no name of letters, digits, "_" and "."`
  if (typeof kind !== 'string') return `plugin ${name} has no kind`
  if (typeof version !== 'string') return `plugin ${name} has no version`
  if (typeof config !== 'object' || config === null || !('keys' in config) || !('read' in config))
    return `plugin ${name} has no config: make it with defineConfig`
  if (['converter', 'predicate'].includes(kind) && !Array.isArray(aliases))
    return `plugin ${name} has no list of aliases`
  return typeof open === 'function' ? undefined : `plugin ${name} has no function open`
}

/** The file that `import` takes for the package. */
function entryOf(folder: string): string {
  const manifest = manifestOf(folder)
  if (manifest === null) throw new Error('its package.json cannot be read')
  const { exports, main } = manifest
  const dot = typeof exports === 'object' && exports !== null && '.' in exports ? exports['.'] : exports
  const named = conditional(dot) ?? (typeof main === 'string' ? main : 'index.js')
  const file = path.resolve(folder, named)
  if (!existsSync(file))
    throw new Error(`its package.json names ${named}, which is not there. Build the package`)
  return file
}

function conditional(target: unknown): string | undefined {
  if (typeof target === 'string') return target
  if (typeof target !== 'object' || target === null) return undefined
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
