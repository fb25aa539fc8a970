import { ConfigError } from '../../api/errors.ts'
import { commonKeys } from '../../runtime/connector-keys.ts'
import type { StringMap } from '../stores/config-state.ts'
import { checkConnectorConfig } from './connector-config.ts'

/**
 * The configs of a sink connector's tasks: `tasks.max` copies of its own, with `task.class`, as Kafka Connect stores
 * them. References to config providers stay in them; `resolved` has their values.
 * @throws ConfigError where the configuration is wrong (it may come from another worker's version)
 */
export function taskConfigs(config: StringMap, resolved: StringMap): StringMap[] {
  const { problems } = checkConnectorConfig(resolved)
  if (problems.length > 0) throw new ConfigError(problems)
  const { 'tasks.max': count, 'connector.class': className } = commonKeys.read(resolved)
  return Array.from({ length: count }, () => ({ ...config, 'task.class': `${className}Task` }))
}

export function sameConfig(a: StringMap | undefined, b: StringMap | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name])
}

export function sameConfigs(a: readonly StringMap[], b: readonly StringMap[]): boolean {
  return a.length === b.length && a.every((config, i) => sameConfig(config, b[i]))
}
