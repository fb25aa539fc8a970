import type { RawConfig } from '../../api/config.ts'
import type { Logger } from '../../api/log.ts'
import { KafkaClient } from '../../kafka/client.ts'
import { clientSettings } from '../../runtime/plugins/client-settings.ts'
import type { Place } from '../hosts/task-run.ts'
import type { WorkerSettings } from '../settings/settings.ts'

/** The client of a sink's place in its group; undefined where the worker's own will do. */
export type SinkClients = (config: RawConfig) => KafkaClient | undefined

/**
 * A sink joins its group as the user, and at the brokers, that its consumer has: the worker joins for it, with a client of
 * its own where the two differ.
 */
export function sinkClients(
  { clients, clientId, bootstrapServers }: WorkerSettings,
  log: Logger,
): SinkClients {
  const own = comparable(clientSettings(clients, 'own', {}))
  return (config) => {
    const settings = clientSettings(clients, 'consumer', config)
    if (comparable(settings) === own) return undefined
    const servers = settings['bootstrap.servers']?.split(',').map((server) => server.trim())
    return new KafkaClient({
      bootstrapServers: servers ?? bootstrapServers,
      clientId: settings['client.id'] ?? clientId,
      log,
      security: settings,
    })
  }
}

/** How two clients connect, whatever they are called. */
function comparable(settings: RawConfig): string {
  const entries = Object.entries(settings).filter(([name]) => name !== 'client.id')
  return JSON.stringify(entries.toSorted())
}

/** The place of a sink's task in its group; its own client, where it has one, ends with it. */
export function sinkPlace(
  config: RawConfig,
  open: (own: KafkaClient | undefined) => Place,
  clientOf: SinkClients = () => undefined,
): Place {
  const own = clientOf(config)
  const place = open(own)
  if (own === undefined) return place
  return {
    start: () => place.start(),
    rejoin: (reason) => place.rejoin(reason),
    leave: (timeout, how) => place.leave(timeout, how).finally(() => own.close()),
  }
}
