import type { LiveRows } from '../../api/batch.ts'
import type { ConnectError, Stage } from '../../api/errors.ts'

const LIVE = 0
const DROPPED = 1
const FAILED = 2
const HELD = 3

/** Why and where a row failed: what the error policy, the log and a dead letter's headers need. */
export interface Failure {
  readonly row: number
  readonly error: ConnectError
  readonly stage: Stage
  /** The plugin at work, e.g. `ScoreH2OGbm` or `AvroConverter`. */
  readonly plugin: string
}

/**
 * What became of each row of a batch: live, dropped or failed. All batches that derive from one another share it, so
 * that a row which failed anywhere stays failed (invariant 3: a batch keeps its length and order until delivery), and no
 * other row is hurt (invariant 6).
 */
export class RowStates implements LiveRows {
  readonly length: number
  readonly #states: Uint8Array
  readonly #failures = new Map<number, Failure>()
  #holds = false
  #live: number
  #stage: Stage = 'KAFKA_CONSUME'
  #plugin = ''
  /** The last plugin of each stage: a converter may find a record broken while a transform reads it. */
  readonly #plugins = new Map<Stage, string>()

  constructor(length: number) {
    this.length = length
    this.#live = length
    this.#states = new Uint8Array(length)
  }

  /** What became of each row so far; what follows happens to one of the two alone. */
  copy(): RowStates {
    const copy = new RowStates(this.length)
    copy.#states.set(this.#states)
    for (const [row, failure] of this.#failures) copy.#failures.set(row, failure)
    copy.#live = this.#live
    for (const [stage, plugin] of this.#plugins) copy.#plugins.set(stage, plugin)
    copy.enter(this.#stage, this.#plugin)
    return copy
  }

  /** Says who is at work from now on. */
  enter(stage: Stage, plugin: string): void {
    this.#stage = stage
    this.#plugin = plugin
    this.#plugins.set(stage, plugin)
  }

  isLive(row: number): boolean {
    return this.#states[row] === LIVE
  }

  get live(): number {
    return this.#live
  }

  drop(row: number): void {
    if (this.#states[row] !== LIVE) return
    this.#states[row] = DROPPED
    this.#live--
  }

  /** Hides live rows from a transform that is not for them, until `release`: they are not live, and cannot be dropped. */
  hold(rows: Iterable<number>): void {
    this.#holds = true
    for (const row of rows) {
      if (this.#states[row] !== LIVE) continue
      this.#states[row] = HELD
      this.#live--
    }
  }

  /** Makes all held rows live again. */
  release(): void {
    if (!this.#holds) return // as for every transform without a predicate
    this.#holds = false
    for (let row = 0; row < this.length; row++) {
      if (this.#states[row] !== HELD) continue
      this.#states[row] = LIVE
      this.#live++
    }
  }

  /** Drops the live rows after this one. */
  dropAfter(row: number): void {
    for (let after = row + 1; after < this.length; after++) this.drop(after)
  }

  /** The first failure of a row stays. An error that names its own stage is believed. */
  fail(row: number, error: ConnectError): void {
    const before = this.#states[row]
    if (before !== LIVE && before !== HELD) return
    this.#states[row] = FAILED
    if (before === LIVE) this.#live--
    const stage = error.stage ?? this.#stage
    this.#failures.set(row, {
      row,
      error,
      stage,
      plugin: error.plugin ?? this.#plugins.get(stage) ?? this.#plugin,
    })
  }

  failure(row: number): Failure | undefined {
    return this.#failures.get(row)
  }

  /** All failures so far, in the order of their rows. */
  failures(): Failure[] {
    return [...this.#failures.values()].sort((a, b) => a.row - b.row)
  }

  /** The numbers of the live rows, in order. */
  liveRows(): Int32Array {
    const rows = new Int32Array(this.#live)
    for (let row = 0, at = 0; row < this.length; row++) if (this.#states[row] === LIVE) rows[at++] = row
    return rows
  }
}
