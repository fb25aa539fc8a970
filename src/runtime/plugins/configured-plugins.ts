import type { RawConfig } from '../../api/config.ts'
import type { ConverterPlugin } from '../../api/converter.ts'
import { ConnectError } from '../../api/errors.ts'
import type { PredicatePlugin, SinkConnector, SourceConnector } from '../../api/plugins.ts'
import {
  findConnector,
  findConverter,
  findPredicate,
  findTransform,
  type FoundTransform,
  originOf,
  type Which,
} from './plugins.ts'

/** Where the version of a plugin is written, beside the key that names its class. */
export const versionKey = {
  connector: 'connector.plugin.version',
  /** `path` is the key of the class: `value.converter`. */
  converter: (path: string): string => `${path}.plugin.version`,
  /** `list` is `transforms` or `predicates`. */
  alias: (list: string, alias: string): string => `${list}.${alias}.plugin.version`,
}

/**
 * The plugins that a configuration names, in the versions that it asks for.
 * @throws NotFoundError for a class that is not here, ConfigError for a version that is not
 */
export function connectorOf(raw: RawConfig): SinkConnector | SourceConnector {
  const key = versionKey.connector
  return findConnector(raw['connector.class']?.trim() ?? '', { version: raw[key], key })
}

/** The class of a connector's tasks, as Kafka Connect calls it: of its own connectors a Java worker runs it by this name. */
export function taskClass({ name, aliases = [] }: SinkConnector | SourceConnector): string {
  const java = aliases.find((alias) => alias.startsWith('org.apache.kafka.connect.'))
  return `${(java ?? name).replace(/Connector$/, '')}Task`
}

/** @param path the key that names its class; without that it is a ByteArrayConverter */
export function converterOf(raw: RawConfig, path: string): ConverterPlugin {
  return findConverter(raw[path]?.trim() ?? 'ByteArrayConverter', which(raw, versionKey.converter(path)))
}

export function transformOf(raw: RawConfig, alias: string): FoundTransform {
  const className = raw[`transforms.${alias}.type`]?.trim() ?? ''
  return findTransform(className, which(raw, versionKey.alias('transforms', alias)))
}

export function predicateOf(raw: RawConfig, alias: string): PredicatePlugin {
  const className = raw[`predicates.${alias}.type`]?.trim() ?? ''
  return findPredicate(className, which(raw, versionKey.alias('predicates', alias)))
}

function which(raw: RawConfig, key: string): Which {
  return { version: raw[key], key, beside: connectorFolder(raw) }
}

/** The package of the connector itself; undefined where it is one of Sluice, or is told to be wrong elsewhere. */
function connectorFolder(raw: RawConfig): string | undefined {
  if (raw['connector.class'] === undefined) return undefined
  try {
    return originOf(connectorOf(raw))?.folder
  } catch (error) {
    if (error instanceof ConnectError) return undefined
    throw error
  }
}
