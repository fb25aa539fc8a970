import type { RowRange } from './protocol.ts'

/** Nobody but Sluice is at work. */
export const IDLE = 'idle'

/** Where a task is: which plugin is at work and on which rows, for the worker that holds the deadline. */
export class Whereabouts {
  readonly #tell: (stage: string, rows?: RowRange) => void
  #rows: RowRange | undefined

  constructor(tell: (stage: string, rows?: RowRange) => void) {
    this.#tell = tell
  }

  /** The rows that plugins are given from now on. */
  hold(rows: RowRange | undefined): void {
    this.#rows = rows
  }

  /** A plugin is about to be called; `idle` when none is at work. */
  readonly at = (stage: string): void => {
    if (stage === IDLE || this.#rows === undefined) this.#tell(stage)
    else this.#tell(stage, this.#rows)
  }
}
