import { hostname } from 'node:os'
import type { HostSettings } from '../runtime/host/protocol.ts'
import { workerTopics } from './settings/worker-topics.ts'
import type { WorkerSettings } from './settings/settings.ts'

/** What the task hosts of a worker must know of its settings. */
export function hostSettings(settings: WorkerSettings): HostSettings {
  return {
    bootstrapServers: settings.bootstrapServers,
    clients: settings.clientsAsWritten,
    clientId: settings.clientId,
    transactionalSources: settings.mode.kind === 'distributed' && settings.mode.transactionalSources,
    transactionalIdPrefix:
      settings.mode.kind === 'standalone' ? `standalone-${hostname()}` : settings.mode.groupId,
    workerTopics: workerTopics(settings.mode),
    pluginPackages: settings.pluginPackages,
    modelsDir: settings.modelsDir,
    modelsAllowedDirs: settings.modelsAllowedDirs,
    images: settings.images,
    offsetFlushIntervalMs: settings.offsetFlushInterval,
    offsetTopic: settings.mode.kind === 'standalone' ? null : settings.mode.offsetTopic,
    topicCreation: settings.topicCreation,
    topicTracking: settings.topicTracking.enabled,
    stopTimeoutMs: settings.shutdownTimeout,
    taskDeadlineMs: settings.taskDeadline,
    configProviders: settings.configProviders,
    converterDefaults: settings.converterDefaults,
    logLevel: settings.logLevel,
  }
}
