import path from 'node:path'
import type { ModelFormatPlugin } from '../api/model-formats.ts'
import type { AnyPlugin } from '../api/plugins.ts'

type Packaged = AnyPlugin | ModelFormatPlugin
type Loaded = Pick<Packaged, 'kind' | 'name' | 'version'>

const loaded = new Map<string, Promise<readonly Loaded[]>>()

/**
 * Loads the package of a folder as a worker whose `plugin.path` names it; gives its plugins.
 * @throws Error with all that is wrong with it, in the words of the worker's log
 */
export function loadPackage(folder: string): Promise<readonly Loaded[]> {
  const own = path.resolve(folder)
  const known = loaded.get(own) ?? load(own) // a second time its names would be taken
  loaded.set(own, known)
  return known
}

async function load(own: string): Promise<readonly Loaded[]> {
  const [{ findPackages }, { loadPackages }, lists] = await Promise.all([
    import('../runtime/plugins/find-packages.ts'),
    import('../runtime/plugins/plugin-packages.ts'),
    import('../runtime/plugins/plugin-lists.ts'),
  ])
  const problems: string[] = [] // of this package; what lies beside it is not under test
  const tell = ({ folder, reason }: { readonly folder: string; readonly reason: string }): void => {
    if (folder === own) problems.push(reason)
  }
  const found = findPackages([own], own, tell).filter((folder) => folder === own)
  if (found.length === 0 && problems.length === 0)
    problems.push('its package.json lacks the keyword sluice-plugin')
  await loadPackages(found, tell)
  if (problems.length > 0) throw new Error(`${own}: ${problems.join('; ')}.`)
  const { connectors, transforms, predicates, converters, configProviders, modelFormats, originOf } = lists
  const all = [connectors, transforms, predicates, converters, configProviders, modelFormats]
  const brought = all.flat().filter((plugin: Packaged) => originOf(plugin)?.folder === own)
  return brought.map(({ kind, name, version }) => ({ kind, name, version }))
}
