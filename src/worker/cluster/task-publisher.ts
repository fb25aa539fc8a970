import type { ConfigStore, WrittenConfig } from '../stores/config-store.ts'
import { askLeader, type LeaderAccess } from './ask-leader.ts'
import { ElsewhereError } from './place.ts'

export interface TaskPublisherOptions extends LeaderAccess {
  readonly configs: Pick<ConfigStore, 'readToEnd'>
  /** Writes them here, where this worker leads. */
  readonly write: (connector: string, tasks: readonly WrittenConfig[]) => Promise<void>
}

const DEADLINE_MS = 30_000

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
    const { place, configs, write } = this.#options
    if (place.leads) return write(connector, tasks)
    try {
      const path = `${encodeURIComponent(connector)}/tasks`
      const what = `take the task configs of ${connector}`
      await askLeader(this.#options, { method: 'POST', path, body: tasks, what, deadlineMs: DEADLINE_MS })
    } catch (error) {
      // It may have a newer key, or this worker a connector that is gone: what is new is read before the next try.
      if (!(error instanceof ElsewhereError)) await configs.readToEnd()
      throw error
    }
  }
}
