import type { RawConfig } from '../../api/config.ts'
import type { Logger } from '../../api/log.ts'
import { KafkaClient } from '../../kafka/client.ts'
import { type ClientDefaults, type ClientKind, clientSettings } from '../plugins/client-settings.ts'

export interface TaskClientsOptions {
  readonly config: RawConfig
  readonly clients: ClientDefaults
  /** Where nothing else is said. */
  readonly bootstrapServers: readonly string[]
  readonly clientId: string
  readonly log: Logger
}

/**
 * The Kafka clients of one task: what reads, what writes and what creates topics may each have other brokers and another
 * user. Those whose settings are equal are one, which is the rule.
 */
export class TaskClients {
  readonly #options: TaskClientsOptions
  readonly #open = new Map<string, KafkaClient>()

  constructor(options: TaskClientsOptions) {
    this.#options = options
  }

  /** @throws ConfigError where its security is wrong */
  get(kind: ClientKind): KafkaClient {
    const { clients, config, bootstrapServers, clientId, log } = this.#options
    const settings = clientSettings(clients, kind, config)
    const key = JSON.stringify(Object.entries(settings).toSorted())
    let client = this.#open.get(key)
    if (client === undefined) {
      const servers = settings['bootstrap.servers']?.split(',').map((server) => server.trim())
      client = new KafkaClient({
        bootstrapServers: servers ?? bootstrapServers,
        clientId: settings['client.id'] ?? clientId,
        log,
        security: settings,
      })
      this.#open.set(key, client)
    }
    return client
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map((client) => client.close()))
  }
}
