import type { RawConfig } from '../../api/config.ts'
import { ConfigError, messageOf, NotFoundError, TaskError } from '../../api/errors.ts'
import { connectorOf } from '../../runtime/plugins/configured-plugins.ts'

/**
 * Whether a worker has the class of a connector or task that it was given: one of another kind, or with other packages,
 * may have been able to.
 * @param others the workers that have failed for the same reason before
 * @throws TaskError that names the worker, and the others
 */
export function requireClass(config: RawConfig, workerId: string, others: readonly string[]): void {
  try {
    connectorOf(config)
  } catch (error) {
    if (!(error instanceof NotFoundError || error instanceof ConfigError)) throw error
    const neither = others.length === 0 ? '' : ` Neither could ${others.join(', ')}.`
    const message = `Worker ${workerId} cannot run it: ${messageOf(error)}${neither}`
    const suggestion = 'install the plugin on one of the workers, and start that one again'
    throw new TaskError('plugin.unknown', message, { suggestion })
  }
}
