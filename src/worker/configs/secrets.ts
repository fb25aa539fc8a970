import { type ConfigProblem, ConfigError } from '../../api/errors.ts'
import type { StringMap } from '../stores/config-state.ts'
import { knownKeys } from './known-keys.ts'

/** What stands in place of a secret, as Kafka's Password type writes it. */
export const MASK = '[hidden]'

const SECRET =
  /(passw(or)?d|passphrase|secret|token|credentials?|user\.?info|jaas\.config|(api|private|access)[._-]?key)$/i

/** Keys that nobody defines (a Java connector's, say) are secrets when they are named like one. */
export function isSecretName(name: string): boolean {
  return SECRET.test(name)
}

/** The names of the secrets in a configuration: PASSWORD keys of its plugins, and undefined keys named like one. */
function secretNames(config: StringMap): Set<string> {
  const defined = new Map(knownKeys(config).keys.map(({ name, key }) => [name, key.type]))
  const names = Object.keys(config).filter((name) => {
    const type = defined.get(name)
    return type === undefined ? isSecretName(name) : type === 'PASSWORD'
  })
  return new Set(names)
}

/** By configuration as it was read: lists of many connectors ask for the same ones again and again. */
const shown = new WeakMap<StringMap, StringMap>()

/** A configuration as it may be shown. Invariant 7: no secret leaves the process. */
export function masked(config: StringMap): StringMap {
  const known = shown.get(config)
  if (known !== undefined) return known
  const secret = secretNames(config)
  const result = Object.fromEntries(
    Object.entries(config).map(([name, value]) => [name, secret.has(name) && value !== '' ? MASK : value]),
  )
  shown.set(config, result)
  return result
}

/**
 * A configuration as it is stored: a mask that comes back (GET, edit, PUT) stands for the stored value.
 * @throws ConfigError where there is no stored value
 */
export function unmasked(config: StringMap, stored: StringMap | undefined): StringMap {
  const secret = secretNames(config)
  const problems: ConfigProblem[] = []
  const entries = Object.entries(config).map(([name, value]): [string, string] => {
    if (value !== MASK || !secret.has(name)) return [name, value]
    const kept = stored?.[name]
    if (kept === undefined)
      problems.push({
        path: name,
        message: `${name} is "${MASK}", but no value is stored. Give the value itself.`,
      })
    return [name, kept ?? value]
  })
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.fromEntries(entries)
}
