import { connectors } from '../../../connectors/index.ts'
import { predicates, transforms } from '../../../transforms/index.ts'
import { converters, findConverterPlugin } from '../../converters/index.ts'
import type { SideName } from '../../api/batch.ts'
import type { ConverterPlugin } from '../../api/converter.ts'
import { nearest } from '../../api/did-you-mean.ts'
import { NotFoundError } from '../../api/errors.ts'
import type {
  AnyPlugin,
  PredicatePlugin,
  SinkConnector,
  SourceConnector,
  TransformPlugin,
} from '../../api/plugins.ts'

/**
 * Looks plugins up by the names that configurations use. The lists are static: a config value is compared with
 * names and never becomes code (invariant 8).
 */
export function findConnector(className: string): SinkConnector | SourceConnector {
  return (
    connectors.find((plugin) => isNamed(plugin, className)) ??
    unknown(
      'connector',
      className,
      connectors.map((plugin) => plugin.name),
    )
  )
}

/** A plugin goes by its name and by its aliases, such as the name of a Java class. */
export function isNamed(
  plugin: { readonly name: string; readonly aliases?: readonly string[] },
  className: string,
): boolean {
  return plugin.name === className || plugin.aliases?.includes(className) === true
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
export function findTransform(className: string): FoundTransform {
  const [, name, suffix] = /^([^$]*)(?:\$(Key|Value))?$/.exec(className) ?? []
  const plugin = transforms.find((each) => each.name === name || each.aliases?.includes(name ?? '') === true)
  if (FILTERS_OF_OTHERS.has(name ?? ''))
    throw new NotFoundError(
      'plugin.unknown',
      `There is no transform "${className}". FilterExpression does the same with an expression in CEL: docs/expressions.md.`,
    )
  if (plugin === undefined || (plugin.level === 'record') !== (suffix === undefined))
    return unknown('transform', className, transforms.flatMap(transformClasses))
  return { plugin, side: suffix === 'Key' ? 'key' : 'value' }
}

/** The class names under which a transform is known; those of Java are `aliases`. */
export function transformClasses({ name, level }: TransformPlugin): readonly string[] {
  return level === 'record' ? [name] : [`${name}$Key`, `${name}$Value`]
}

export function findPredicate(className: string): PredicatePlugin {
  return (
    predicates.find(({ name, aliases }) => name === className || aliases.includes(className)) ??
    unknown(
      'predicate',
      className,
      predicates.map((plugin) => plugin.name),
    )
  )
}

export function findConverter(className: string): ConverterPlugin {
  return (
    findConverterPlugin(className) ??
    unknown(
      'converter',
      className,
      converters.map((plugin) => plugin.name),
    )
  )
}

const LISTS: Readonly<Record<string, readonly AnyPlugin[]>> = {
  sink: connectors,
  source: connectors,
  transform: transforms,
  predicate: predicates,
  converter: converters,
}
const locations = new WeakMap<object, string>()

/**
 * Adds a plugin of a package to those that configurations can name; called at start alone. Gives what is wrong where it
 * cannot be added.
 */
export function addPlugin(plugin: AnyPlugin, folder: string): string | undefined {
  const list = LISTS[plugin.kind]
  if (list === undefined) return `plugin ${plugin.name} has a kind that does not exist, ${plugin.kind}`
  const twin = list.find(({ name }) => name === plugin.name)
  if (twin !== undefined) {
    const where = locations.get(twin) ?? 'Sluice'
    return `plugin ${plugin.name} is left out: ${where} has one of that name already`
  }
  const added = list as AnyPlugin[]
  added.push(plugin)
  locations.set(plugin, folder)
  return undefined
}

/** The folder of the package that brought a plugin; undefined for those of Sluice. */
export function locationOf(plugin: AnyPlugin): string | undefined {
  return locations.get(plugin)
}

/** Invariant 8: a name from a configuration is looked up in a list, and never imported. */
function unknown(kind: string, className: string, known: readonly string[]): never {
  const names = nearest(className.split('.').at(-1) ?? '', known)
  throw new NotFoundError(
    'plugin.unknown',
    `There is no ${kind} "${className}". The nearest names: ${names.join(', ')}.`,
  )
}

export { connectors, converters, predicates, transforms }
