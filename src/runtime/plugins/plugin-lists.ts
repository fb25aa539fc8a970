import { connectors } from '../../../connectors/index.ts'
import { predicates, transforms } from '../../../transforms/index.ts'
import { converters } from '../../converters/index.ts'
import type { ModelFormatPlugin } from '../../api/model-formats.ts'
import type { AnyPlugin } from '../../api/plugins.ts'
import { takeFormat } from '../../inference/readers/packaged-formats.ts'
import { configProviders } from '../config-providers/providers.ts'
import { compareVersions } from './maven-version.ts'

/** Every plugin has these two, and is told by them from the others of its list. */
export interface Named {
  readonly name: string
  readonly version: string
  readonly aliases?: readonly string[]
}

/** Readers of model files that packages brought; those of Sluice are no plugins. */
export const modelFormats: readonly ModelFormatPlugin[] = []

type Packaged = AnyPlugin | ModelFormatPlugin

const LISTS: Readonly<Record<string, readonly Packaged[]>> = {
  sink: connectors,
  source: connectors,
  transform: transforms,
  predicate: predicates,
  converter: converters,
  'config-provider': configProviders,
  'model-format': modelFormats,
}

/** The package that brought a plugin. */
export interface Origin {
  readonly folder: string
  /** Its name and version: `acme-text 1.0.0`. */
  readonly label: string
}

const origins = new WeakMap<object, Origin>()

/** The package that brought a plugin; undefined for those of Sluice. */
export function originOf(plugin: object): Origin | undefined {
  return origins.get(plugin)
}

/**
 * A plugin goes by its name and by its aliases, such as the name of a Java class. As in Kafka Connect the simple name of a
 * connector or converter needs no suffix: `FileStreamSink`, `Json`.
 */
export function isNamed(plugin: Pick<Named, 'name' | 'aliases'>, className: string): boolean {
  const names = [plugin.name, ...(plugin.aliases ?? [])]
  const suffix = 'kind' in plugin ? SUFFIXES[String(plugin.kind)] : undefined
  return names.includes(className) || (suffix !== undefined && names.includes(className + suffix))
}

const SUFFIXES: Readonly<Record<string, string>> = {
  sink: 'Connector',
  source: 'Connector',
  converter: 'Converter',
}

/**
 * Adds a plugin of a package to those that configurations can name; called at start alone. Gives what is wrong where it
 * cannot be added. Of one plugin there may be several versions, each from a package of its own (KIP-891); names that
 * Sluice has stay its own, so that no package changes what a configuration does.
 */
export function addPlugin(plugin: Packaged, origin: Origin): string | undefined {
  const list = LISTS[plugin.kind]
  if (list === undefined) return `plugin ${plugin.name} has a kind that does not exist, ${plugin.kind}`
  for (const other of list) {
    const reason = clash(plugin, other)
    if (reason !== undefined) return `plugin ${plugin.name} ${plugin.version} is left out: ${reason}`
  }
  const added = list as Packaged[]
  added.push(plugin)
  origins.set(plugin, origin)
  if (plugin.kind === 'model-format') handIn(plugin.name)
  return undefined
}

/** The latest version of a format reads. */
function handIn(name: string): void {
  const [latest] = modelFormats
    .filter((each) => each.name === name)
    .toSorted((a, b) => compareVersions(b.version, a.version))
  const origin = latest === undefined ? undefined : origins.get(latest)
  if (latest !== undefined && origin !== undefined) takeFormat({ plugin: latest, package: origin.label })
}

/** The folders of packages that brought model formats. */
export function formatPackages(): readonly string[] {
  return [...new Set(modelFormats.flatMap((each) => origins.get(each)?.folder ?? []))]
}

/** A format also goes by what manifests call it. */
function namesOf(plugin: Packaged): readonly string[] {
  return [plugin.name, ...(plugin.kind === 'model-format' ? [plugin.format] : (plugin.aliases ?? []))]
}

function clash(plugin: Packaged, other: Packaged): string | undefined {
  const shared = namesOf(plugin).find((name) => namesOf(other).includes(name))
  if (shared === undefined) return undefined
  const origin = origins.get(other)
  if (origin === undefined)
    return `Sluice has one of that name already${shared === plugin.name ? '' : ` (${shared})`}`
  const where = `${origin.label} in ${origin.folder}`
  if (plugin.name !== other.name) return `${where} has a plugin ${other.name} that is known as ${shared} too`
  return compareVersions(plugin.version, other.version) === 0
    ? `${where} has that version already`
    : undefined
}

export { configProviders, connectors, converters, predicates, transforms }
