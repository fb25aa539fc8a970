import { type ConfigKey, type ConfigKeys, key, type RawConfig } from '../../api/config.ts'
import type { AnyPlugin } from '../../api/plugins.ts'
import { conditionKeys } from '../../runtime/plugins/connector-keys.ts'
import { predicateOf, transformOf, versionKey } from '../../runtime/plugins/configured-plugins.ts'
import { predicates, transformClasses, transforms } from '../../runtime/plugins/plugins.ts'
import type { KeyFinder } from './key-finder.ts'

export type AliasList = 'transforms' | 'predicates'

const LISTS = {
  transforms: {
    title: 'Transforms',
    word: 'Transformation',
    classes: () => transforms.flatMap(transformClasses),
    find: (raw: RawConfig, alias: string): FoundPlugin => {
      const { plugin, side } = transformOf(raw, alias)
      return { plugin, suffix: plugin.level === 'record' ? '' : side === 'key' ? '$Key' : '$Value' }
    },
  },
  predicates: {
    title: 'Predicates',
    word: 'Predicate',
    classes: () => predicates.map(({ name }) => name),
    find: (raw: RawConfig, alias: string): FoundPlugin => ({ plugin: predicateOf(raw, alias), suffix: '' }),
  },
} as const

interface FoundPlugin {
  readonly plugin: AnyPlugin
  readonly suffix: string
}

/** The aliases of a list, each once. */
export function aliases(raw: RawConfig, list: AliasList = 'transforms'): string[] {
  const written = (raw[list] ?? '').split(',').map((alias) => alias.trim())
  return [...new Set(written)].filter((alias) => alias !== '')
}

/** Takes the keys of the plugins behind a list of aliases. */
export function takeNamedPlugins(finder: KeyFinder, list: AliasList): void {
  for (const alias of aliases(finder.raw, list)) takeNamedPlugin(finder, list, alias)
}

function takeNamedPlugin(finder: KeyFinder, list: AliasList, alias: string): void {
  const { title, find } = LISTS[list]
  const prefix = `${list}.${alias}.`
  const path = `${prefix}type`
  const isMissing = finder.raw[path] === undefined
  if (isMissing) finder.wrong(path, `Missing required configuration "${path}" which has no default value.`)
  const found = isMissing
    ? undefined
    : finder.find(path, versionKey.alias(list, alias), (raw) => find(raw, alias))
  const group = `${title}: ${alias}`
  const shown = found === undefined ? {} : finder.classNamed(path, found.plugin, found.suffix)
  finder.take(namingKeys(list, alias), { prefix, group, ...shown })
  finder.versions(versionKey.alias(list, alias), found?.plugin)
  const own: ConfigKeys = found?.isRight === true ? found.plugin.config.keys : {}
  if (list === 'transforms') finder.check(conditionKeys, prefix)
  if (found?.isRight === true) {
    const implicit = list === 'transforms' ? conditionKeys.keys : {}
    finder.take(embedded({ ...own, ...implicit }), { prefix, group })
    finder.check(found.plugin.config, prefix)
  }
}

function namingKeys(list: AliasList, alias: string): ConfigKeys {
  const { word, classes } = LISTS[list]
  const common = { importance: 'HIGH', width: 'LONG' } as const
  return {
    type: key.plugin({
      ...common,
      doc: `Class for the '${alias}' ${word.toLowerCase()}.`,
      displayName: `${word} type for ${alias}`,
      orderInGroup: 0,
      recommended: classes(),
    }),
    'plugin.version': key.string({
      ...common,
      doc: `Version of the '${alias}' ${word.toLowerCase()}.`,
      displayName: `${word} version for ${alias}`,
      orderInGroup: 1,
      optional: true,
    }),
  }
}

const IMPORTANCES = ['HIGH', 'MEDIUM', 'LOW']

/** As Kafka Connect shows the keys of a plugin within those of a connector: what is required first, then by importance. */
function embedded(keys: ConfigKeys): ConfigKeys {
  const rank = ({ importance = 'MEDIUM' }: ConfigKey) => IMPORTANCES.indexOf(importance)
  const isRequired = (each: ConfigKey) => !('default' in each) && each.optional !== true
  const sorted = Object.entries(keys).sort(
    ([a, x], [b, y]) =>
      Number(isRequired(y)) - Number(isRequired(x)) || rank(x) - rank(y) || (a < b ? -1 : Number(a > b)),
  )
  return Object.fromEntries(
    sorted.map(([name, each], i) => [name, { width: 'NONE', ...each, orderInGroup: i + 2 }]),
  )
}
