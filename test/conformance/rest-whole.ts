import type { Deviation } from './rest-expected.ts'
import { readJson } from './rest-replay.ts'

/** Where a key is defined otherwise than by Kafka Connect, or there is one more: rest-key-deviations.json. */
interface KeyDeviations {
  readonly more: readonly { readonly reason: string; readonly pattern: string }[]
  readonly defaults: readonly {
    readonly reason: string
    readonly key: string
    readonly java: string
    readonly ours: string
  }[]
}

interface KeyInfo {
  readonly name: string
  readonly group?: string | null
  readonly default_value: string | null
}

interface Entry {
  readonly definition: KeyInfo | null
  readonly value: { readonly name: string; readonly value: string | null; readonly errors: readonly string[] }
}

export interface WholeInfos {
  readonly name: string
  readonly error_count: number
  readonly groups: readonly string[]
  readonly configs: readonly Entry[]
}

const { more, defaults } = readJson('rest-key-deviations.json') as KeyDeviations
const MORE = more.map(({ pattern }) => new RegExp(pattern))

export function isWhole(body: unknown): body is WholeInfos {
  return typeof body === 'object' && body !== null && 'configs' in body
}

export function isKeyList(body: unknown): body is readonly KeyInfo[] {
  return (
    Array.isArray(body) &&
    body.every((each) => typeof each === 'object' && each !== null && 'importance' in each)
  )
}

/** Keys of `/connector-plugins/{p}/config` as ours should be, in order. */
export function expectedKeys(java: readonly KeyInfo[]): readonly KeyInfo[] {
  return java.map(withOurDefault)
}

/** Ours without what is there besides. */
export function comparableKeys(ours: readonly KeyInfo[], java: readonly KeyInfo[]): readonly KeyInfo[] {
  return ours.filter(({ name }) => java.some((each) => each.name === name) || !isMore(name))
}

/** `validate` as ours should be. */
export function expectedInfos(java: WholeInfos, deviation: Deviation | undefined): object {
  const { errorCount, values = {}, errors = {} } = deviation ?? {}
  const configs = java.configs.map(({ definition, value }): Entry => {
    const ours = definition === null ? null : withOurDefault(definition)
    const isDefault = definition !== null && value.value === definition.default_value
    const shown = isDefault ? { ...value, value: ours?.default_value ?? null } : value
    const own = errors[value.name]
    return {
      definition: ours,
      value: { ...shown, ...(own === undefined ? {} : { errors: own }), ...values[value.name] },
    }
  })
  const counted = errorCount === undefined ? java : { ...java, error_count: errorCount }
  return comparable({ ...counted, configs })
}

/** Ours as it is compared: without what is there besides, where nothing is wrong with it. */
export function comparableInfos(ours: WholeInfos, java: WholeInfos): object {
  const known = new Set(java.configs.map(({ value }) => value.name))
  const configs = ours.configs.filter(({ value }) => known.has(value.name) || !isMore(value.name))
  const shown = new Set([...java.groups, ...configs.map(({ definition }) => definition?.group)])
  return comparable({ ...ours, groups: ours.groups.filter((group) => shown.has(group)), configs })
}

/** The errors alone, by key. */
export function errorsOf({ error_count, configs }: WholeInfos): object {
  const wrong = configs.map((entry) => worded(entry).value).filter(({ errors }) => errors.length > 0)
  return { error_count, errors: Object.fromEntries(wrong.map(({ name, errors }) => [name, errors])) }
}

function isMore(name: string): boolean {
  return MORE.some((pattern) => pattern.test(name))
}

function withOurDefault(info: KeyInfo): KeyInfo {
  const found = defaults.find(({ key, java }) => key === info.name && java === info.default_value)
  return found === undefined ? info : { ...info, default_value: found.ours }
}

/** Java has the keys of converters in the order of a hash table, and so their groups. */
function comparable({ configs, groups, ...rest }: WholeInfos): object {
  const isOfConverter = (name: string) => /\.converter\.(?!plugin\.version)/.test(name)
  const ordered = configs.map(({ value }) => value.name).filter((name) => !isOfConverter(name))
  const ofConverters = groups.filter((name) => /^(Schemas|Serialization)$/.test(name)).sort()
  const entries = configs.map((entry) => [entry.value.name, worded(entry)] as const)
  return {
    ...rest,
    groups: [...groups.filter((name) => !ofConverters.includes(name)), ...ofConverters],
    order: ordered,
    configs: Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1))),
  }
}

/** The same errors in words that either worker has of its own. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/^Invalid value .* for configuration \S+: Class .* could not be found\.$/s, '<no such class>'],
  [/^Class class \S+ does not implement the \w+ interface$/, '<no such class>'],
  [
    /^Invalid value .* for configuration \S+: There is no \w+ ".*"\. The nearest names: <plugins>\.$/s,
    '<no such class>',
  ],
  [/(: Invalid regex: ).*$/s, '$1<why>'],
  [/(available versions: ).*$/, '$1<versions>'],
]

function worded({ definition, value }: Entry): Entry {
  const errors = value.errors.map((error) => WORDS.reduce((so, [from, to]) => so.replace(from, to), error))
  return { definition, value: { ...value, errors } }
}
