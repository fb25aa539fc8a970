import type { RawConfig } from '../../api/config.ts'
import { ConfigError, messageOf, NotFoundError, TaskError } from '../../api/errors.ts'
import { connectorOf } from '../../runtime/plugins/configured-plugins.ts'

/**
 * Whether a worker has the class of a connector or task that it was given: one of another kind, or with other packages,
 * may have been able to.
 * @throws TaskError that names the worker
 */
export function requireClass(config: RawConfig, workerId: string): void {
  try {
    connectorOf(config)
  } catch (error) {
    if (!(error instanceof NotFoundError || error instanceof ConfigError)) throw error
    const message = `Worker ${workerId} cannot run it: ${messageOf(error)}`
    const suggestion = 'install the plugin on that worker too, or let it run on one that has it'
    throw new TaskError('plugin.unknown', message, { suggestion })
  }
}
