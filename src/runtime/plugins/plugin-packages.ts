import { registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'
import { messageOf } from '../../api/errors.ts'
import type { AnyPlugin } from '../../api/plugins.ts'
import { rememberLeftOut, type TellLeftOut } from './left-out.ts'
import { entryOf, packageLabel } from './package-manifest.ts'
import { addPlugin } from './plugin-lists.ts'
import { isNamed, isObject, NO_PLUGINS, whatIsWrong } from './plugin-problems.ts'

/** How long, in milliseconds, the import of a package may wait for something. */
const PATIENCE = 10_000
/** The packages of this process: a module is imported once, whoever asks for it again. */
const loaded = new Set<string>()

/**
 * Imports packages and adds their plugins to those that configurations can name (invariant 8: modules on the worker's
 * own `plugin.path` are imported once, at start). What is wrong with one is told, and hurts no other.
 */
export async function loadPackages(folders: readonly string[], tell: TellLeftOut): Promise<void> {
  if (folders.length > 0) shareSluice()
  for (const folder of folders) {
    if (loaded.has(folder)) continue
    loaded.add(folder)
    const label = packageLabel(folder)
    const leaveOut = (reason: string, plugin?: string): void => {
      const problem = { folder, package: label, ...(plugin === undefined ? {} : { plugin }), reason }
      rememberLeftOut(problem)
      tell(problem)
    }
    try {
      const exported: unknown = await withPatience(import(pathToFileURL(entryOf(folder)).href))
      for (const plugin of pluginsOf(exported)) {
        const refusal = whatIsWrong(plugin) ?? addPlugin(plugin as AnyPlugin, { folder, label })
        if (refusal !== undefined) leaveOut(refusal, nameOf(plugin))
      }
    } catch (error) {
      leaveOut(messageOf(error) + adviceOn(error))
    }
  }
}

let isShared = false

/** A plugin's `sluice` is the one that runs, wherever the plugin lies: their errors and records are of one kind then. */
function shareSluice(): void {
  if (isShared) return
  isShared = true
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

function adviceOn(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const isNative = code === 'ERR_DLOPEN_FAILED' || /\.node\b/.test(messageOf(error))
  if (isNative) return '. Its native code is missing, or was built for another system: run npm rebuild there'
  return code === 'ERR_MODULE_NOT_FOUND' ? '. Run npm install there' : ''
}

/** The default export, one plugin or an array of them, and the array `plugins`. All of CommonJS is its default export. */
function pluginsOf(exported: unknown): readonly unknown[] {
  const { default: whole, plugins } = exported as { readonly default?: unknown; readonly plugins?: unknown }
  const isCommon = isObject(whole) && !isNamed(whole) && ('plugins' in whole || 'default' in whole)
  const all = isCommon ? [whole['default'], whole['plugins']] : [whole, plugins]
  const found = all.filter((each) => each !== undefined && each !== null).flat()
  if (found.length === 0) throw new Error(`it exports no plugins: ${NO_PLUGINS}`)
  return [...new Set<unknown>(found)]
}

function nameOf(plugin: unknown): string | undefined {
  return isObject(plugin) && typeof plugin['name'] === 'string' ? plugin['name'] : undefined
}
