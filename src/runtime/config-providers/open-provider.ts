import type { RawConfig } from '../../api/config.ts'
import { messageOf, NotFoundError } from '../../api/errors.ts'
import type { ConfigProvider, ConfigProviderPlugin } from '../../api/plugins.ts'
import { findConfigProvider, originOf } from '../plugins/plugins.ts'

/** A provider as a worker's settings name it: plain data, so that task hosts open the same. */
export interface ProviderSettings {
  /** What stands before the first colon of a reference. */
  readonly name: string
  readonly className: string
  readonly params: RawConfig
}

/** How long a provider may take for an answer, in milliseconds. */
const PATIENCE = 30_000

/** A provider that cannot be opened gives nothing, and says why to whoever refers to it. */
export function openProvider({ className, params }: ProviderSettings): ConfigProvider {
  const plugin = pluginOf(className)
  const failing = (reason: string): ConfigProvider => ({ get: () => Promise.reject(new Error(reason)) })
  if ('problem' in plugin) return failing(plugin.problem)
  try {
    return plugin.open(plugin.config.read(params))
  } catch (error) {
    return failing(`${whoIs(plugin)} cannot be opened: ${messageOf(error)}`)
  }
}

/** The answer of a provider, which may come from a package: it comes in time, and is of texts. */
export async function ask(
  provider: ConfigProvider | undefined,
  path: string,
  keys: ReadonlySet<string>,
  patience: number = PATIENCE,
): Promise<ReadonlyMap<string, string>> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`it gave no answer within ${patience} ms`)), patience)
  try {
    const values: unknown = await Promise.race([provider?.get(path, keys), late.promise])
    if (!(values instanceof Map)) throw new Error('it did not answer with a Map')
    if ([...values.values()].every((value) => typeof value === 'string')) return values as Map<string, string>
    throw new Error('it answered with something that is no text')
  } finally {
    clearTimeout(timer)
  }
}

function whoIs(plugin: ConfigProviderPlugin): string {
  const origin = originOf(plugin)
  return `${plugin.name} ${plugin.version}${origin === undefined ? '' : ` of ${origin.label}`}`
}

/** The plugin of a class, or why there is none. */
export function pluginOf(className: string): ConfigProviderPlugin | { readonly problem: string } {
  try {
    return findConfigProvider(className)
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error
    return { problem: error.message }
  }
}
