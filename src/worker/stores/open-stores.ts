import { setTimeout as sleep } from 'node:timers/promises'
import { ConnectError, messageOf, UnavailableError } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import type { KafkaClient } from '../../kafka/client.ts'
import { CompactedLog } from '../../kafka/compacted-log/compacted-log.ts'
import { ensureLogTopic } from '../../kafka/compacted-log/compacted-log-topic.ts'
import { ConfigStore } from './config-store.ts'
import type { OpenLog } from './record-log.ts'
import type { WorkerSettings } from '../settings/settings.ts'
import { StatusStore } from './status-store.ts'

const FIRST_PAUSE = 250
const LONGEST_PAUSE = 5_000
const TELL_INTERVAL = 30_000

export interface Stores {
  readonly configs: ConfigStore
  readonly statuses: StatusStore
  readonly clusterId: string
  /** Opens another topic, as the two were. */
  readonly openLog: OpenLog
}

/**
 * Opens the three topics, creating missing ones. Tries on, for ever, while Kafka cannot be reached.
 * @throws TaskError where a topic does not fit, UnavailableError where `signal` ended it
 */
export async function openStores(
  settings: WorkerSettings,
  client: KafkaClient,
  log: Logger,
  signal: AbortSignal,
): Promise<Stores> {
  let tellAt = 0
  for (let pause = FIRST_PAUSE; ; pause = Math.min(LONGEST_PAUSE, pause * 2)) {
    try {
      return await tryToOpen(settings, client, log)
    } catch (error) {
      if (!(error instanceof ConnectError && error.retriable)) throw error
      if (performance.now() >= tellAt) {
        const fields = { bootstrapServers: settings.bootstrapServers, error: messageOf(error) }
        log.warn('Kafka is not there yet; trying on', fields)
        tellAt = performance.now() + TELL_INTERVAL
      }
    }
    await sleep(pause, undefined, { signal }).catch(() => undefined)
    if (signal.aborted) throw stoppedEarly()
  }
}

export function stoppedEarly(): UnavailableError {
  return new UnavailableError('kafka.unavailable', 'The worker was stopped before it had reached Kafka.')
}

async function tryToOpen(settings: WorkerSettings, client: KafkaClient, log: Logger): Promise<Stores> {
  const openLog: OpenLog = (topic, onRecord) => CompactedLog.open(client, { ...topic, log, onRecord })
  const [config, status, offset] = await Promise.allSettled([
    ConfigStore.open(openLog, settings.configTopic, log),
    StatusStore.open(openLog, settings.statusTopic, log),
    ensureLogTopic(client, settings.offsetTopic),
  ])
  if (config.status === 'fulfilled' && status.status === 'fulfilled' && offset.status === 'fulfilled')
    return { configs: config.value, statuses: status.value, clusterId: await client.clusterId(), openLog }
  if (config.status === 'fulfilled') await config.value.close()
  if (status.status === 'fulfilled') await status.value.close()
  const reasons: unknown[] = [config, status, offset].flatMap((each) =>
    each.status === 'rejected' ? [each.reason as unknown] : [],
  )
  throw reasons[0]
}
