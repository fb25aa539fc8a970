import type { RawConfig } from '../../api/config.ts'
import type { Logger } from '../../api/log.ts'
import { withClientDefaults } from '../../runtime/plugins/client-settings.ts'
import type { Assignor } from '../../kafka/groups/assignors/assignor.ts'
import { DEFAULT_STRATEGY, readStrategy } from '../../kafka/groups/assignors/strategy.ts'
import type { WorkerSettings } from '../settings/settings.ts'
import { workerTopics } from '../settings/worker-topics.ts'
import type { SinkGroupOptions } from './sink-membership.ts'
import { topicSelection } from './topic-selection.ts'

/** At most a third of the shortest session that brokers take by default: two may be lost. */
const HEARTBEAT = 2_000

export function sinkGroupId(config: RawConfig): string {
  return config['consumer.override.group.id']?.trim() ?? `connect-${config['name']?.trim() ?? ''}`
}

/**
 * The id of a task as a static member of its sink's group; null where the connector asks for none. All tasks of a connector
 * have one configuration, and a member needs an id that no other has; it moves with the task from worker to worker.
 */
export function groupInstanceId(config: RawConfig, task: number): string | null {
  const id = config['consumer.override.group.instance.id']?.trim() ?? ''
  return id === '' ? null : `${id}-${task}`
}

/** How a sink's partitions are shared out among its tasks. A configuration that was checked names assignors. */
export function sinkAssignors(config: RawConfig): readonly Assignor[] {
  const text = config['consumer.override.partition.assignment.strategy']
  const read = text === undefined ? undefined : readStrategy(text)
  return read === undefined || 'problem' in read ? DEFAULT_STRATEGY : read.assignors
}

/** The group of a sink connector, `connect-<name>`: a member per task. */
export function sinkGroup(
  settings: WorkerSettings,
  written: RawConfig,
  log: Logger,
  task = 0,
): SinkGroupOptions {
  const config = withClientDefaults(settings.clients, written)
  const override = (key: string, fallback: number): number =>
    Number(config[`consumer.override.${key}`] ?? fallback)
  return {
    groupId: sinkGroupId(config),
    sessionTimeout: override('session.timeout.ms', settings.sessionTimeout),
    rebalanceTimeout: settings.rebalanceTimeout,
    heartbeatInterval: Math.min(HEARTBEAT, settings.heartbeatInterval),
    metadataMaxAge: override('metadata.max.age.ms', settings.metadataMaxAge),
    assignors: sinkAssignors(config),
    groupInstanceId: groupInstanceId(config, task),
    topics: topicSelection(config, workerTopics(settings.mode)),
    log,
  }
}
