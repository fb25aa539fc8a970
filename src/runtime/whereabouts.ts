import type { RowRange } from './protocol.ts'

/** Says where a task is. What it returns resolves when the words have left the process, and survive it. */
export type Tell = (stage: string, rows?: RowRange) => Promise<void> | undefined

/** Nobody but Sluice is at work. */
export const IDLE = 'idle'

/** Where a task is: which plugin is at work and on which rows, for the worker that holds the deadline. */
export class Whereabouts {
  readonly #tell: Tell
  #rows: RowRange | undefined

  constructor(tell: Tell) {
    this.#tell = tell
  }

  /** The rows that plugins are given from now on. */
  hold(rows: RowRange | undefined): void {
    this.#rows = rows
  }

  /** A plugin is about to be called, which must wait for this; `idle` when none is at work. */
  readonly at = (stage: string): Promise<void> | undefined =>
    this.#tell(stage, stage === IDLE ? undefined : this.#rows)
}
