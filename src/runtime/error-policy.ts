import { setTimeout as delay } from 'node:timers/promises'
import { ConnectError, TaskError } from '../api/errors.ts'
import type { Logger } from '../api/log.ts'
import type { Batch } from './batch.ts'
import type { CommonConfig } from './connector-keys.ts'
import type { Failure } from './row-states.ts'

const FIRST_DELAY_MS = 300

/** `errors.*` of a connector: what is tried again, what a bad record does to its task, what is logged (KIP-298). */
export class ErrorPolicy {
  readonly #config: CommonConfig
  readonly #log: Logger

  constructor(config: CommonConfig, log: Logger) {
    this.#config = config
    this.#log = log
  }

  /** Logs the failures; under `errors.tolerance=none` the first of them fails the task. */
  judge(batch: Batch, failures: readonly Failure[]): void {
    if (this.#config['errors.log.enable']) for (const failure of failures) this.#logFailure(batch, failure)
    const [first] = failures
    if (first === undefined || this.#config['errors.tolerance'] === 'all') return
    const { error, stage, plugin } = first
    const place = batch.origin.place(first.row)
    throw new TaskError(
      'task.tolerance',
      `Tolerance exceeded: record ${place} failed in ${stage} (${plugin}): ${error.message}`,
      {
        cause: error,
        stage,
        plugin,
        suggestion:
          'Mend the record or its producer, or set errors.tolerance=all and errors.deadletterqueue.topic.name.',
      },
    )
  }

  /**
   * Repeats an operation that fails with a retriable error: 300 ms, doubling up to `errors.retry.delay.max.ms`, until
   * `errors.retry.timeout` is over, or `signal` ends it. Every other error is thrown at once.
   */
  async retry<T>(operation: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const timeout = this.#config['errors.retry.timeout']
    const deadline = timeout < 0 ? Infinity : performance.now() + timeout
    for (let attempt = 0; ; attempt++) {
      try {
        return await operation()
      } catch (error) {
        const pause = this.#pause(attempt)
        const retry =
          error instanceof ConnectError && error.retriable && performance.now() + pause <= deadline
        if (!retry || signal.aborted) throw error
        this.#log.warn('trying again after a retriable error', { error: error.message, pauseMs: pause })
        await delay(pause, undefined, { signal })
      }
    }
  }

  #pause(attempt: number): number {
    return Math.min(FIRST_DELAY_MS * 2 ** Math.min(attempt, 20), this.#config['errors.retry.delay.max.ms'])
  }

  #logFailure(batch: Batch, { row, error, stage, plugin }: Failure): void {
    const place = this.#config['errors.log.include.messages']
      ? { ...batch.origin.coordinates(row), timestamp: String(batch.timestamp(row)) }
      : {}
    this.#log.error('a record failed', { stage, plugin, code: error.code, error: error.message, ...place })
  }
}
