/**
 * Totals of a task since it started. Kafka Connect's metrics of tasks (groups `connector-task-metrics`,
 * `sink-task-metrics`, `source-task-metrics` and `task-error-metrics`: KIP-196, KIP-298) are made of them.
 */
const COUNTERS = [
  /** Fetched by a sink, polled by a source. */
  'records.read',
  /** Put into a sink, acknowledged by Kafka for a source. */
  'records.sent',
  'records.failed',
  /** Failed, and passed over as `errors.tolerance=all` says. */
  'records.skipped',
  'retries',
  'errors.logged',
  'dead.letters',
  'dead.letters.failed',
  'commits',
  'commits.failed',
  /** Nothing was there to commit, or the sink held it back. */
  'commits.skipped',
] as const

/** What takes time: calls of a sink's `put`, of a source's `poll`, commits of offsets. */
const TIMERS = ['put', 'poll', 'commit'] as const

export type Counter = (typeof COUNTERS)[number]
export type Timer = (typeof TIMERS)[number]

export interface Timing {
  readonly count: number
  readonly totalMs: number
  readonly maxMs: number
}

/** How far a sink's task is in a partition. */
export interface PartitionProgress {
  readonly topic: string
  readonly partition: number
  /** The next offset after what is committed, or where the task began; null until that is known. */
  readonly offset: bigint | null
  /** One past the last record that it could read, when a broker answered last; null before the first answer. */
  readonly endOffset: bigint | null
}

/** How a task stood at a moment; travels from its host to the worker. */
export interface MetricsSnapshot {
  readonly counters: Readonly<Record<Counter, number>>
  readonly timers: Readonly<Record<Timer, Timing>>
  /** When a record or a call failed last, in milliseconds since 1970; null where none did. */
  readonly lastErrorAt: number | null
  /** Of a sink: each partition that it has. */
  readonly partitions: readonly PartitionProgress[]
}

function each<K extends string, V>(names: readonly K[], value: V): Record<K, V> {
  return Object.fromEntries(names.map((name) => [name, value])) as Record<K, V>
}

/** Counts what a task does: per batch, never per record, so that it costs nothing. */
export class TaskMetrics {
  readonly #counters = each(COUNTERS, 0)
  readonly #timers = each<Timer, Timing>(TIMERS, { count: 0, totalMs: 0, maxMs: 0 })
  #lastErrorAt: number | null = null
  #changed = true
  #progress: () => readonly PartitionProgress[] = () => []
  #told: readonly PartitionProgress[] = []

  /** Whether anything was counted since the last snapshot. */
  get changed(): boolean {
    return this.#changed || !isSame(this.#progress(), this.#told)
  }

  /** Where to ask how far the task is, whenever a snapshot is taken. */
  follow(progress: () => readonly PartitionProgress[]): void {
    this.#progress = progress
  }

  count(counter: Counter, by = 1): void {
    if (by === 0) return
    this.#changed = true
    this.#counters[counter] += by
    if (counter === 'records.failed' || counter === 'retries') this.#lastErrorAt = Date.now()
  }

  /** Runs a call and adds the time that it took, also where it throws. */
  async time<T>(timer: Timer, call: () => Promise<T>): Promise<T> {
    const began = performance.now()
    try {
      return await call()
    } finally {
      this.#changed = true
      const took = performance.now() - began
      const { count, totalMs, maxMs } = this.#timers[timer]
      this.#timers[timer] = { count: count + 1, totalMs: totalMs + took, maxMs: Math.max(maxMs, took) }
    }
  }

  snapshot(): MetricsSnapshot {
    this.#changed = false
    this.#told = this.#progress()
    return {
      counters: { ...this.#counters },
      timers: { ...this.#timers },
      lastErrorAt: this.#lastErrorAt,
      partitions: this.#told,
    }
  }
}

function isSame(some: readonly PartitionProgress[], others: readonly PartitionProgress[]): boolean {
  return (
    some.length === others.length &&
    some.every((each, i) => {
      const other = others[i]
      return (
        each.partition === other?.partition &&
        each.topic === other.topic &&
        each.offset === other.offset &&
        each.endOffset === other.endOffset
      )
    })
  )
}
