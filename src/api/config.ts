import { ConfigError, type ConfigProblem } from './errors.ts'

/** A configuration as people write it, before anything is parsed. */
export type RawConfig = Readonly<Record<string, string>>

/**
 * The one configuration definition of a plugin. It gives the inferred type, parsing from string maps, defaults, the
 * `validate` endpoint, the reference page and masking. Types and importances are Kafka Connect's (ConfigDef).
 */
export type ConfigType =
  'BOOLEAN' | 'STRING' | 'SHORT' | 'INT' | 'LONG' | 'DOUBLE' | 'LIST' | 'CLASS' | 'PASSWORD'
export type Importance = 'HIGH' | 'MEDIUM' | 'LOW'
export type Width = 'NONE' | 'SHORT' | 'MEDIUM' | 'LONG'

export interface KeyOptions<T> {
  readonly doc: string
  readonly importance?: Importance
  readonly group?: string
  readonly displayName?: string
  /** The place in its group, and the width of its field in a form; by default the next place, and medium. */
  readonly orderInGroup?: number
  readonly width?: Width
  /** Without a default a key is required, unless `optional` is set. */
  readonly default?: T
  /** The key may be absent: its value is then undefined. */
  readonly optional?: boolean
  /** The framework knows the value: the key is shown as required, and is never missing. */
  readonly given?: boolean
  /** Returns what is wrong with a value, or undefined. */
  check?(value: T): string | undefined
  /** The least that a number may be. Of a text that is no number there are two problems then, as in Kafka Connect. */
  readonly min?: number
  readonly recommended?: readonly string[]
  /** Why the key changes nothing, where the plugin knows it only from the one whose configurations it takes. */
  readonly ignored?: string
}

export interface ConfigKey<T = unknown> extends KeyOptions<T> {
  readonly type: ConfigType
  /** Parses trimmed text; a string is the problem. */
  readonly parse: (text: string) => { readonly value: T } | { readonly problem: string }
}

type Required<T> = ConfigKey<T> & { readonly optional?: false }
type Optional<T> = ConfigKey<T> & { readonly optional: true }
type Made<T, O> = O extends { readonly optional: true } ? Optional<T> : Required<T>

const WHOLE = { SHORT: 2 ** 15 - 1, INT: 2 ** 31 - 1, LONG: Number.MAX_SAFE_INTEGER } as const

function define<T>(type: ConfigType, parse: ConfigKey<T>['parse']) {
  return <const O extends KeyOptions<T>>(options: O): Made<T, O> =>
    ({ ...options, type, parse }) as unknown as Made<T, O>
}

function parseInteger(type: keyof typeof WHOLE) {
  return (text: string): { value: number } | { problem: string } => {
    const value = Number(text)
    return /^[+-]?\d+$/.test(text) && value <= WHOLE[type] && value >= -WHOLE[type] - 1
      ? { value }
      : { problem: `Not a number of type ${type}` }
  }
}

/** What Java's patterns call \\s. */
const BLANKS = ' \t\n\v\f\r'

/** Text without the characters at both ends that are to go; linear, as it comes from outside. */
function stripped(text: string, goes: (c: string) => boolean): string {
  let [start, end] = [0, text.length]
  while (start < end && goes(text.charAt(start))) start++
  while (end > start && goes(text.charAt(end - 1))) end--
  return text.slice(start, end)
}

function splitList(text: string): { value: readonly string[] } {
  return {
    value: text === '' ? [] : text.split(',').map((item) => stripped(item, (c) => BLANKS.includes(c))),
  }
}

/** The kinds of keys. Each takes KeyOptions. */
export const key = {
  string: define<string>('STRING', (value) => ({ value })),
  short: define<number>('SHORT', parseInteger('SHORT')),
  int: define<number>('INT', parseInteger('INT')),
  /** LONG, as a number: what a plugin configures stays below 2^53. */
  long: define<number>('LONG', parseInteger('LONG')),
  double: define<number>('DOUBLE', (text) => {
    const value = Number(text)
    return text !== '' && !Number.isNaN(value) ? { value } : { problem: 'Not a number of type DOUBLE' }
  }),
  boolean: define<boolean>('BOOLEAN', (text) => {
    const lower = text.toLowerCase()
    return lower === 'true' || lower === 'false'
      ? { value: lower === 'true' }
      : { problem: 'Expected value to be either true or false' }
  }),
  list: define<readonly string[]>('LIST', splitList),
  /** The class name of a plugin: a name to look up, never a module to import (invariant 8). */
  plugin: define<string>('CLASS', (value) => ({ value })),
  /** A secret: masked wherever a configuration is shown. */
  password: define<string>('PASSWORD', (value) => ({ value })),
}

