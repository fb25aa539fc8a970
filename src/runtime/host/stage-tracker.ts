import type { Outside } from '../../api/converter.ts'
import type { RowRange } from './protocol.ts'

/** Says where a task is. What it returns resolves when the words have left the process, and survive it. */
export type Tell = (stage: string, rows?: RowRange) => Promise<void> | undefined

/** Nobody but Sluice is at work. */
export const IDLE = 'idle'

const NEVER = new AbortController().signal

/** Where a task is: which plugin is at work and on which rows, for the worker that holds the deadline. */
export class StageTracker {
  readonly #tell: Tell
  #rows: RowRange | undefined
  #interrupt = NEVER
  #stage = IDLE
  /** Waits for others at present. */
  #waits = 0

  constructor(tell: Tell) {
    this.#tell = tell
  }

  /** The rows that plugins are given from now on, and what ends their waits for others. */
  hold(rows: RowRange | undefined, interrupt: AbortSignal = NEVER): void {
    this.#rows = rows
    this.#interrupt = interrupt
  }

  /** A plugin is about to be called, which must wait for this; `idle` when none is at work. */
  readonly at = (stage: string): Promise<void> | undefined => {
    this.#stage = stage
    return this.#tell(stage, stage === IDLE ? undefined : this.#rows)
  }

  /** While a plugin waits for others, none is at work. */
  readonly outside: Outside = async (work) => {
    const stage = this.#stage
    if (this.#waits++ === 0 && stage !== IDLE) void this.#tell(IDLE)
    try {
      return await unlessAborted(this.#interrupt, work)
    } finally {
      if (--this.#waits === 0 && stage !== IDLE && this.#stage === stage) await this.#tell(stage, this.#rows)
    }
  }
}

/** Rejects as soon as nobody waits for the result any more, whatever the work makes of the signal. */
async function unlessAborted<T>(signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  signal.throwIfAborted()
  const { promise, reject } = Promise.withResolvers<never>()
  const end = (): void => reject(signal.reason as Error)
  signal.addEventListener('abort', end, { once: true })
  try {
    return await Promise.race([work(signal), promise])
  } finally {
    signal.removeEventListener('abort', end)
  }
}
