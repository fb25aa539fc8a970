import { ConnectError, messageOf, UnavailableError } from '../api/errors.ts'
import type { RawConfig } from '../api/config.ts'
import { type FromHost, nameOf, type TaskId, type ToHost } from '../runtime/host/protocol.ts'
import type { AssignedWork } from './assigned-work.ts'
import type { Herder } from './herder.ts'
import { askLeader, type LeaderAccess } from './cluster/ask-leader.ts'
import { ElsewhereError } from './cluster/place.ts'
import type { ConfigStore } from './stores/config-store.ts'

export interface SourceOwnershipOptions extends LeaderAccess {
  readonly configs: Pick<ConfigStore, 'get' | 'readToEnd'>
  /** Fences here, where this worker leads. */
  readonly herder: Pick<Herder, 'fenceZombies'>
  readonly work: Pick<AssignedWork, 'hasTask'>
}

/** What task hosts ask of ownership, and how they are answered. */
export interface OwnershipKeeper {
  answer(message: Extract<FromHost, { type: 'askOwnership' }>): Promise<ToHost>
}

const DEADLINE_MS = 60_000

/**
 * Who may write as the task of a source (KIP-618). A task begins with a round of zombie fencing by the leader; once it has
 * its own producer the config topic is read to its end: where its connector has other tasks by now, or the task has gone to
 * another worker, it ends and has written nothing.
 */
export class SourceOwnership implements OwnershipKeeper {
  readonly #options: SourceOwnershipOptions
  /** The task configs that each task was fenced for. */
  readonly #fencedFor = new Map<string, readonly RawConfig[] | undefined>()

  constructor(options: SourceOwnershipOptions) {
    this.#options = options
  }

  async answer({
    id,
    call,
    step,
  }: Extract<FromHost, { type: 'askOwnership' }>): Promise<Extract<ToHost, { type: 'ownership' }>> {
    try {
      await (step === 'fence' ? this.#fence(id) : this.#confirm(id))
      return { type: 'ownership', call }
    } catch (error) {
      const isElsewhere = error instanceof ElsewhereError
      const retriable = isElsewhere || (error instanceof ConnectError && error.retriable)
      return { type: 'ownership', call, problem: { message: messageOf(error), retriable } }
    }
  }

  async #fence(id: TaskId): Promise<void> {
    const { place, configs, herder } = this.#options
    await configs.readToEnd()
    this.#fencedFor.set(nameOf(id), configs.get(id.connector)?.tasks)
    if (place.leads) return herder.fenceZombies(id.connector)
    const path = `${encodeURIComponent(id.connector)}/fence`
    const what = `fence the former tasks of ${id.connector}`
    return askLeader(this.#options, { method: 'PUT', path, what, deadlineMs: DEADLINE_MS })
  }

  async #confirm(id: TaskId): Promise<void> {
    const { configs, work } = this.#options
    await configs.readToEnd()
    const isSame = configs.get(id.connector)?.tasks === this.#fencedFor.get(nameOf(id))
    if (isSame && work.hasTask(id)) return
    const message = `Task ${nameOf(id)} was replaced while it started: its connector has other tasks now, or another worker runs it.`
    throw new UnavailableError('cluster.unavailable', message)
  }
}
