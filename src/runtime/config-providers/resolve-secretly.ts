import type { RawConfig } from '../../api/config.ts'
import { hideValue } from '../../api/credentials.ts'
import { commonKeys, sinkKeys } from '../plugins/connector-keys.ts'
import type { ConfigProviders } from './config-providers.ts'

const PLAIN = new Set([...Object.keys(commonKeys.keys), ...Object.keys(sinkKeys.keys)])

/**
 * Resolves a connector's configuration. What its plugins are given is hidden in all that this process shows from now on
 * (invariant 7); the framework's own keys (topics, tasks.max, …) hold no secrets.
 * @throws ConfigError with every reference that gives nothing
 */
export async function resolveSecretly(providers: ConfigProviders, config: RawConfig): Promise<RawConfig> {
  const owner = config['name'] === undefined ? 'The worker' : `Connector ${config['name']}`
  const { config: resolved, provided } = await providers.resolve(config, owner)
  for (const [key, values] of provided) if (!PLAIN.has(key)) values.forEach(hideValue)
  return resolved
}