export type ConfigKeys = Readonly<Record<string, ConfigKey>>

type ValueOf<K> = K extends ConfigKey<infer T> ? T : never
/** The parsed values of a definition. */
export type ConfigOf<K extends ConfigKeys> = {
  readonly [N in keyof K]: K[N] extends { readonly optional: true }
    ? ValueOf<K[N]> | undefined
    : ValueOf<K[N]>
}

export interface ParsedConfig<K extends ConfigKeys> {
  /** Values of the keys without a problem; complete where `problems` is empty. */
  readonly values: ConfigOf<K>
  readonly problems: readonly ConfigProblem[]
}

export interface ConfigDefinition<K extends ConfigKeys = ConfigKeys> {
  readonly keys: K
  /** Reads a string map. `prefix` names the keys in problems, e.g. `transforms.score.`. Unknown keys are ignored. */
  parse(raw: Readonly<Record<string, string | undefined>>, prefix?: string): ParsedConfig<K>
  /** The same, but throws a ConfigError with every problem. */
  read(raw: Readonly<Record<string, string | undefined>>, prefix?: string): ConfigOf<K>
}

/** A parsed value as Kafka Connect writes it in errors. */
function shownInError({ type }: ConfigKey, value: unknown): string {
  if (type === 'PASSWORD') return '[hidden]'
  return Array.isArray(value) ? `[${value.join(', ')}]` : String(value)
}

function wrongValue(definition: ConfigKey, value: unknown): string | undefined {
  const { min } = definition
  if (min !== undefined && typeof value === 'number' && value < min) return `Value must be at least ${min}`
  return definition.check?.(value)
}

type ParsedKey = { readonly value: unknown } | { readonly problems: readonly string[] }

function parseKey(name: string, definition: ConfigKey, text: string | undefined): ParsedKey {
  if (text === undefined) {
    if ('default' in definition) return { value: definition.default }
    if (definition.optional === true) return { value: undefined }
    return { problems: [`Missing required configuration "${name}" which has no default value.`] }
  }
  const invalid = (value: string, why: string) => `Invalid value ${value} for configuration ${name}: ${why}`
  const parsed = definition.parse(trimmed(text))
  if ('problem' in parsed) {
    const problem = invalid(text, parsed.problem)
    return {
      problems: [
        problem,
        ...(definition.min === undefined ? [] : [invalid('null', 'Value must be non-null')]),
      ],
    }
  }
  const wrong = wrongValue(definition, parsed.value)
  return wrong === undefined
    ? { value: parsed.value }
    : { problems: [invalid(shownInError(definition, parsed.value), wrong)] }
}

/** The items of a list in one text, with commas between them; blanks around them and empty items are no part of it. */
export function listOf(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
}

/** As Java's String.trim. */
export function trimmed(text: string): string {
  return stripped(text, (c) => c <= ' ')
}

export function defineConfig<const K extends ConfigKeys>(keys: K): ConfigDefinition<K> {
  const parse: ConfigDefinition<K>['parse'] = (raw, prefix = '') => {
    const values: Record<string, unknown> = {}
    const problems: ConfigProblem[] = []
    for (const [name, definition] of Object.entries(keys)) {
      const result = parseKey(prefix + name, definition, Object.hasOwn(raw, name) ? raw[name] : undefined)
      if ('value' in result) values[name] = result.value
      else problems.push(...result.problems.map((message) => ({ path: prefix + name, message })))
    }
    return { values: values as ConfigOf<K>, problems }
  }
  return {
    keys,
    parse,
    read(raw, prefix) {
      const { values, problems } = parse(raw, prefix)
      if (problems.length > 0) throw new ConfigError(problems)
      return values
    },
  }
}

/** The keys of a string map that start with a prefix, without it. */
export function withPrefix(
  raw: Readonly<Record<string, string | undefined>>,
  prefix: string,
): Record<string, string | undefined> {
  const found = Object.entries(raw).filter(([name]) => name.startsWith(prefix))
  return Object.fromEntries(found.map(([name, value]) => [name.slice(prefix.length), value]))
}
