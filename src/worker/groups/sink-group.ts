import type { RawConfig } from '../../api/config.ts'
import type { Logger } from '../../api/log.ts'
import { withClientDefaults } from '../../runtime/plugins/client-settings.ts'
import type { WorkerSettings } from '../settings/settings.ts'
import { workerTopics } from '../settings/worker-topics.ts'
import type { SinkGroupOptions } from './sink-membership.ts'
import { topicSelection } from './topic-selection.ts'

const HEARTBEAT = 1_000

export function sinkGroupId(config: RawConfig): string {
  return config['consumer.override.group.id']?.trim() ?? `connect-${config['name']?.trim() ?? ''}`
}

/** The group of a sink connector, `connect-<name>`: a member per task. */
export function sinkGroup(settings: WorkerSettings, written: RawConfig, log: Logger): SinkGroupOptions {
  const config = withClientDefaults(settings.clients, written)
  const override = (key: string, fallback: number): number =>
    Number(config[`consumer.override.${key}`] ?? fallback)
  return {
    groupId: sinkGroupId(config),
    sessionTimeout: override('session.timeout.ms', settings.sessionTimeout),
    rebalanceTimeout: settings.rebalanceTimeout,
    heartbeatInterval: Math.min(HEARTBEAT, settings.heartbeatInterval),
    metadataMaxAge: override('metadata.max.age.ms', settings.metadataMaxAge),
    topics: topicSelection(config, workerTopics(settings.mode)),
    log,
  }
}
