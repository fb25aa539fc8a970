import { setTimeout as delay } from 'node:timers/promises'
import { ConnectError, TaskError, UnavailableError } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import type { Batch } from '../records/batch.ts'
import type { CommonConfig } from '../plugins/connector-keys.ts'
import type { Failure } from '../records/row-states.ts'
import type { TaskMetrics } from '../host/task-metrics.ts'
import { WaitLog } from '../host/wait-log.ts'

const FIRST_DELAY_MS = 300
/** What is away comes back at some time: it is looked for at least that often. */
const LONGEST_OUTAGE_DELAY_MS = 10_000
/** And not more often than that, whatever `errors.retry.delay.max.ms` says. */
const SHORTEST_OUTAGE_DELAY_MS = 1
/** What a task waits for however long it takes: without these nothing can be told about any record. */
const OUTAGES = new Set(['registry.unavailable', 'kafka.unavailable'])

interface ErrorPolicyOptions {
  /** Told what the task waits for, and null when that is over. */
  readonly tell?: ((reason: string | null) => void) | undefined
  /** Absent where nobody counts. */
  readonly metrics?: TaskMetrics | undefined
}

/** `errors.*` of a connector: what is tried again, what a bad record does to its task, what is logged (KIP-298). */
export class ErrorPolicy {
  readonly #config: CommonConfig
  readonly #log: Logger
  readonly #wait: WaitLog
  readonly #metrics: TaskMetrics | undefined

  constructor(config: CommonConfig, log: Logger, { tell, metrics }: ErrorPolicyOptions = {}) {
    this.#config = config
    this.#log = log
    this.#metrics = metrics
    this.#wait = new WaitLog({ log, ...(tell === undefined ? {} : { tell }) })
  }

  /** Whether records that fail are passed over. */
  get tolerant(): boolean {
    return this.#config['errors.tolerance'] === 'all'
  }

  /** Logs the failures; under `errors.tolerance=none` the first of them fails the task. */
  enforce(batch: Batch, failures: readonly Failure[]): void {
    const error = this.intolerable(batch, failures)
    if (error !== undefined) throw error
  }

  /** The same, but gives what the task is to fail with. */
  intolerable(batch: Batch, failures: readonly Failure[]): TaskError | undefined {
    if (this.#config['errors.log.enable']) for (const failure of failures) this.#logFailure(batch, failure)
    this.#metrics?.count('records.failed', failures.length)
    if (this.tolerant) this.#metrics?.count('records.skipped', failures.length)
    const [first] = failures
    if (first === undefined || this.tolerant) return undefined
    const { error, stage, plugin } = first
    const place = batch.origin.place(first.row)
    return new TaskError(
      'task.tolerance',
      `Tolerance exceeded: record ${place} failed in ${stage} (${plugin}): ${error.message}`,
      {
        cause: error,
        stage,
        plugin,
        suggestion:
          'Fix the record or its producer, or set errors.tolerance=all and errors.deadletterqueue.topic.name.',
      },
    )
  }

  /**
   * Repeats an operation that fails with a retriable error: 300 ms, doubling up to `errors.retry.delay.max.ms`, until
   * `errors.retry.timeout` is over, or `signal` ends it. Where Kafka or a schema registry is away it is repeated until
   * they are back, and that timeout begins anew. Every other error is thrown at once.
   */
  async retry<T>(operation: () => Promise<T>, signal: AbortSignal): Promise<T> {
    let deadline = this.#deadline()
    try {
      for (let attempt = 0; ; attempt++) {
        try {
          return await operation()
        } catch (error) {
          if (signal.aborted || !(error instanceof ConnectError) || !error.retriable) throw error
          if (isOutage(error)) deadline = Infinity
          else if (deadline === Infinity) deadline = this.#deadline()
          const pause = this.#tell(error, attempt, deadline)
          this.#metrics?.count('retries')
          await delay(pause, undefined, { signal })
        }
      }
    } finally {
      this.#wait.over()
    }
  }

  #deadline(): number {
    const timeout = this.#config['errors.retry.timeout']
    return timeout < 0 ? Infinity : performance.now() + timeout
  }

  /** Says that it is tried again; gives the milliseconds until then. Throws the error where that is too late. */
  #tell(error: ConnectError, attempt: number, deadline: number): number {
    const away = isOutage(error)
    const pause = this.pause(attempt, away)
    if (away) this.#wait.waits(`waiting for ${error.waitsFor ?? `Kafka: ${error.message}`}`)
    else {
      this.#wait.over()
      if (performance.now() + pause > deadline) throw error
      this.#log.warn('trying again after a retriable error', { error: error.message, pauseMs: pause })
    }
    return pause
  }

  /** How long, in milliseconds, to wait after a try has failed; the first is 0. */
  pause(attempt: number, away = false): number {
    const longest = this.#config['errors.retry.delay.max.ms']
    const most = away ? Math.min(longest, LONGEST_OUTAGE_DELAY_MS) : longest
    const least = away ? SHORTEST_OUTAGE_DELAY_MS : 0
    return Math.max(Math.min(FIRST_DELAY_MS * 2 ** Math.min(attempt, 20), most), least)
  }

  #logFailure(batch: Batch, { row, error, stage, plugin }: Failure): void {
    const place = this.#config['errors.log.include.messages']
      ? { ...batch.origin.coordinates(row), timestamp: String(batch.timestamp(row)) }
      : {}
    this.#metrics?.count('errors.logged')
    this.#log.error('a record failed', { stage, plugin, code: error.code, error: error.message, ...place })
  }
}

function isOutage(error: ConnectError): boolean {
  return error instanceof UnavailableError && OUTAGES.has(error.code)
}
