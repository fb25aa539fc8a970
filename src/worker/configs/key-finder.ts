import type { ConfigDefinition, ConfigKey, ConfigKeys, RawConfig } from '../../api/config.ts'
import { withPrefix } from '../../api/config.ts'
import { shortened } from '../../api/did-you-mean.ts'
import { ConfigError, messageOf, NotFoundError, type ConfigProblem } from '../../api/errors.ts'
import type { AnyPlugin } from '../../api/plugins.ts'
import { versionsOf } from '../../runtime/plugins/plugins.ts'

/** One key that a connector's configuration has a definition for, by its full name. */
export interface KnownKey {
  readonly name: string
  readonly key: ConfigKey
  readonly group: string | null
  /** Its name among the keys of its plugin, where it is another. */
  readonly ownName?: string
  /** Of a key that names a plugin: the class that is meant. */
  readonly className?: string
  /** Nothing defines it, and it is shown with its value. */
  readonly isUndefined?: boolean
}

interface Place {
  readonly prefix?: string
  readonly group?: string
  /** Classes that were found, by the full names of the keys. */
  readonly classNames?: ReadonlyMap<string, string>
}

/** A plugin that a configuration names, and whether it is there in the version that is asked for. */
type Found<T> = T & { readonly isRight: boolean }

const NO_SUCH_VERSION = ' not found that matches the version range '

/** Gathers the keys of a configuration's plugins, in Kafka Connect's order, and what is wrong with their values. */
export class KeyFinder {
  readonly raw: RawConfig
  /** Whether values are checked, or only the keys are wanted. */
  readonly checks: boolean
  readonly keys: KnownKey[] = []
  readonly problems: ConfigProblem[] = []

  constructor(raw: RawConfig, checks = true) {
    this.raw = raw
    this.checks = checks
  }

  take(definitions: ConfigKeys, { prefix = '', group, classNames }: Place = {}): void {
    const found = namedKeys(definitions, prefix, group).map((known) => {
      const className = classNames?.get(known.name)
      return className === undefined ? known : { ...known, className }
    })
    this.keys.push(...found)
  }

  check(definition: Pick<ConfigDefinition, 'parse'>, prefix = ''): void {
    if (this.checks) this.problems.push(...definition.parse(withPrefix(this.raw, prefix), prefix).problems)
  }

  wrong(path: string, message: string): void {
    this.problems.push({ path, message })
  }

  /** Looks up what `path` names. That there is no such version of it is told at both keys, as in Kafka Connect. */
  find<T extends object>(path: string, version: string, lookUp: (raw: RawConfig) => T): Found<T> | undefined {
    try {
      return { ...lookUp(this.raw), isRight: true }
    } catch (error) {
      if (error instanceof ConfigError) {
        for (const { message } of error.problems) {
          if (message.includes(NO_SUCH_VERSION)) this.wrong(path, message)
          this.wrong(version, message)
        }
        return this.#findAny(version, lookUp)
      }
      if (!(error instanceof NotFoundError)) throw error
      this.wrong(
        path,
        `Invalid value ${shortened(this.raw[path] ?? '')} for configuration ${path}: ${messageOf(error)}`,
      )
      return undefined
    }
  }

  #findAny<T extends object>(version: string, lookUp: (raw: RawConfig) => T): Found<T> {
    const raw = Object.fromEntries(Object.entries(this.raw).filter(([name]) => name !== version))
    return { ...lookUp(raw), isRight: false }
  }

  classNamed(path: string, plugin: AnyPlugin, suffix = ''): Required<Pick<Place, 'classNames'>> {
    return { classNames: new Map([[path, classNameOf(plugin) + suffix]]) }
  }

  /** A key that names a version of a plugin says which there are; the latest is its default. */
  versions(name: string, plugin: AnyPlugin | undefined): void {
    if (this.checks)
      this.keys.splice(0, this.keys.length, ...this.keys.map((known) => withVersions(known, name, plugin)))
  }
}

export function withVersions(known: KnownKey, name: string, plugin: AnyPlugin | undefined): KnownKey {
  if (known.name !== name || plugin === undefined) return known
  const recommended = versionsOf(plugin)
  return { ...known, key: { ...known.key, default: recommended.at(-1), recommended } }
}

/** The class as Kafka Connect would show it: of its own plugins the Java name, whatever a configuration calls them. */
export function classNameOf({ name, aliases = [] }: Pick<AnyPlugin, 'name' | 'aliases'>): string {
  return aliases.find((alias) => alias.startsWith('org.apache.kafka.connect.')) ?? name
}

export function namedKeys(definitions: ConfigKeys, prefix = '', group?: string): KnownKey[] {
  return Object.entries(definitions).map(([name, definition]) => ({
    name: prefix + name,
    ownName: name,
    key: definition,
    group: group ?? definition.group ?? null,
  }))
}
