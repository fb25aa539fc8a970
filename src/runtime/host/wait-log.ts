import { withoutCredentials } from '../../api/credentials.ts'
import type { Logger } from '../../api/log.ts'

const MINUTE = 60_000

export interface WaitLogOptions {
  readonly log: Logger
  /** Told what is waited for whenever that changes, and null when it is over. */
  readonly tell?: (reason: string | null) => void
  /** How often a wait that goes on is logged again, in milliseconds. Default: a minute. */
  readonly every?: number
}

/** Says that something is waited for: once when it begins, every minute while it lasts, and when it is over. */
export class WaitLog {
  readonly #log: Logger
  readonly #tell: (reason: string | null) => void
  readonly #every: number
  #reason: string | null = null
  #since = 0
  #said = 0

  constructor({ log, tell = () => undefined, every = MINUTE }: WaitLogOptions) {
    this.#log = log
    this.#tell = tell
    this.#every = every
  }

  /** `reason` as a status shows it: `waiting for topic flights to be created`. */
  waits(reason: string): void {
    const shown = withoutCredentials(reason)
    const now = performance.now()
    const begins = this.#reason === null
    if (begins) this.#since = now
    if (begins || now - this.#said >= this.#every) {
      this.#said = now
      this.#log.warn(shown, begins ? {} : { seconds: Math.round((now - this.#since) / 1000) })
    }
    if (shown === this.#reason) return
    this.#reason = shown
    this.#tell(shown)
  }

  /** What was waited for is there, or is not wanted any more. */
  over(): void {
    if (this.#reason === null) return
    const seconds = Math.round((performance.now() - this.#since) / 1000)
    this.#log.info(`no longer ${this.#reason}`, { seconds })
    this.#reason = null
    this.#tell(null)
  }
}
