import type { RawConfig } from '../../api/config.ts'
import { ConfigError, NotFoundError, RequestError } from '../../api/errors.ts'
import type { AnyPlugin, SinkConnector, SourceConnector } from '../../api/plugins.ts'
import { connectorOf, versionKey } from '../../runtime/plugins/configured-plugins.ts'
import {
  configProviders,
  connectors,
  converters,
  findAny,
  latestFirst,
  modelFormats,
  type Named,
  originOf,
  predicates,
  transformClasses,
  transforms,
} from '../../runtime/plugins/plugins.ts'
import { type ConfigKeyInfo, keyInfos } from './config-infos.ts'
import { namedKeys, withVersions } from './key-finder.ts'
import { frameworkKeys, withoutOverrides } from './known-keys.ts'
import { HEADER_CONVERTERS, HEADER_VERSION, SIMPLE_HEADER } from './worker-defaults.ts'

/** One line of `/connector-plugins`. */
export interface PluginInfo {
  readonly class: string
  /** Kafka Connect's kinds, and two that it does not list: of those the ones of packages are shown. */
  readonly type:
    | 'sink'
    | 'source'
    | 'transformation'
    | 'predicate'
    | 'converter'
    | 'header_converter'
    | 'config_provider'
    | 'model_format'
  readonly version: string
  /** The folder of the package that brought it; absent for those of Sluice. */
  readonly location?: string
}

/** All plugins, in Kafka Connect's order of kinds; of one with several versions the latest first. */
export function pluginList(connectorsOnly: boolean): PluginInfo[] {
  const ofKind = (kind: 'sink' | 'source'): PluginInfo[] =>
    byName(connectors.filter((plugin) => plugin.kind === kind)).map((plugin) => infoOf(plugin, kind))
  const found = [...ofKind('sink'), ...ofKind('source')]
  if (connectorsOnly) return found
  for (const plugin of byName(transforms)) {
    found.push(...transformClasses(plugin).map((name) => infoOf(plugin, 'transformation', name)))
  }
  found.push(...byName(predicates).map((plugin) => infoOf(plugin, 'predicate')))
  found.push(...byName(converters).map((plugin) => infoOf(plugin, 'converter')))
  found.push(...headerConverters().map((plugin) => infoOf(plugin, 'header_converter')))
  // Clients that know Kafka Connect's kinds alone meet another one only where somebody installed it.
  const own = configProviders.filter((plugin) => originOf(plugin) !== undefined)
  found.push(...byName(own).map((plugin) => infoOf(plugin, 'config_provider')))
  found.push(...byName(modelFormats).map((plugin) => infoOf(plugin, 'model_format')))
  return found
}

/** They are no plugins here, as headers travel as the bytes that they are: the ones that give the same bytes. */
function headerConverters(): readonly Named[] {
  const known = converters.filter(({ name }) => HEADER_CONVERTERS.includes(name))
  return [...byName(known), { name: SIMPLE_HEADER, version: HEADER_VERSION }]
}

/** The versions of one plugin stand together, where the first of them does. */
function byName<T extends Named>(plugins: readonly T[]): readonly T[] {
  return [...Map.groupBy(plugins, ({ name }) => name).values()].flatMap((versions) => latestFirst(versions))
}

function infoOf(plugin: Named, type: PluginInfo['type'], name: string = plugin.name): PluginInfo {
  const location = originOf(plugin)?.folder
  return { class: name, type, version: plugin.version, ...(location === undefined ? {} : { location }) }
}

/**
 * The keys of a plugin, in a version of it; of a connector also the framework's.
 * @throws NotFoundError for a class, RequestError for a version that is not here
 */
export function pluginKeys(className: string, version?: string): ConfigKeyInfo[] {
  // A format of models is configured nowhere: what it needs to know stands in the model's manifest.
  if (HEADER_CONVERTERS.includes(className) && className.endsWith(SIMPLE_HEADER)) return []
  if (version === undefined && modelFormats.some(({ name }) => name === className)) return []
  const plugin = findVersion(className, version)
  if (plugin.kind !== 'sink' && plugin.kind !== 'source') return keyInfos(namedKeys(plugin.config.keys))
  const framework = frameworkKeys(plugin.kind).flatMap((each) => namedKeys(withoutOverrides(each.keys)))
  const own = namedKeys(plugin.config.keys)
  const keys = [...own, ...framework.filter(({ name }) => !Object.hasOwn(plugin.config.keys, name))]
  return keyInfos(keys.map((known) => withVersions(known, versionKey.connector, plugin)))
}

function findVersion(className: string, version: string | undefined): AnyPlugin {
  try {
    return findAny(className, { version, key: 'version' })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const reasons = error.problems.map(({ message }) => message)
    throw new RequestError('request.invalid', reasons.join(' '), { cause: error })
  }
}

/** @throws NotFoundError where no connector goes by this name */
export function requireConnector(className: string): SinkConnector | SourceConnector {
  return connectorOf({ 'connector.class': className })
}

/** The kind and version of a connector; unknown where its class, or that version of it, is not here. */
export function connectorClass(config: RawConfig | undefined): {
  readonly type: 'sink' | 'source' | 'unknown'
  readonly version: string | null
} {
  try {
    const { kind, version } = connectorOf(config ?? {})
    return { type: kind, version }
  } catch (error) {
    if (error instanceof NotFoundError || error instanceof ConfigError)
      return { type: 'unknown', version: null }
    throw error
  }
}
