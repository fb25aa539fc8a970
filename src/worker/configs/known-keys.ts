import type { ConfigKey, ConfigKeys } from '../../api/config.ts'
import { key, withPrefix } from '../../api/config.ts'
import { messageOf, NotFoundError, type ConfigProblem } from '../../api/errors.ts'
import type { SinkConnector, SourceConnector } from '../../api/plugins.ts'
import { commonKeys, sinkKeys } from '../../runtime/connector-keys.ts'
import { findConnector, findConverter, findTransform } from '../../runtime/plugins.ts'
import type { StringMap } from '../stores/config-state.ts'
import { overrideKeys } from './override-keys.ts'

/** One key that a connector's configuration has a definition for, by its full name. */
export interface KnownKey {
  readonly name: string
  readonly key: ConfigKey
  readonly group: string | null
}

export interface KnownKeys {
  readonly connector: SinkConnector | SourceConnector | undefined
  readonly keys: readonly KnownKey[]
  /** What plugins that do not exist, and single keys, have wrong. */
  readonly problems: readonly ConfigProblem[]
}

/**
 * All keys that apply to one connector: the framework's, and those of the converters, transforms and connector class
 * that it names. Their values are checked on the way.
 */
export function knownKeys(raw: StringMap): KnownKeys {
  const keys: KnownKey[] = []
  const problems: ConfigProblem[] = []
  const take = (definitions: ConfigKeys, prefix = '', group?: string): void => {
    keys.push(...namedKeys(definitions, prefix, group))
  }
  const check = (section: Section): void => {
    take(section.keys, section.prefix, section.group)
    problems.push(...section.parse(raw))
  }
  const find = <T>(path: string, lookUp: () => T): T | undefined => {
    try {
      return lookUp()
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error
      problems.push({
        path,
        message: `Invalid value ${raw[path] ?? ''} for configuration ${path}: ${messageOf(error)}`,
      })
      return undefined
    }
  }

  for (const definition of [commonKeys, sinkKeys, overrideKeys]) check(sectionOf(definition))
  const className = raw['connector.class']?.trim()
  const connector =
    className === undefined ? undefined : find('connector.class', () => findConnector(className))
  const converters = ['key.converter', 'value.converter']
  const own = Object.entries(connector?.config.keys ?? {}).filter(([, { type }]) => type === 'CLASS')
  const named = [...converters, ...own.map(([name]) => name).filter((name) => name.endsWith('.converter'))]
  for (const path of named) {
    const converter =
      raw[path] === undefined ? undefined : find(path, () => findConverter(raw[path]?.trim() ?? ''))
    if (converter !== undefined) check(sectionOf(converter.config, `${path}.`))
  }
  for (const alias of aliases(raw)) {
    const prefix = `transforms.${alias}.`
    const group = `Transforms: ${alias}`
    const type = { type: key.plugin({ doc: `Class for the '${alias}' transformation.`, importance: 'HIGH' }) }
    take(type, prefix, group)
    const path = `${prefix}type`
    if (raw[path] === undefined) {
      problems.push({ path, message: `Missing required configuration "${path}" which has no default value.` })
      continue
    }
    const found = find(path, () => findTransform(raw[path]?.trim() ?? ''))
    if (found !== undefined) check(sectionOf(found.plugin.config, prefix, group))
  }
  if (connector !== undefined) check(sectionOf(connector.config))
  return { connector, keys, problems }
}

/** The transforms' aliases, each once. */
export function aliases(raw: StringMap): string[] {
  const written = (raw['transforms'] ?? '').split(',').map((alias) => alias.trim())
  return [...new Set(written)].filter((alias) => alias !== '')
}

export function namedKeys(definitions: ConfigKeys, prefix = '', group?: string): KnownKey[] {
  return Object.entries(definitions).map(([name, definition]) => ({
    name: prefix + name,
    key: definition,
    group: group ?? definition.group ?? null,
  }))
}

interface Section {
  readonly keys: ConfigKeys
  readonly prefix: string
  readonly group: string | undefined
  parse(raw: StringMap): readonly ConfigProblem[]
}

function sectionOf(
  definition: {
    keys: ConfigKeys
    parse(raw: Record<string, string | undefined>, prefix?: string): { problems: readonly ConfigProblem[] }
  },
  prefix = '',
  group?: string,
): Section {
  return {
    keys: definition.keys,
    prefix,
    group,
    parse: (raw) => definition.parse(withPrefix(raw, prefix), prefix).problems,
  }
}
