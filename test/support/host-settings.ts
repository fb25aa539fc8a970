import { NO_IMAGES } from '../../src/index.ts'
import type { HostSettings } from '../../src/runtime/host/protocol.ts'
import { NO_CLIENT_SETTINGS } from '../../src/runtime/plugins/client-settings.ts'

/** What a task host is told of a worker's settings. */
export function hostSettings(more: Partial<HostSettings> = {}): HostSettings {
  return {
    bootstrapServers: [],
    clients: NO_CLIENT_SETTINGS,
    clientId: 'test',
    transactionalSources: false,
    transactionalIdPrefix: 'test',
    workerTopics: [],
    modelsDir: 'models',
    modelsAllowedDirs: [],
    images: NO_IMAGES,
    offsetFlushIntervalMs: 100,
    offsetTopic: { topic: 'offsets', partitions: 1, replicationFactor: 1 },
    topicCreation: true,
    topicTracking: true,
    stopTimeoutMs: 5000,
    taskDeadlineMs: 60_000,
    pluginPackages: [],
    configProviders: [],
    converterDefaults: {},
    logLevel: 'silent',
    ...more,
  }
}
