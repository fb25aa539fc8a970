import type { SideName } from '../../api/batch.ts'
import type { ConverterPlugin } from '../../api/converter.ts'
import { nearest, shortened } from '../../api/did-you-mean.ts'
import { ConfigError, NotFoundError } from '../../api/errors.ts'
import type {
  AnyPlugin,
  ConfigProviderPlugin,
  PredicatePlugin,
  SinkConnector,
  SourceConnector,
  TransformPlugin,
} from '../../api/plugins.ts'
import { leftOutNote } from './left-out.ts'
import { compareVersions } from './maven-version.ts'
import {
  configProviders,
  connectors,
  converters,
  isNamed,
  modelFormats,
  type Named,
  originOf,
  predicates,
  transforms,
} from './plugin-lists.ts'
import { parseVersionRange, type VersionRange } from './version-range.ts'

/** Which version of a plugin is meant (KIP-891). */
export interface Which {
  /** As it is written: a version, a range, or absent for the latest. */
  readonly version?: string | undefined
  /** The key that it is written under, for errors. */
  readonly key?: string
  /** The folder of a package that goes before others: a connector brings its own transforms and converters. */
  readonly beside?: string | undefined
}

/**
 * Looks plugins up by the names that configurations use. The lists are static: a config value is compared with
 * names and never becomes code (invariant 8).
 * @throws NotFoundError where there is none of that name, ConfigError where there is no such version of it
 */
export function findConnector(className: string, which?: Which): SinkConnector | SourceConnector {
  return findIn({ kind: 'connector', list: connectors }, className, which)
}

/** They filter by JsonPath and Groovy, which are not run here. */
const FILTERS_OF_OTHERS = new Set(['io.confluent.connect.transforms.Filter', 'io.debezium.transforms.Filter'])

export interface FoundTransform {
  readonly plugin: TransformPlugin
  readonly side: SideName
}

/**
 * `ScoreH2OGbm$Value` works on values, `ScoreH2OGbm$Key` on keys, and a transform of whole records has neither suffix.
 * Java class names mean the same: `org.apache.kafka.connect.transforms.Cast$Key`.
 */
export function findTransform(className: string, which?: Which): FoundTransform {
  const [, name = '', suffix] = /^([^$]*)(?:\$(Key|Value))?$/.exec(className) ?? []
  const isRecord = suffix === undefined
  const named = transforms.filter((each) => isNamed(each, name) && (each.level === 'record') === isRecord)
  if (named.length > 0)
    return { plugin: choose(named, className, which), side: suffix === 'Key' ? 'key' : 'value' }
  if (!FILTERS_OF_OTHERS.has(name))
    throw unknown('transform', className, transforms.flatMap(transformClasses))
  throw new NotFoundError(
    'plugin.unknown',
    `There is no transform "${className}". FilterExpression does the same with an expression in CEL: docs/expressions.md.`,
  )
}

/** The class names under which a transform is known; those of Java are `aliases`. */
export function transformClasses({ name, level }: TransformPlugin): readonly string[] {
  return level === 'record' ? [name] : [`${name}$Key`, `${name}$Value`]
}

export function findPredicate(className: string, which?: Which): PredicatePlugin {
  return findIn({ kind: 'predicate', list: predicates }, className, which)
}

export function findConverter(className: string, which?: Which): ConverterPlugin {
  return findIn({ kind: 'converter', list: converters }, className, which)
}

export function findConfigProvider(className: string): ConfigProviderPlugin {
  return findIn({ kind: 'config provider', list: configProviders }, className)
}

/** A plugin of any kind that configurations of connectors name. */
export function findAny(className: string, which?: Which): AnyPlugin {
  const bare = className.replace(/\$(Key|Value)$/, '')
  const isTransform = (plugin: TransformPlugin): boolean =>
    isNamed(plugin, className) || (isNamed(plugin, bare) && plugin.level !== 'record')
  const lists: readonly (readonly AnyPlugin[])[] = [
    connectors.filter((plugin) => isNamed(plugin, className)),
    transforms.filter(isTransform),
    predicates.filter((plugin) => isNamed(plugin, className)),
    converters.filter((plugin) => isNamed(plugin, className)),
  ]
  const found = lists.find((list) => list.length > 0)
  if (found !== undefined) return choose(found, className, which)
  const all = [...connectors, ...predicates, ...converters].map(({ name }) => name)
  throw unknown('plugin', className, [...all, ...transforms.flatMap(transformClasses)])
}

function findIn<T extends Named>(
  { kind, list }: { readonly kind: string; readonly list: readonly T[] },
  className: string,
  which?: Which,
): T {
  const named = list.filter((plugin) => isNamed(plugin, className))
  if (named.length > 0) return choose(named, className, which)
  const names = list.map(({ name }) => name)
  throw unknown(kind, className, names)
}

/** The highest of the versions that are meant; as in Kafka Connect one that came with the connector goes before others. */
export function choose<T extends Named>(
  candidates: readonly T[],
  className: string,
  { version, key = 'plugin.version', beside }: Which = {},
): T {
  const range = readRange(version, key)
  const fitting = candidates.filter((each) => range === undefined || range.includes(each.version))
  const near = fitting.filter((each) => beside !== undefined && originOf(each)?.folder === beside)
  const [chosen] = latestFirst(near.length > 0 ? near : fitting)
  if (chosen !== undefined) return chosen
  const known = latestFirst(candidates).map((each) => each.version)
  const message =
    `Plugin ${className} not found that matches the version range ${range?.text ?? ''}, ` +
    `available versions: [${known.toReversed().join(', ')}]`
  const note = leftOutNote(candidates[0]?.name ?? '')
  throw new ConfigError([{ path: key, message: note === '' ? message : `${message}.${note}` }])
}

function readRange(version: string | undefined, key: string): VersionRange | undefined {
  try {
    return parseVersionRange(version)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    const advice = 'Give a version (1.2.3), a range ([1.0,2.0)) or latest'
    const message = `Invalid value ${version ?? ''} for configuration ${key}: ${error.message}. ${advice}.`
    throw new ConfigError([{ path: key, message }])
  }
}

/** The versions that there are of a plugin, the latest last. */
export function versionsOf(plugin: Named & { readonly kind: string }): readonly string[] {
  const lists: readonly (readonly (Named & { readonly kind: string })[])[] = [
    connectors,
    transforms,
    predicates,
    converters,
  ]
  const list = lists.find((each) => each.includes(plugin)) ?? [plugin]
  const same = list.filter(({ name }) => name === plugin.name)
  return latestFirst(same)
    .map(({ version }) => version)
    .toReversed()
}

/** The versions of plugins, the highest first. */
export function latestFirst<T extends Named>(plugins: readonly T[]): readonly T[] {
  return plugins.toSorted((a, b) => compareVersions(b.version, a.version))
}

/** Invariant 8: a name from a configuration is looked up in a list, and never imported. */
function unknown(kind: string, className: string, known: readonly string[]): NotFoundError {
  const simple = className.split('.').at(-1) ?? ''
  const names = nearest(simple, new Set(known))
  const note = leftOutNote(simple.replace(/\$(Key|Value)$/, ''))
  return new NotFoundError(
    'plugin.unknown',
    `There is no ${kind} "${shortened(className)}". The nearest names: ${names.join(', ')}.${note}`,
  )
}

export {
  configProviders,
  connectors,
  converters,
  isNamed,
  modelFormats,
  type Named,
  originOf,
  predicates,
  transforms,
}
