import { TaskError, UnavailableError } from '../../api/errors.ts'
import type { FromHost, OwnershipStep, TaskId, ToHost } from './protocol.ts'

type Answer = Extract<ToHost, { type: 'ownership' }>

/** Asks the worker whether a source task may write in transactions (KIP-618). */
export type AskOwnership = (step: OwnershipStep) => Promise<void>

/** What tasks of this host have asked their worker of their ownership, and not heard yet. */
export class OwnershipChannel {
  readonly #send: (message: FromHost) => void
  readonly #waiting = new Map<number, PromiseWithResolvers<undefined>>()
  #calls = 0

  constructor(send: (message: FromHost) => void) {
    this.#send = send
  }

  /**
   * How a task asks. It rejects with an UnavailableError where the worker cannot say for now, and with a TaskError where
   * the task was replaced.
   */
  of(id: TaskId): AskOwnership {
    return (step) => {
      const call = ++this.#calls
      const waiting = Promise.withResolvers<undefined>()
      this.#waiting.set(call, waiting)
      this.#send({ type: 'askOwnership', id, call, step })
      return waiting.promise
    }
  }

  /** The worker has answered. */
  answer({ call, problem }: Answer): void {
    const waiting = this.#waiting.get(call)
    this.#waiting.delete(call)
    if (problem === undefined) waiting?.resolve(undefined)
    else if (problem.retriable) waiting?.reject(new UnavailableError('kafka.unavailable', problem.message))
    else waiting?.reject(new TaskError('kafka.fenced', problem.message))
  }
}
