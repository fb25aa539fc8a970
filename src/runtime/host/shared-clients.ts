import type { Logger } from '../../api/log.ts'
import type { KafkaClient } from '../../kafka/client.ts'

/** Brokers answer the requests of a connection one after the other: so many tasks hardly ever wait for each other. */
const TASKS_PER_CLIENT = 16

interface Shared {
  readonly client: KafkaClient
  users: number
}

/** As what shared clients show up: no single task. */
export interface SharedIdentity {
  readonly clientId: string
  readonly log: Logger
}

/** A client that several tasks use, until all of them have given it back. */
export interface Taken {
  readonly client: KafkaClient
  readonly release: () => Promise<void>
}

/**
 * The clients of a host whose connections for short requests (metadata, offsets, topics) its tasks share, some tasks each.
 * What waits long or carries data (fetches, produce requests) has connections of each task's own.
 */
export class SharedClients {
  readonly #identity: SharedIdentity
  readonly #clients = new Map<string, Shared[]>()

  constructor(identity: SharedIdentity) {
    this.#identity = identity
  }

  /** One of those with these settings; `open` makes a further one. @throws what `open` throws */
  take(settings: string, open: (identity: SharedIdentity) => KafkaClient): Taken {
    const all = this.#clients.get(settings) ?? []
    let shared = all.find(({ users }) => users < TASKS_PER_CLIENT)
    if (shared === undefined) {
      shared = { client: open(this.#identity), users: 0 }
      all.push(shared)
      this.#clients.set(settings, all)
    }
    shared.users++
    return { client: shared.client, release: once(() => this.#release(settings, shared)) }
  }

  async #release(settings: string, shared: Shared): Promise<void> {
    if (--shared.users > 0) return
    const others = (this.#clients.get(settings) ?? []).filter((each) => each !== shared)
    if (others.length > 0) this.#clients.set(settings, others)
    else this.#clients.delete(settings)
    await shared.client.close()
  }
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return () => (done ??= work())
}
