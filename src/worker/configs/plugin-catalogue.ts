import { NotFoundError } from '../../api/errors.ts'
import type { AnyPlugin, TransformPlugin } from '../../api/plugins.ts'
import {
  connectors,
  converters,
  findConnector,
  findTransform,
  isNamed,
  locationOf,
  predicates,
  transformClasses,
  transforms,
} from '../../runtime/plugins/plugins.ts'
import { type ConfigKeyInfo, keyInfos } from './config-infos.ts'
import { frameworkKeys, namedKeys } from './known-keys.ts'

/** One line of `/connector-plugins`. */
export interface PluginInfo {
  readonly class: string
  readonly type: 'sink' | 'source' | 'transformation' | 'predicate' | 'converter' | 'header_converter'
  readonly version: string
  /** The folder of the package that brought it; absent for those of Sluice. */
  readonly location?: string
}

/** All plugins, in Kafka Connect's order of kinds. */
export function pluginList(connectorsOnly: boolean): PluginInfo[] {
  const ofKind = (kind: 'sink' | 'source'): PluginInfo[] =>
    connectors.filter((plugin) => plugin.kind === kind).map((plugin) => infoOf(plugin, kind))
  const found = [...ofKind('sink'), ...ofKind('source')]
  if (connectorsOnly) return found
  for (const plugin of transforms) {
    found.push(...transformClasses(plugin).map((name) => infoOf(plugin, 'transformation', name)))
  }
  found.push(...predicates.map((plugin) => infoOf(plugin, 'predicate')))
  found.push(...converters.map((plugin) => infoOf(plugin, 'converter')))
  return found
}

function infoOf(plugin: AnyPlugin, type: PluginInfo['type'], name: string = plugin.name): PluginInfo {
  const location = locationOf(plugin)
  return { class: name, type, version: plugin.version, ...(location === undefined ? {} : { location }) }
}

/** The keys of a plugin; of a connector also the framework's. */
export function pluginKeys(className: string): ConfigKeyInfo[] {
  const connector = connectors.find((each) => isNamed(each, className))
  if (connector !== undefined) {
    const definitions = [...frameworkKeys(connector.kind), connector.config]
    return keyInfos(definitions.flatMap(({ keys }) => namedKeys(keys)))
  }
  const plugin =
    transforms.find(({ name, aliases = [] }) => name === className || aliases.includes(className)) ??
    transformOf(className) ??
    [...predicates, ...converters].find(
      ({ name, aliases }) => name === className || aliases.includes(className),
    )
  if (plugin === undefined) throw new NotFoundError('plugin.unknown', `Unknown plugin ${className}.`)
  return keyInfos(namedKeys(plugin.config.keys))
}

/** The transform of a class name with its suffix. */
function transformOf(className: string): TransformPlugin | undefined {
  try {
    return findTransform(className).plugin
  } catch (error) {
    if (error instanceof NotFoundError) return undefined
    throw error
  }
}

/** The kind and version of a connector's class; unknown where it is not one of ours. */
export function connectorClass(className: string | undefined): {
  readonly type: 'sink' | 'source' | 'unknown'
  readonly version: string | null
} {
  try {
    const { kind, version } = findConnector(className?.trim() ?? '')
    return { type: kind, version }
  } catch (error) {
    if (error instanceof NotFoundError) return { type: 'unknown', version: null }
    throw error
  }
}
