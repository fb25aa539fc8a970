import { ConfigError, type ConfigProblem } from './errors.ts'

/** A configuration as people write it, before anything is parsed. */
export type RawConfig = Readonly<Record<string, string>>

/**
 * The one configuration definition of a plugin. It gives the inferred type, parsing from string maps, defaults, the
 * `validate` endpoint, the reference page and masking. Types and importances are Kafka Connect's (ConfigDef).
 */
export type ConfigType = 'BOOLEAN' | 'STRING' | 'INT' | 'LONG' | 'DOUBLE' | 'LIST' | 'CLASS' | 'PASSWORD'
export type Importance = 'HIGH' | 'MEDIUM' | 'LOW'

export interface KeyOptions<T> {
  readonly doc: string
  readonly importance?: Importance
  readonly group?: string
  readonly displayName?: string
  /** Without a default a key is required, unless `optional` is set. */
  readonly default?: T
  /** The key may be absent: its value is then undefined. */
  readonly optional?: boolean
  /** Returns what is wrong with a value, or undefined. */
  check?(value: T): string | undefined
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

const INT_MAX = 2 ** 31 - 1

function define<T>(type: ConfigType, parse: ConfigKey<T>['parse']) {
  return <const O extends KeyOptions<T>>(options: O): Made<T, O> =>
    ({ ...options, type, parse }) as unknown as Made<T, O>
}

function parseInteger(max: number) {
  return (text: string): { value: number } | { problem: string } => {
    const value = Number(text)
    return /^[+-]?\d+$/.test(text) && Math.abs(value) <= max
      ? { value }
      : { problem: `Not a number of type ${max === INT_MAX ? 'INT' : 'LONG'}` }
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
  int: define<number>('INT', parseInteger(INT_MAX)),
  /** LONG, as a number: what a plugin configures stays below 2^53. */
  long: define<number>('LONG', parseInteger(Number.MAX_SAFE_INTEGER)),
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

function parseKey(name: string, definition: ConfigKey, text: string | undefined) {
  if (text === undefined) {
    if ('default' in definition) return { value: definition.default }
    if (definition.optional === true) return { value: undefined }
    return { problem: `Missing required configuration "${name}" which has no default value.` }
  }
  const parsed = definition.parse(stripped(text, (c) => c <= ' ')) // as Java's String.trim
  if ('problem' in parsed) {
    return { problem: `Invalid value ${text} for configuration ${name}: ${parsed.problem}` }
  }
  const wrong = definition.check?.(parsed.value)
  if (wrong === undefined) return { value: parsed.value }
  const shown = definition.type === 'PASSWORD' ? '[hidden]' : text
  return { problem: `Invalid value ${shown} for configuration ${name}: ${wrong}` }
}

export function defineConfig<const K extends ConfigKeys>(keys: K): ConfigDefinition<K> {
  const parse: ConfigDefinition<K>['parse'] = (raw, prefix = '') => {
    const values: Record<string, unknown> = {}
    const problems: ConfigProblem[] = []
    for (const [name, definition] of Object.entries(keys)) {
      const result = parseKey(prefix + name, definition, Object.hasOwn(raw, name) ? raw[name] : undefined)
      if ('problem' in result) problems.push({ path: prefix + name, message: result.problem })
      else values[name] = result.value
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
