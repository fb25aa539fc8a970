import type { RawConfig } from '../../api/config.ts'
import { ConfigError } from '../../api/errors.ts'
import { connectorOf, taskClass } from '../../runtime/plugins/configured-plugins.ts'
import { commonKeys } from '../../runtime/plugins/connector-keys.ts'
import type { TaskHosts } from '../hosts/task-hosts.ts'
import { checkConnectorConfig } from './connector-config.ts'

/**
 * The configs of a connector's tasks, with `task.class`, as Kafka Connect stores them: of a sink `tasks.max` copies of
 * its own, of a source what its plugin makes of it. References to config providers stay in them; `resolved` has their
 * values.
 * @throws ConfigError where the configuration is wrong (it may come from another worker's version), TaskError
 */
export async function taskConfigs(
  config: RawConfig,
  resolved: RawConfig,
  hosts: Pick<TaskHosts, 'configure'>,
): Promise<readonly RawConfig[]> {
  const { type, problems } = checkConnectorConfig(resolved)
  if (problems.length > 0) throw new ConfigError(problems)
  if (type === 'source') return hosts.configure(config)
  const { 'tasks.max': count } = commonKeys.read(resolved)
  return Array.from({ length: count }, () => ({ ...config, 'task.class': taskClass(connectorOf(resolved)) }))
}

export function sameConfig(a: RawConfig | undefined, b: RawConfig | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name])
}

export function sameConfigs(a: readonly RawConfig[], b: readonly RawConfig[]): boolean {
  return a.length === b.length && a.every((config, i) => sameConfig(config, b[i]))
}
