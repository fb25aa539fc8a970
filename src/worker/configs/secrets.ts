import type { RawConfig } from '../../api/config.ts'
import { isSecretName, MASK, withoutUrlSecrets } from '../../api/credentials.ts'
import { type ConfigProblem, ConfigError } from '../../api/errors.ts'
import { knownKeys } from './known-keys.ts'

/** The names of the secrets in a configuration: PASSWORD keys of its plugins, and keys named like one that nothing defines. */
function secretNames(config: RawConfig): Set<string> {
  const known = knownKeys(config, 'keys').keys.filter(({ isUndefined = false }) => !isUndefined)
  const defined = new Map(known.map(({ name, key }) => [name, key.type]))
  const names = Object.keys(config).filter((name) => {
    const type = defined.get(name)
    return type === undefined ? isSecretName(name) : type === 'PASSWORD'
  })
  return new Set(names)
}

/** A URL with a mask in it. */
const URL_MASK = /:\/\/\[hidden\]@|[?&;][^=\s&;]{1,100}=\[hidden\]/

/** By configuration as it was read: lists of many connectors ask for the same ones again and again. */
const shown = new WeakMap<RawConfig, RawConfig>()

/**
 * A configuration as it may be shown. Invariant 7: no secret leaves the process. `isReference` tells of values that only refer
 * to a config provider.
 */
export function masked(config: RawConfig, isReference: (value: string) => boolean = () => false): RawConfig {
  const known = shown.get(config)
  if (known !== undefined) return known
  const secret = secretNames(config)
  const result = Object.fromEntries(
    Object.entries(config).map(([name, value]) => [
      name,
      secret.has(name) && value !== '' && !isReference(value) ? MASK : withoutUrlSecrets(value),
    ]),
  )
  shown.set(config, result)
  return result
}

/**
 * A configuration as it is stored: a mask that comes back (GET, edit, PUT) stands for the stored value.
 * @throws ConfigError where there is no stored value
 */
export function unmasked(config: RawConfig, stored: RawConfig | undefined): RawConfig {
  const secret = secretNames(config)
  const problems: ConfigProblem[] = []
  const entries = Object.entries(config).map(([name, value]): [string, string] => {
    const isMask = secret.has(name) ? value === MASK : URL_MASK.test(value)
    if (!isMask) return [name, value]
    // Only as it was shown: a secret never moves to another host.
    const kept = stored?.[name]
    if (kept !== undefined && (secret.has(name) || withoutUrlSecrets(kept) === value)) return [name, kept]
    const reason = kept === undefined ? 'no value is stored' : 'another value is stored'
    const message = `${name} has "${MASK}" in it, but ${reason}. Give the value itself.`
    problems.push({ path: name, message })
    return [name, value]
  })
  if (problems.length > 0) throw new ConfigError(problems)
  return Object.fromEntries(entries)
}
