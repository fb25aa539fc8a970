import { TaskError } from '../../api/errors.ts'
import { commonKeys } from '../connector-keys.ts'
import { findConnector } from '../plugins.ts'

type StringMap = Readonly<Record<string, string>>

/**
 * The configs of a source's tasks: the connector's own, with what its plugin adds for each, and `task.class`. Runs
 * code of the plugin, so a task host calls it.
 * @throws ConfigError, TaskError
 */
export async function sourceTaskConfigs(config: StringMap): Promise<StringMap[]> {
  const { name, 'tasks.max': most, 'connector.class': className } = commonKeys.read(config)
  const plugin = findConnector(className)
  if (plugin.kind !== 'source') throw new TaskError('task.failed', `${plugin.name} is no source.`)
  const own: unknown = await plugin.taskConfigs(plugin.config.read(config), config, most)
  if (!Array.isArray(own) || !own.every(isStringMap))
    throw new TaskError(
      'task.failed',
      `Connector ${name}: taskConfigs of ${plugin.name} gave no list of string maps.`,
    )
  if (own.length > most) {
    const message = `Connector ${name}: ${plugin.name} generated ${own.length} task configurations, more than tasks.max=${most} allows.`
    throw new TaskError('task.failed', message)
  }
  return own.map((each) => ({ ...config, ...each, 'task.class': `${className}Task` }))
}

function isStringMap(value: unknown): value is StringMap {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((item) => typeof item === 'string')
  )
}
