import { ConflictError, NotFoundError, RequestError } from '../../api/errors.ts'
import { transactionalIdOf } from '../../runtime/host/protocol.ts'
import { connectorClass } from '../configs/plugin-catalogue.ts'
import type { ConfigStore } from '../stores/config-store.ts'

export interface ZombieFencingOptions {
  readonly configs: Pick<ConfigStore, 'get' | 'readToEnd' | 'taskCount' | 'isUnfenced' | 'putTaskCount'>
  /** The cluster's `group.id`, with which the ids of all its producers begin. */
  readonly groupId: string
  /** Fences the producers of these transactional ids. */
  readonly fence: (ids: readonly string[]) => Promise<void>
}

/**
 * A round of zombie fencing (KIP-618): before the tasks of a source with exactly-once support start with new configs, the
 * producers of all its former tasks are fenced, wherever they run. How many there may be `tasks-fencing-a` says; it is
 * written anew when that is done, and tasks start only after it.
 *
 * Called by the leader, in the order of the connector's changes.
 */
export async function fenceZombies(
  connector: string,
  { configs, groupId, fence }: ZombieFencingOptions,
): Promise<void> {
  await configs.readToEnd()
  const stored = configs.get(connector)
  if (stored === undefined) throw new NotFoundError('connector.unknown', `Connector ${connector} not found`)
  // Of a class that only other workers have they know best.
  if (connectorClass(stored.config).type === 'sink')
    throw new RequestError('request.invalid', `Connector ${connector} is not a source connector`)
  if (!configs.isUnfenced(connector)) return
  const before = configs.taskCount(connector)
  const { tasks } = stored
  // A single task takes its transactional id over from the single one before it, which fences that.
  const replacesItself = before === 1 && tasks.length === 1
  if (before !== undefined && !replacesItself) {
    await fence(Array.from({ length: before }, (_, task) => transactionalIdOf(groupId, { connector, task })))
    await configs.readToEnd()
    if (configs.get(connector)?.tasks !== tasks) {
      const message = 'Fencing failed because new task configurations were generated for the connector'
      throw new ConflictError('request.rebalancing', message)
    }
  }
  await configs.putTaskCount(connector, tasks.length)
}
