import type { ConfigDefinition, ConfigKey, ConfigKeys, RawConfig } from '../../api/config.ts'
import { key, withPrefix } from '../../api/config.ts'
import { ConfigError, messageOf, NotFoundError, type ConfigProblem } from '../../api/errors.ts'
import type { AnyPlugin, SinkConnector, SourceConnector } from '../../api/plugins.ts'
import { conditionProblems } from '../../runtime/chain/conditions.ts'
import { commonKeys, conditionKeys, sinkKeys } from '../../runtime/plugins/connector-keys.ts'
import {
  connectorOf,
  converterOf,
  predicateOf,
  transformOf,
  versionKey,
} from '../../runtime/plugins/configured-plugins.ts'
import { versionsOf } from '../../runtime/plugins/plugins.ts'
import { ignoredSourceKeys, sourceKeys } from '../../runtime/source/source-keys.ts'
import { topicGroups } from '../../runtime/source/topic-groups.ts'
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
 * that it names. Their values are checked on the way, unless only the keys are wanted, which costs a third.
 */
export function knownKeys(raw: RawConfig, want: 'all' | 'keys' = 'all'): KnownKeys {
  const keys: KnownKey[] = []
  const problems: ConfigProblem[] = []
  const take = (definitions: ConfigKeys, prefix = '', group?: string): void => {
    keys.push(...namedKeys(definitions, prefix, group))
  }
  const check = (section: Section): void => {
    take(section.keys, section.prefix, section.group)
    if (want === 'all') problems.push(...section.parse(raw))
  }
  const find = <T>(path: string, lookUp: () => T): T | undefined => {
    try {
      return lookUp()
    } catch (error) {
      if (error instanceof ConfigError) {
        problems.push(...error.problems) // there is no such version of it
        return undefined
      }
      if (!(error instanceof NotFoundError)) throw error
      problems.push({
        path,
        message: `Invalid value ${raw[path] ?? ''} for configuration ${path}: ${messageOf(error)}`,
      })
      return undefined
    }
  }

  const connector =
    raw['connector.class'] === undefined ? undefined : find('connector.class', () => connectorOf(raw))
  const unknownClass = problems.splice(0) // is told after what the framework's own keys have wrong
  for (const definition of frameworkKeys(connector?.kind ?? 'sink')) check(sectionOf(definition))
  if (connector?.kind === 'source')
    for (const { prefix, definition } of topicGroups(raw)) check(sectionOf(definition, prefix))
  problems.push(...unknownClass)
  const converters = ['key.converter', 'value.converter']
  const own = Object.entries(connector?.config.keys ?? {}).filter(([, { type }]) => type === 'CLASS')
  const converterKeys = [
    ...converters,
    ...own.map(([name]) => name).filter((name) => name.endsWith('.converter')),
  ]
  for (const path of converterKeys) {
    problems.push(...withoutClass(raw, path))
    const converter = raw[path] === undefined ? undefined : find(path, () => converterOf(raw, path))
    if (converter !== undefined) check(sectionOf(converter.config, `${path}.`))
  }
  const tools: Tools = { keys, take, check, find, problems }
  namedPlugins(raw, 'transforms', (alias) => transformOf(raw, alias).plugin, tools)
  namedPlugins(raw, 'predicates', (alias) => predicateOf(raw, alias), tools)
  if (want === 'all') problems.push(...conditionProblems(raw))
  if (connector !== undefined) check(sectionOf(connector.config))
  return {
    connector,
    keys: keys.map((known) => withVersions(known, versionKey.connector, connector)),
    problems,
  }
}

/** A key that names a version of a plugin says which there are; the latest is its default. */
export function withVersions(known: KnownKey, name: string, plugin: AnyPlugin | undefined): KnownKey {
  if (known.name !== name || plugin === undefined) return known
  const recommended = versionsOf(plugin)
  return { ...known, key: { ...known.key, default: recommended.at(-1), recommended } }
}

/** The worker's converter, which stands for one that is not named, has the version that the worker says. */
function withoutClass(raw: RawConfig, path: string): ConfigProblem[] {
  const key = versionKey.converter(path)
  if (raw[key] === undefined || raw[path] !== undefined) return []
  const message = `${key} names a version, but ${path} names no converter. Name it too, or remove the version.`
  return [{ path: key, message }]
}

/** The keys that every connector of a kind has. */
export function frameworkKeys(kind: 'sink' | 'source'): readonly ConfigDefinition[] {
  return kind === 'source'
    ? [commonKeys, sourceKeys, ignoredSourceKeys]
    : [commonKeys, sinkKeys, overrideKeys]
}

interface Tools {
  readonly keys: KnownKey[]
  readonly take: (definitions: ConfigKeys, prefix?: string, group?: string) => void
  readonly check: (section: Section) => void
  readonly find: <T>(path: string, lookUp: () => T) => T | undefined
  readonly problems: ConfigProblem[]
}

/** The keys of the plugins behind a list of aliases. */
function namedPlugins(
  raw: RawConfig,
  list: AliasList,
  lookUp: (alias: string) => AnyPlugin,
  { keys, take, check, find, problems }: Tools,
): void {
  const [word, title] = list === 'transforms' ? ['transformation', 'Transforms'] : ['predicate', 'Predicates']
  for (const alias of aliases(raw, list)) {
    const prefix = `${list}.${alias}.`
    const group = `${title}: ${alias}`
    const kept = keys.length
    take(
      {
        type: key.plugin({ doc: `Class for the '${alias}' ${word}.`, importance: 'HIGH' }),
        'plugin.version': key.string({
          doc: `Version of the '${alias}' ${word}.`,
          importance: 'HIGH',
          optional: true,
        }),
      },
      prefix,
      group,
    )
    if (list === 'transforms') check(sectionOf(conditionKeys, prefix, group))
    const path = `${prefix}type`
    if (raw[path] === undefined) {
      const message = `Missing required configuration "${path}" which has no default value.`
      problems.push({ path, message })
      continue
    }
    const found = find(path, () => lookUp(alias))
    if (found === undefined) continue
    keys.push(...keys.splice(kept).map((known) => withVersions(known, versionKey.alias(list, alias), found)))
    check(sectionOf(found.config, prefix, group))
  }
}

type AliasList = 'transforms' | 'predicates'

/** The aliases of a list, each once. */
export function aliases(raw: RawConfig, list: AliasList = 'transforms'): string[] {
  const written = (raw[list] ?? '').split(',').map((alias) => alias.trim())
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
  parse(raw: RawConfig): readonly ConfigProblem[]
}

interface Definition {
  readonly keys: ConfigKeys
  parse(raw: Record<string, string | undefined>, prefix?: string): { problems: readonly ConfigProblem[] }
}

function sectionOf(definition: Definition, prefix = '', group?: string): Section {
  return {
    keys: definition.keys,
    prefix,
    group,
    parse: (raw) => definition.parse(withPrefix(raw, prefix), prefix).problems,
  }
}
