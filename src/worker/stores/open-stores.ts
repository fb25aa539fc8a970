import { setTimeout as sleep } from 'node:timers/promises'
import { ConnectError, messageOf, UnavailableError } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import type { KafkaClient } from '../../kafka/client.ts'
import { CompactedLog } from '../../kafka/compacted-log/compacted-log.ts'
import { ensureLogTopic } from '../../kafka/compacted-log/compacted-log-topic.ts'
import type { DistributedMode, InternalTopic, StandaloneMode } from '../settings/modes.ts'
import type { WorkerSettings } from '../settings/settings.ts'
import { ConfigStore } from './config-store.ts'
import { openMemoryLog } from './memory-log.ts'
import { OffsetFile } from './offset-file.ts'
import { filePlace, type OffsetPlaces, topicPlaces } from './offset-places.ts'
import type { OpenLog } from './record-log.ts'
import { openSharedLog, type SharedLog } from '../shared/shared-log.ts'
import { StatusStore } from './status-store.ts'

const FIRST_PAUSE = 250
const LONGEST_PAUSE = 5_000
const TELL_INTERVAL = 30_000

export interface Stores {
  readonly configs: ConfigStore
  readonly statuses: StatusStore
  readonly clusterId: string
  readonly offsets: OffsetPlaces
  /** Absent: what other workers know and take stays with them. */
  readonly shared?: SharedLog
  /** Of a standalone worker: its task hosts ask it for offsets. */
  readonly offsetFile?: OffsetFile
}

interface Opening {
  readonly settings: WorkerSettings
  readonly client: KafkaClient
  readonly log: Logger
  readonly signal: AbortSignal
}

/**
 * Opens what a worker keeps its state in: the three topics of its cluster, creating missing ones; or, of a standalone
 * worker, its memory and its file. Retries for ever while Kafka cannot be reached.
 * @throws TaskError where a topic or the file does not fit, UnavailableError where `signal` ended it
 */
export function openStores(opening: Opening): Promise<Stores> {
  const { mode } = opening.settings
  return mode.kind === 'standalone' ? openLocally(opening, mode) : openTopics(opening, mode)
}

export function stoppedEarly(): UnavailableError {
  return new UnavailableError('kafka.unavailable', 'The worker was stopped before it had reached Kafka.')
}

/** Retries while Kafka cannot be reached, with growing pauses. */
async function untilReached<T>({ settings, log, signal }: Opening, work: () => Promise<T>): Promise<T> {
  let tellAt = 0
  for (let pause = FIRST_PAUSE; ; pause = Math.min(LONGEST_PAUSE, pause * 2)) {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof ConnectError && error.retriable)) throw error
      if (performance.now() >= tellAt) {
        const fields = { bootstrapServers: settings.bootstrapServers, error: messageOf(error) }
        log.warn('Kafka is not there yet; retrying', fields)
        tellAt = performance.now() + TELL_INTERVAL
      }
    }
    await sleep(pause, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) throw stoppedEarly()
  }
}

function openTopics(opening: Opening, mode: DistributedMode): Promise<Stores> {
  const { client, log } = opening
  const openLog: OpenLog = (topic, onRecord) => CompactedLog.open(client, { ...topic, log, onRecord })
  return untilReached(opening, async () => {
    const [config, status, offset] = await Promise.allSettled([
      ConfigStore.open(openLog, mode.configTopic, log),
      StatusStore.open(openLog, mode.statusTopic, log),
      ensureLogTopic(client, mode.offsetTopic),
    ])
    if (config.status === 'fulfilled' && status.status === 'fulfilled' && offset.status === 'fulfilled') {
      const clusterId = await client.clusterId()
      const offsets = topicPlaces(openLog, mode.offsetTopic)
      const shared = await openShared(openLog, opening, mode)
      return { configs: config.value, statuses: status.value, clusterId, offsets, ...(shared && { shared }) }
    }
    if (config.status === 'fulfilled') await config.value.close()
    if (status.status === 'fulfilled') await status.value.close()
    const reasons: unknown[] = [config, status, offset].flatMap((each) =>
      each.status === 'rejected' ? [each.reason as unknown] : [],
    )
    throw reasons[0]
  })
}

async function openShared(
  openLog: OpenLog,
  { settings: { modelsDir }, log }: Opening,
  { sharedTopic: topic }: DistributedMode,
): Promise<SharedLog | undefined> {
  return topic === null ? undefined : openSharedLog(openLog, { topic, modelsDir, log })
}

/** What a log in memory is called, which has no topic. */
const IN_MEMORY: InternalTopic = { topic: 'memory', partitions: 1, replicationFactor: 1 }

async function openLocally(opening: Opening, { offsetFile: file }: StandaloneMode): Promise<Stores> {
  const { client, log } = opening
  const offsetFile = await OffsetFile.open(file, log)
  try {
    const clusterId = await untilReached(opening, () => client.clusterId())
    return {
      configs: await ConfigStore.open(openMemoryLog, IN_MEMORY, log),
      statuses: await StatusStore.open(openMemoryLog, IN_MEMORY, log),
      clusterId,
      offsets: filePlace(offsetFile),
      offsetFile,
    }
  } catch (error) {
    await offsetFile.close()
    throw error
  }
}
