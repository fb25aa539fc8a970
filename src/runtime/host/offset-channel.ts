import { TaskError, UnavailableError } from '../../api/errors.ts'
import type { OpenOffsetLog } from '../source/offset-store.ts'
import type { FromHost, OffsetText, TaskId, ToHost } from './protocol.ts'

type Answer = Extract<ToHost, { type: 'offsets' }>

/**
 * The offsets that the worker keeps (standalone: in a file), as its task hosts see them: read when a task opens, handed over
 * when it commits. Task hosts never touch the file: they may be killed at any time, and share it.
 */
export class OffsetChannel {
  readonly #send: (message: FromHost) => void
  readonly #waiting = new Map<number, PromiseWithResolvers<readonly OffsetText[]>>()
  #calls = 0

  constructor(send: (message: FromHost) => void) {
    this.#send = send
  }

  /** The offsets of a task's connector. What is appended in one turn is written together. */
  logOf(id: TaskId): OpenOffsetLog {
    return async (onRecord) => {
      const tell = ({ key, value }: OffsetText): void =>
        onRecord({ key, value: value === null ? null : Buffer.from(value) })
      for (const offset of await this.#ask((call) => ({ type: 'readOffsets', id, call }))) tell(offset)
      let batch: { readonly offsets: OffsetText[]; readonly written: Promise<unknown> } | undefined
      return {
        append: async (key, value) => {
          batch ??= this.#batch(id, () => (batch = undefined))
          batch.offsets.push({ key, value })
          await batch.written
          tell({ key, value })
        },
        readToEnd: () => Promise.resolve(),
        close: () => Promise.resolve(),
      }
    }
  }

  /** The worker has answered. */
  answer({ call, offsets, problem }: Answer): void {
    const waiting = this.#waiting.get(call)
    this.#waiting.delete(call)
    if (problem === undefined) waiting?.resolve(offsets)
    else {
      const { message, retriable } = problem
      waiting?.reject(new (retriable ? UnavailableError : TaskError)('offset.file', message))
    }
  }

  /** Offsets that are sent when this turn is over. */
  #batch(id: TaskId, begun: () => void): { offsets: OffsetText[]; written: Promise<unknown> } {
    const offsets: OffsetText[] = []
    const written = Promise.resolve().then(() => {
      begun()
      return this.#ask((call) => ({ type: 'writeOffsets', id, call, offsets }))
    })
    return { offsets, written }
  }

  #ask(message: (call: number) => FromHost): Promise<readonly OffsetText[]> {
    const call = ++this.#calls
    const waiting = Promise.withResolvers<readonly OffsetText[]>()
    this.#waiting.set(call, waiting)
    this.#send(message(call))
    return waiting.promise
  }
}
