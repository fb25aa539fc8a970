import { isSecretName, MASK, withoutCredentials, withoutUrlSecrets } from '../../api/credentials.ts'
import { type ConfigKey, type RawConfig, trimmed } from '../../api/config.ts'
import type { ConfigProblem } from '../../api/errors.ts'
import type { KnownKey } from './key-finder.ts'

/** Kafka Connect's ConfigKeyInfo. */
export interface ConfigKeyInfo {
  readonly name: string
  readonly type: string
  readonly required: boolean
  readonly default_value: string | null
  readonly importance: string
  readonly documentation: string
  readonly group: string | null
  readonly order_in_group: number
  readonly width: string
  readonly display_name: string
  readonly dependents: readonly string[]
}

/** Kafka Connect's ConfigInfo; `definition` is null where nothing defines the key. */
export interface ConfigInfo {
  readonly definition: ConfigKeyInfo | null
  readonly value: {
    readonly name: string
    readonly value: string | null
    readonly recommended_values: readonly string[]
    readonly errors: readonly string[]
    readonly visible: boolean
  }
}

/** Kafka Connect's ConfigInfos: the answer of `validate`. */
export interface ConfigInfos {
  readonly name: string
  readonly error_count: number
  readonly groups: readonly string[]
  readonly configs: readonly ConfigInfo[]
}

export interface CheckedKeys {
  readonly keys: readonly KnownKey[]
  readonly problems: readonly ConfigProblem[]
  /** Keys whose value is null in the request. */
  readonly nulls?: ReadonlySet<string>
  /** Whether a value only refers to a config provider, and is no secret itself. */
  readonly isReference: (value: string) => boolean
}

/** A number that has a least value is told of twice, as in Kafka Connect. */
function nullProblems(path: string, keys: readonly KnownKey[]): ConfigProblem[] {
  const given = { path, message: 'Null value can not be supplied as the configuration value.' }
  const min = keys.find(({ name }) => name === path)?.key.min
  const message = `Invalid value null for configuration ${path}: Value must be non-null`
  return min === undefined ? [given] : [{ path, message }, given]
}

export function configInfos(className: string, raw: RawConfig, checked: CheckedKeys): ConfigInfos {
  const { keys, isReference, nulls = new Set<string>() } = checked
  const problems = [...checked.problems, ...[...nulls].flatMap((path) => nullProblems(path, keys))]
  const errors = Map.groupBy(problems, ({ path }) => path)
  const defined = new Set(keys.map(({ name }) => name))
  const infos = keyInfos(keys)
  const configs: ConfigInfo[] = []
  for (const [name, found] of errors) {
    if (defined.has(name)) continue
    const given = raw[name]
    const isShown = given === undefined || !isSecretName(name) || isReference(given)
    const value = isShown ? (given ?? null) : MASK
    configs.push({ definition: null, value: valueInfo(name, value, [], found) })
  }
  for (const [i, known] of keys.entries()) {
    const { name, key, isUndefined = false } = known
    const found = errors.get(name) ?? []
    const value = nulls.has(name) ? null : shownValue(known, raw, { isWrong: found.length > 0, isReference })
    const info = { ...valueInfo(name, value, key.recommended ?? [], found), visible: isVisible(known) }
    configs.push({ definition: isUndefined ? null : (infos[i] ?? null), value: info })
  }
  return {
    name: className,
    error_count: problems.length,
    groups: [...new Set(keys.map(({ group }) => group).filter((group) => group !== null))],
    configs,
  }
}

/** Which version of a converter is meant is asked only where the converter is there. */
function isVisible({ name, key: { recommended = [] } }: KnownKey): boolean {
  return recommended.length > 0 || !/^(key|value|header)\.converter\.plugin\.version$/.test(name)
}

/** Problems in the order in which `validate` shows their keys: what nothing defines comes first. */
export function inOrder(problems: readonly ConfigProblem[], keys: readonly KnownKey[]): ConfigProblem[] {
  const places = new Map(keys.map(({ name }, i) => [name, i]))
  const place = ({ path }: ConfigProblem) => places.get(path) ?? -1
  return problems.toSorted((a, b) => place(a) - place(b))
}

/** The definitions alone, as `/connector-plugins/{p}/config` shows them. */
export function keyInfos(keys: readonly KnownKey[]): ConfigKeyInfo[] {
  const orders = new Map<string, number>()
  return keys.map(({ name, ownName, key, group }) => {
    const order = group === null ? -1 : (key.orderInGroup ?? (orders.get(group) ?? 0) + 1)
    if (group !== null) orders.set(group, order)
    return {
      name,
      type: key.type,
      required: isRequired(key),
      default_value: defaultText(key),
      importance: key.importance ?? 'MEDIUM',
      documentation: key.doc,
      group,
      order_in_group: order,
      width: key.width ?? (group === null ? 'NONE' : 'MEDIUM'),
      display_name: key.displayName ?? ownName ?? name,
      dependents: [],
    }
  })
}

function isRequired(key: ConfigKey): boolean {
  return key.given === true || (!('default' in key) && key.optional !== true)
}

function defaultText(key: ConfigKey): string | null {
  if (key.default === undefined || key.default === null) return null
  if (key.type === 'PASSWORD') return MASK
  if (Array.isArray(key.default)) return key.default.join(',')
  return typeof key.default === 'string' ? key.default : JSON.stringify(key.default)
}

/** The value as Kafka Connect shows it: null where the text means nothing (no such class, not of the key's type). */
function shownValue(
  { name, key, className, isUndefined }: KnownKey,
  raw: RawConfig,
  { isWrong, isReference }: { readonly isWrong: boolean; readonly isReference: (value: string) => boolean },
): string | null {
  const value = raw[name]
  if (value === undefined) return key.given === true ? givenValue(name) : defaultText(key)
  if (isReference(value)) return value
  if (key.type === 'PASSWORD' || (isUndefined === true && isSecretName(name))) return MASK
  if (key.type === 'CLASS') return className ?? (isWrong ? null : value)
  const parsed = key.parse(trimmed(value))
  return 'problem' in parsed ? null : textOf(parsed.value)
}

/** What the framework tells a converter: `key` of `key.converter.converter.type`. */
function givenValue(name: string): string | null {
  return /^(key|value|header)\.converter\./.exec(name)?.[1] ?? null
}

function textOf(value: unknown): string {
  return Array.isArray(value) ? value.join(',') : String(value)
}

function valueInfo(
  name: string,
  value: string | null,
  recommended: readonly string[],
  problems: readonly ConfigProblem[],
): ConfigInfo['value'] {
  const errors = problems.map(({ message }) => withoutCredentials(message))
  const shown = value === null ? null : withoutUrlSecrets(value)
  return { name, value: shown, recommended_values: recommended, errors, visible: true }
}
