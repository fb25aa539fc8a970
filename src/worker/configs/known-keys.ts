import type { ConfigDefinition, ConfigKeys, RawConfig } from '../../api/config.ts'
import type { ConfigProblem } from '../../api/errors.ts'
import type { SinkConnector, SourceConnector } from '../../api/plugins.ts'
import { conditionProblems } from '../../runtime/chain/conditions.ts'
import { commonKeys, restartKeys, sinkKeys } from '../../runtime/plugins/connector-keys.ts'
import { connectorOf, converterOf, versionKey } from '../../runtime/plugins/configured-plugins.ts'
import { converters, isNamed } from '../../runtime/plugins/plugins.ts'
import { ignoredSourceKeys, sourceKeys } from '../../runtime/source/source-keys.ts'
import { topicGroups } from '../../runtime/source/topic-groups.ts'
import { givenOverrides } from './client-keys.ts'
import { KeyFinder, type KnownKey } from './key-finder.ts'
import { takeNamedPlugins } from './named-plugins.ts'
import { overrideKeys } from './override-keys.ts'
import { HEADER_CONVERTERS } from './worker-defaults.ts'

export type { KnownKey } from './key-finder.ts'

export interface KnownKeys {
  readonly connector: SinkConnector | SourceConnector | undefined
  readonly keys: readonly KnownKey[]
  /** What plugins that do not exist, and single keys, have wrong. */
  readonly problems: readonly ConfigProblem[]
}

const CONVERTERS = ['key.converter', 'value.converter']

/**
 * All keys that apply to one connector, in Kafka Connect's order: the framework's, and those of the transforms,
 * predicates, connector class, overrides and converters that it names. Their values are checked on the way, unless only
 * the keys are wanted, which costs a third.
 */
export function knownKeys(raw: RawConfig, want: 'all' | 'keys' = 'all'): KnownKeys {
  const finder = new KeyFinder(raw, want === 'all')
  const connector = findConnector(finder)
  const kind = connector?.kind ?? 'sink'
  for (const definition of frameworkKeys(kind)) {
    finder.take(withoutOverrides(definition.keys))
    finder.check(definition)
  }
  for (const definition of kind === 'source' ? [ignoredSourceKeys] : [overrideKeys]) finder.check(definition)
  finder.versions(versionKey.connector, connector)
  if (kind === 'source') takeSourceKeys(finder)
  takeNamedPlugins(finder, 'transforms')
  takeNamedPlugins(finder, 'predicates')
  if (want === 'all') finder.problems.push(...conditionProblems(raw))
  if (connector !== undefined) {
    finder.take(connector.config.keys)
    finder.check(connector.config)
  }
  finder.keys.push(...givenOverrides(raw, kind))
  takeHeaderConverter(finder)
  takeConverters(finder, connector)
  return { connector, keys: lastOfEach(finder.keys), problems: finder.problems }
}

function findConnector(finder: KeyFinder): SinkConnector | SourceConnector | undefined {
  const path = 'connector.class'
  if (finder.raw[path] === undefined) return undefined
  return finder.find(path, versionKey.connector, (raw) => ({ plugin: connectorOf(raw) }))?.plugin
}

/** Of keys that a plugin defines too, its definition counts, in the framework's place. */
function lastOfEach(keys: readonly KnownKey[]): KnownKey[] {
  return [...new Map(keys.map((known) => [known.name, known])).values()]
}

const OVERRIDE = /^(consumer|producer|admin)\.override\./

/** Overrides are shown where they are given alone, as in Kafka Connect. */
export function withoutOverrides(keys: ConfigKeys): ConfigKeys {
  return Object.fromEntries(Object.entries(keys).filter(([name]) => !OVERRIDE.test(name)))
}

function takeSourceKeys(finder: KeyFinder): void {
  for (const { prefix, definition } of topicGroups(finder.raw)) {
    finder.take(definition.keys, { prefix })
    finder.check(definition, prefix)
  }
}

/** Headers travel as bytes, whatever converter is named: its keys are shown, as in Kafka Connect, and do nothing. */
function takeHeaderConverter(finder: KeyFinder): void {
  const path = 'header.converter'
  const className = finder.raw[path]?.trim()
  const plugin = converters.find((each) => className !== undefined && isNamed(each, className))
  if (plugin === undefined || !HEADER_CONVERTERS.includes(className ?? '')) return
  finder.take(plugin.config.keys, { prefix: `${path}.` })
}

/** The keys of the converters that the configuration names; where it names none the worker's are used, with its own keys. */
function takeConverters(finder: KeyFinder, connector: KnownKeys['connector']): void {
  const own = Object.entries(connector?.config.keys ?? {}).filter(([, { type }]) => type === 'CLASS')
  const ownPaths = own.map(([name]) => name).filter((name) => name.endsWith('.converter'))
  for (const path of [...CONVERTERS, ...ownPaths]) {
    const version = versionKey.converter(path)
    finder.problems.push(...withoutClass(finder.raw, path))
    if (finder.raw[path] === undefined) continue
    const found = finder.find(path, version, (raw) => ({ plugin: converterOf(raw, path) }))
    if (found === undefined) continue
    const { classNames } = finder.classNamed(path, found.plugin)
    const named = finder.keys.map((known) => {
      const className = classNames.get(known.name)
      return className === undefined ? known : { ...known, className }
    })
    finder.keys.splice(0, finder.keys.length, ...named)
    finder.versions(version, found.plugin)
    if (!found.isRight) continue
    finder.take(found.plugin.config.keys, { prefix: `${path}.` })
    finder.check(found.plugin.config, `${path}.`)
  }
}

/** The worker's converter, which stands for one that is not named, has the version that the worker says. */
function withoutClass(raw: RawConfig, path: string): ConfigProblem[] {
  const key = versionKey.converter(path)
  const version = raw[key]?.trim() ?? ''
  if (version === '' || version === 'latest' || raw[path] !== undefined) return []
  const message = `${key} names a version, but ${path} names no converter. Name it too, or remove the version.`
  return [{ path: key, message }]
}

/** The keys that every connector of a kind has. */
export function frameworkKeys(kind: 'sink' | 'source'): readonly ConfigDefinition[] {
  return [commonKeys, kind === 'source' ? sourceKeys : sinkKeys, restartKeys]
}
