import { isSecretName, MASK, withoutCredentials, withoutUrlSecrets } from '../../api/credentials.ts'
import type { ConfigKey, RawConfig } from '../../api/config.ts'
import type { ConfigProblem } from '../../api/errors.ts'
import type { KnownKey } from './known-keys.ts'

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
  /** Whether a value only refers to a config provider, and is no secret itself. */
  readonly isReference: (value: string) => boolean
}

export function configInfos(
  className: string,
  raw: RawConfig,
  { keys, problems, isReference }: CheckedKeys,
): ConfigInfos {
  const errors = Map.groupBy(problems, ({ path }) => path)
  const defined = new Set(keys.map(({ name }) => name))
  const infos = keyInfos(keys)
  const configs = keys.map((known, i): ConfigInfo => ({
    definition: infos[i] ?? null,
    value: valueInfo(
      known.name,
      shownValue(known, raw, { isWrong: errors.has(known.name), isReference }),
      known.key.recommended ?? [],
      errors.get(known.name) ?? [],
    ),
  }))
  for (const [name, found] of errors) {
    if (defined.has(name)) continue
    const given = raw[name]
    const isShown = given === undefined || !isSecretName(name) || isReference(given)
    const value = isShown ? (given ?? null) : MASK
    configs.push({ definition: null, value: valueInfo(name, value, [], found) })
  }
  return {
    name: className,
    error_count: problems.length,
    groups: [...new Set(keys.map(({ group }) => group).filter((group) => group !== null))],
    configs,
  }
}

/** Widths of the framework's own keys in a form, where they are not medium: Kafka Connect's. */
const WIDTHS: Readonly<Record<string, string>> = {
  'connector.class': 'LONG',
  'tasks.max': 'SHORT',
  'key.converter': 'SHORT',
  'key.converter.plugin.version': 'SHORT',
  'value.converter': 'SHORT',
  'value.converter.plugin.version': 'SHORT',
  'header.converter': 'SHORT',
  'header.converter.plugin.version': 'SHORT',
  transforms: 'LONG',
  predicates: 'LONG',
  topics: 'LONG',
  'topics.regex': 'LONG',
  'errors.tolerance': 'SHORT',
  'errors.log.enable': 'SHORT',
  'errors.log.include.messages': 'SHORT',
}

/** The definitions alone, as `/connector-plugins/{p}/config` shows them. */
export function keyInfos(keys: readonly KnownKey[]): ConfigKeyInfo[] {
  const orders = new Map<string, number>()
  return keys.map(({ name, key, group }) => {
    const order = group === null ? -1 : (orders.get(group) ?? 0) + 1
    if (group !== null) orders.set(group, order)
    return {
      name,
      type: key.type,
      required: !('default' in key) && key.optional !== true,
      default_value: defaultText(key),
      importance: key.importance ?? 'MEDIUM',
      documentation: key.doc,
      group,
      order_in_group: order,
      width: WIDTHS[name] ?? (group === null ? 'NONE' : 'MEDIUM'),
      display_name: key.displayName ?? name,
      dependents: [],
    }
  })
}

function defaultText(key: ConfigKey): string | null {
  if (key.default === undefined) return null
  if (key.type === 'PASSWORD') return MASK
  if (Array.isArray(key.default)) return key.default.join(',')
  return typeof key.default === 'string' ? key.default : JSON.stringify(key.default)
}

/** The value as Kafka Connect shows it: null where the text means nothing (no such class, not of the key's type). */
function shownValue(
  { name, key }: KnownKey,
  raw: RawConfig,
  { isWrong, isReference }: { readonly isWrong: boolean; readonly isReference: (value: string) => boolean },
): string | null {
  const value = raw[name]
  if (value === undefined) return defaultText(key)
  if (isReference(value)) return value
  if (key.type === 'PASSWORD') return MASK
  if (name === 'connector.class') return value
  const meaningless = key.type === 'CLASS' ? isWrong : 'problem' in key.parse(value.trim())
  return meaningless ? null : value
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
