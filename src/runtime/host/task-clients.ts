import type { RawConfig } from '../../api/config.ts'
import type { Logger } from '../../api/log.ts'
import { KafkaClient } from '../../kafka/client.ts'
import { type ClientDefaults, type ClientKind, clientSettings } from '../plugins/client-settings.ts'
import type { SharedClients, SharedIdentity, Taken } from './shared-clients.ts'

export interface TaskClientsOptions {
  readonly config: RawConfig
  readonly clients: ClientDefaults
  /** Where nothing else is said. */
  readonly bootstrapServers: readonly string[]
  readonly clientId: string
  readonly log: Logger
  /** Those of the host, for short requests. Absent: the task has connections of its own for these too. */
  readonly shared?: SharedClients | undefined
}

/**
 * The Kafka clients of one task: what reads, what writes and what creates topics may each have other brokers and another
 * user. Those whose settings are equal are one, which is the rule.
 */
export class TaskClients {
  readonly #options: TaskClientsOptions
  readonly #open = new Map<string, KafkaClient>()
  readonly #taken: Taken[] = []

  constructor(options: TaskClientsOptions) {
    this.#options = options
  }

  /** @throws ConfigError where its security is wrong */
  get(kind: ClientKind): KafkaClient {
    const { clients, config } = this.#options
    const settings = clientSettings(clients, kind, config)
    const key = JSON.stringify(Object.entries(settings).toSorted())
    const known = this.#open.get(key)
    if (known !== undefined) return known
    const control = this.#options.shared?.take(key, (identity) => this.#connect(settings, identity))
    if (control !== undefined) this.#taken.push(control)
    const client = this.#connect(settings, { ...this.#options, control: control?.client })
    this.#open.set(key, client)
    return client
  }

  #connect(
    settings: RawConfig,
    { clientId, log, control }: SharedIdentity & { readonly control?: KafkaClient | undefined },
  ): KafkaClient {
    const servers = settings['bootstrap.servers']?.split(',').map((server) => server.trim())
    return new KafkaClient({
      bootstrapServers: servers ?? this.#options.bootstrapServers,
      clientId: settings['client.id'] ?? clientId,
      log,
      security: settings,
      ...(control === undefined ? {} : { control }),
    })
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map((client) => client.close()))
    await Promise.all(this.#taken.map(({ release }) => release()))
  }
}
