import { NotFoundError } from '../../api/errors.ts'
import type { TransformPlugin } from '../../api/plugins.ts'
import {
  connectors,
  converters,
  findConnector,
  findTransform,
  isNamed,
  predicates,
  transformClasses,
  transforms,
} from '../../runtime/plugins.ts'
import { type ConfigKeyInfo, keyInfos } from './config-infos.ts'
import { frameworkKeys, namedKeys } from './known-keys.ts'

/** One line of `/connector-plugins`. */
export interface PluginInfo {
  readonly class: string
  readonly type: 'sink' | 'source' | 'transformation' | 'predicate' | 'converter' | 'header_converter'
  readonly version: string
}

/** All plugins, in Kafka Connect's order of kinds. */
export function pluginList(connectorsOnly: boolean): PluginInfo[] {
  const ofKind = (kind: 'sink' | 'source'): PluginInfo[] =>
    connectors
      .filter((plugin) => plugin.kind === kind)
      .map(({ name, version }) => ({ class: name, type: kind, version }))
  const found = [...ofKind('sink'), ...ofKind('source')]
  if (connectorsOnly) return found
  for (const plugin of transforms) {
    const { version } = plugin
    found.push(
      ...transformClasses(plugin).map((name) => ({ class: name, type: 'transformation' as const, version })),
    )
  }
  found.push(...predicates.map(({ name, version }) => ({ class: name, type: 'predicate' as const, version })))
  found.push(...converters.map(({ name, version }) => ({ class: name, type: 'converter' as const, version })))
  return found
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
