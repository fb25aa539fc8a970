import type { RawConfig } from '../../api/config.ts'
import { TaskError } from '../../api/errors.ts'
import { commonKeys } from '../plugins/connector-keys.ts'
import { connectorOf, taskClass } from '../plugins/configured-plugins.ts'

/**
 * The configs of a source's tasks: the connector's own, with what its plugin adds for each, and `task.class`. The plugin
 * is given the values of config providers (`resolved`); where it hands one on, the reference stays. Runs code of the
 * plugin, so a task host calls it.
 * @throws ConfigError, TaskError
 */
export async function sourceTaskConfigs(config: RawConfig, resolved: RawConfig): Promise<RawConfig[]> {
  const common = commonKeys.read(resolved)
  const { name, 'tasks.max': most } = common
  const plugin = connectorOf(resolved)
  if (plugin.kind !== 'source') throw new TaskError('task.failed', `${plugin.name} is no source.`)
  const own: unknown = await plugin.taskConfigs(plugin.config.read(resolved), resolved, most)
  if (!Array.isArray(own) || !own.every(isStringMap))
    throw new TaskError(
      'task.failed',
      `Connector ${name}: taskConfigs of ${plugin.name} gave no list of string maps.`,
    )
  if (own.length > most && common['tasks.max.enforce']) {
    const message = `Connector ${name}: ${plugin.name} generated ${own.length} task configurations, more than tasks.max=${most} allows. Raise it, or set tasks.max.enforce=false.`
    throw new TaskError('task.failed', message)
  }
  return own.map((each) => {
    const added = Object.entries(each).filter(([key, value]) => value !== resolved[key])
    return { ...config, ...Object.fromEntries(added), 'task.class': taskClass(plugin) }
  })
}

function isStringMap(value: unknown): value is RawConfig {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((item) => typeof item === 'string')
  )
}
