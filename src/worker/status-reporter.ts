import type { TaskId } from '../runtime/host/protocol.ts'
import type { State, StatusStore } from './stores/status-store.ts'

/** Writes what this worker has to say of its connectors and tasks, with its id and the group's generation. */
export class StatusReporter {
  readonly #store: Pick<StatusStore, 'putConnector' | 'putTask'>
  readonly #workerId: string
  readonly #version: (connector: string) => string | null
  /** The generation of the worker group in which this worker runs what it runs. */
  generation = 0

  constructor(
    store: Pick<StatusStore, 'putConnector' | 'putTask'>,
    workerId: string,
    version: (connector: string) => string | null,
  ) {
    this.#store = store
    this.#workerId = workerId
    this.#version = version
  }

  connector(name: string, state: State, trace: string | null = null): Promise<void> {
    return this.#store.putConnector(name, this.#status(name, state, trace))
  }

  task(
    { connector, task }: TaskId,
    state: State,
    trace: string | null = null,
    reason: string | null = null,
  ): Promise<void> {
    return this.#store.putTask(connector, task, { ...this.#status(connector, state, trace), reason })
  }

  #status(connector: string, state: State, trace: string | null) {
    const version = this.#version(connector)
    return { state, trace, reason: null, workerId: this.#workerId, generation: this.generation, version }
  }
}
