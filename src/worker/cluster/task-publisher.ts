import { UnavailableError } from '../../api/errors.ts'
import type { ConfigStore, WrittenConfig } from '../stores/config-store.ts'
import type { Peers } from './peers.ts'
import { ElsewhereError, type Place } from './place.ts'
import type { SessionKeys } from './session-keys.ts'

export interface TaskPublisherOptions {
  readonly place: Place
  readonly keys: Pick<SessionKeys, 'sign'> | undefined
  readonly configs: Pick<ConfigStore, 'readToEnd'>
  /** Writes them here, where this worker leads. */
  readonly write: (connector: string, tasks: readonly WrittenConfig[]) => Promise<void>
  /** With which the leader is asked. */
  readonly peers: Pick<Peers, 'ask'>
}

const DEADLINE = 30_000

/**
 * Brings the task configs that a connector made on this worker to the config topic: the leader writes them itself, any
 * other worker has the leader write them (`POST …/tasks`, signed).
 */
export class TaskPublisher {
  readonly #options: TaskPublisherOptions

  constructor(options: TaskPublisherOptions) {
    this.#options = options
  }

  /** @throws ElsewhereError where no leader is known, UnavailableError where the leader did not take them: try again */
  async publish(connector: string, tasks: readonly WrittenConfig[]): Promise<void> {
    const { place, keys, configs, write, peers } = this.#options
    if (place.leads) return write(connector, tasks)
    const url = place.leaderUrl
    if (url === undefined) throw new ElsewhereError(undefined)
    const body = Buffer.from(JSON.stringify(tasks))
    const { status, body: answer } = await peers.ask({
      method: 'POST',
      url: `${url.replace(/\/+$/, '')}/connectors/${encodeURIComponent(connector)}/tasks`,
      headers: { 'content-type': 'application/json', accept: 'application/json', ...keys?.sign(body) },
      body,
      deadline: DEADLINE,
    })
    if (status >= 200 && status < 300) return
    // It may have a newer key, or this worker a connector that is gone: what is new is read before the next try.
    await configs.readToEnd()
    const message = `The leader at ${url} did not take the task configs of ${connector}: HTTP ${status} ${answer.toString('utf8', 0, 500)}`
    throw new UnavailableError('cluster.unavailable', message)
  }
}
