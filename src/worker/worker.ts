import { KafkaClient } from '../kafka/client.ts'
import { GroupMember } from '../kafka/groups/group.ts'
import { fenceProducers } from '../kafka/transactions/fence-producers.ts'
import { hostSpawner, type SpawnHost } from './hosts/host-process.ts'
import { openStores, stoppedEarly } from './stores/open-stores.ts'
import { sinkClients } from './groups/sink-clients.ts'
import { groupAdmin } from './sink-offsets.ts'
import { assembleWorker, type RunningWorker, type Surroundings } from './assemble-worker.ts'

export type { RunningWorker }

export interface WorkerOptions extends Pick<Surroundings, 'settings' | 'advertised' | 'log' | 'levels'> {
  readonly spawn?: SpawnHost
  /** Ends the attempts to reach Kafka. */
  readonly signal: AbortSignal
}

/**
 * Starts the worker process's part of everything: stores, membership, work. Resolves when the worker is a member of
 * its group. Retries for ever while Kafka cannot be reached.
 * @throws TaskError where a topic does not fit, UnavailableError where `signal` ended it
 */
export async function startWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { settings, signal } = options
  const log = options.log.child({ logger: 'sluice.worker' })
  const client = new KafkaClient({
    bootstrapServers: settings.bootstrapServers,
    clientId: settings.clientId,
    log: log.child({ logger: 'sluice.kafka' }),
    security: settings.clients.own,
  })
  const closeClient = async (): Promise<void> => client.close()
  const stores = await openStores({ settings, client, log, signal }).catch(async (error: unknown) => {
    await closeClient()
    throw error
  })
  const worker = assembleWorker({
    ...options,
    log,
    stores,
    cluster: client,
    groups: groupAdmin(client),
    createMember: (member) => new GroupMember(client, member),
    consumerOf: sinkClients(settings, log.child({ logger: 'sluice.kafka' })),
    fence: (ids) => fenceProducers(client, ids),
    spawn: options.spawn ?? hostSpawner(settings.hostMemory),
  })
  const stop = async (): Promise<void> => {
    await worker.stop()
    await closeClient()
  }
  const stopping = Promise.withResolvers<never>()
  signal.addEventListener('abort', () => stopping.reject(stoppedEarly()), { once: true })
  try {
    await Promise.race([worker.start(), stopping.promise])
  } catch (error) {
    await stop()
    throw error
  }
  return { ...worker, stop }
}
