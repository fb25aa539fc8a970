import { spawn, type ChildProcess } from 'node:child_process'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CommandError } from '../api/errors.ts'
import type { Logger } from '../api/log.ts'
import { LOG_NAME } from '../runtime/host/log.ts'
import { killGroup } from './broker-process.ts'
import { isChildMessage } from './child-channel.ts'

const START_MS = 60_000
const FIRST_DELAY_MS = 250
const LONGEST_DELAY_MS = 10_000

export interface ServiceOptions {
  readonly name: string
  /** The command of ours that it runs, e.g. `['registry', '--port', '8081']`. */
  readonly args: readonly string[]
  /** Whether it does its work. Must not throw. */
  readonly healthy: () => Promise<boolean>
  /** How long it may take to stop before it is killed. */
  readonly graceMs: number
  /** How long its first start may take. Default 60 s. */
  readonly startMs?: number
  /** What its log lines and those of its children say of where they come from (`process`); absent: what the command says. */
  readonly logName?: string
  /** Where its standard error goes: ours, or a file that is open. */
  readonly stderr: 'inherit' | number
  readonly log: Logger
}

/**
 * One of our commands as a supervised child, in a process group of its own. When it ends by itself, whatever is left of
 * its group is killed and it is started again, with growing delays. The child notices a dead supervisor by its channel.
 */
export class Service {
  readonly #options: ServiceOptions
  #child: ChildProcess | undefined
  #childExited: Promise<void> = Promise.resolve()
  #failure: string | undefined
  #supervision: Promise<void> = Promise.resolve()
  #launchedAt = 0
  readonly #stopping = new AbortController()

  constructor(options: ServiceOptions) {
    this.#options = options
  }

  /** Resolves when it is healthy for the first time. Throws `dev.start` when it ends before that; then it stays down. */
  async start(): Promise<void> {
    this.#launch()
    try {
      await this.#untilHealthy()
    } catch (error) {
      await this.stop()
      throw error
    }
    this.#supervision = this.#supervise()
  }

  /** SIGTERM, then SIGKILL after the grace; it is not started again. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    const child = this.#child
    child?.kill('SIGTERM')
    const late = setTimeout(() => this.kill(), this.#options.graceMs)
    await this.#childExited
    clearTimeout(late)
    await this.#supervision
    if (child !== undefined) this.#options.log.info('stopped', { service: this.#options.name })
  }

  /** SIGKILL to its whole group, at once; it is not started again. */
  kill(): void {
    this.#stopping.abort()
    if (this.#child?.pid !== undefined) killGroup(this.#child.pid)
  }

  #launch(): void {
    const { name, args, log, logName, stderr } = this.#options
    const child = spawn(process.execPath, [...process.execArgv, mainFile(), ...args], {
      ...(logName === undefined ? {} : { env: { ...process.env, [LOG_NAME]: logName } }),
      stdio: ['ignore', 'ignore', stderr, 'ipc'],
      detached: true,
    })
    this.#child = child
    this.#launchedAt = Date.now()
    this.#failure = undefined
    child.on('message', (message) => {
      if (isChildMessage(message)) this.#failure = message.message
    })
    this.#childExited = new Promise<void>((resolve) => {
      child.once('error', (error) => {
        this.#failure = error.message
        resolve()
      })
      child.once('exit', (code, signal) => {
        this.#failure ??= `${name} ended with ${signal ?? `exit code ${code ?? 0}`}; its last log lines say why`
        resolve()
      })
    }).then(() => {
      if (child.pid !== undefined) killGroup(child.pid)
      this.#child = undefined
    })
    log.debug('started', { service: name, pid: child.pid })
  }

  async #untilHealthy(): Promise<void> {
    const { name, healthy, startMs = START_MS } = this.#options
    const deadline = Date.now() + startMs
    while (!(await healthy())) {
      if (this.#child === undefined)
        throw new CommandError('dev.start', this.#failure ?? `${name} did not start`)
      if (Date.now() > deadline) {
        throw new CommandError('dev.start', `${name} was not healthy within ${startMs / 1000} s`, {
          suggestion: 'its last log lines say what it waits for (SLUICE_LOG_LEVEL=debug says more)',
        })
      }
      await Promise.race([sleep(100), this.#childExited])
    }
  }

  async #supervise(): Promise<void> {
    let failures = 0
    while (await this.#endedByItself()) {
      if (Date.now() - this.#launchedAt > LONGEST_DELAY_MS) failures = 0
      const delayMs = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** failures)
      failures += 1
      const fields = { service: this.#options.name, reason: this.#failure, delayMs }
      this.#options.log.warn('a process ended and is started again', fields)
      await sleep(delayMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined)
      if (!this.#stopping.signal.aborted) this.#launch()
    }
  }

  async #endedByItself(): Promise<boolean> {
    await this.#childExited
    return !this.#stopping.signal.aborted
  }
}

/** Our own command line, as source in a checkout and as JavaScript in the package. */
function mainFile(): string {
  return path.join(import.meta.dirname, '..', 'cli', `main${path.extname(import.meta.filename)}`)
}
