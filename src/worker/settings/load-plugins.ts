import { resolve } from 'node:path'
import { listOf, type RawConfig } from '../../api/config.ts'
import {
  ConfigProviders,
  type ProviderSettings,
  readProviders,
} from '../../runtime/config-providers/config-providers.ts'
import { findPackages } from '../../runtime/plugins/find-packages.ts'
import type { PackageProblem } from '../../runtime/plugins/left-out.ts'
import { loadPackages } from '../../runtime/plugins/plugin-packages.ts'

/** Loads the packages of a worker. `plugin.path` may refer to the providers that Sluice has itself. */
export async function loadPlugins(raw: ReadonlyMap<string, string>, file: string) {
  const path = 'plugin.path'
  const written = { [path]: raw.get(path) ?? '' }
  const { config } = await resolveOnce(readProviders(raw).providers, written, file)
  const leftOut: PackageProblem[] = []
  const tell = (problem: PackageProblem): void => void leftOut.push(problem)
  const folders = listOf(config[path] ?? '').map((folder) => resolve(folder))
  const pluginPackages = findPackages(folders, process.cwd(), tell)
  await loadPackages(pluginPackages, tell)
  return { pluginPackages, leftOut }
}

/** Puts values in the place of references, with providers that are asked this once. */
export async function resolveOnce(settings: readonly ProviderSettings[], config: RawConfig, owner: string) {
  const providers = new ConfigProviders(settings)
  try {
    return await providers.resolve(config, owner)
  } finally {
    providers.close()
  }
}
