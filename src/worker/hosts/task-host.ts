import type { RawConfig } from '../../api/config.ts'
import { type ConfigProblem, TaskError } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import {
  type FromHost,
  type HostSettings,
  nameOf,
  type TaskId,
  type ToHost,
} from '../../runtime/host/protocol.ts'
import type { LevelTable } from '../../runtime/host/log-levels.ts'
import { monotonicMs } from '../../runtime/host/lease.ts'
import { IDLE } from '../../runtime/host/stage-tracker.ts'
import type { HostExit, HostProcess, SpawnHost } from './host-process.ts'
import type { OwnershipKeeper } from '../source-ownership.ts'
import { answerOffsets, type OffsetKeeper } from './offset-answers.ts'
import { type Hosted, type HostedTask, isSame, settle, type TaskListener, tell } from './hosted-task.ts'

export interface TaskHostOptions {
  readonly spawn: SpawnHost
  readonly settings: HostSettings
  /** How long a call into a plugin may take, in milliseconds. */
  readonly deadline: number
  /** How long a host with tasks may say nothing, in milliseconds; a healthy one sends a heartbeat once a second. */
  readonly silence: number
  /** Bytes that its process may hold. */
  readonly maxMemory: number
  /** Until when its tasks are surely nobody else's (performance.now()). */
  readonly heldUntil: () => number
  readonly log: Logger
  /** The levels of loggers as they were set while the worker runs; undefined where none was. */
  readonly levels: () => LevelTable | undefined
  /** Of a standalone worker: what its hosts are told of offsets. */
  readonly offsets?: OffsetKeeper | undefined
  readonly ownership?: OwnershipKeeper | undefined
  /** Runs one task that is under suspicion. */
  readonly alone: boolean
  onGone(host: TaskHost): void
}

/** What a host was asked about a configuration, besides running tasks. */
interface Call {
  /** Begins to count: the time in which the process itself starts is not the plugins' (START_TIMEOUT bounds it). */
  readonly begin: () => void
  readonly settle: (answer: Answer | Gone) => void
}

type Question = Extract<ToHost, { type: 'validate' | 'configure' }>
type Answer = Extract<FromHost, { type: 'validated' | 'configured' }>

/** Why a host ended before it answered. */
interface Gone {
  readonly type: 'gone'
  readonly reason: string
}

const START_TIMEOUT = 30_000
const EXIT_TIMEOUT = 2_000

/** One task host process: its tasks, the deadline over them, and calls to it. It never comes back: a new one does. */
export class TaskHost {
  readonly alone: boolean
  readonly tasks = new Map<string, Hosted>()
  readonly #options: TaskHostOptions
  readonly #process: HostProcess
  readonly #calls = new Map<number, Call>()
  readonly #timers: NodeJS.Timeout[] = []
  readonly #exited = Promise.withResolvers<undefined>()
  /** Messages for a host that is not ready yet. */
  #early: ToHost[] | undefined = []
  #suspects = new Set<string>()
  #why: string | undefined
  #ticked = performance.now()
  #heard = performance.now()
  #dead = false

  constructor(options: TaskHostOptions) {
    this.#options = options
    this.alone = options.alone
    this.#process = options.spawn({
      message: (message) => this.#receive(message),
      exited: (exit) => this.#gone(exit),
    })
    // These must not keep a process alive that has nothing else to do.
    const tick = Math.max(20, Math.min(1000, options.deadline / 10, options.silence / 10))
    this.#timers.push(
      setTimeout(() => this.#early !== undefined && this.kill('did not start in time'), START_TIMEOUT),
      setInterval(() => this.#watch(tick), tick),
    )
    for (const timer of this.#timers) timer.unref()
  }

  /** It has ended, or is about to: nothing new is given to it. */
  get gone(): boolean {
    return this.#dead || this.#why !== undefined
  }

  /** It is asked about a configuration. */
  get asked(): boolean {
    return this.#calls.size > 0
  }

  start(id: TaskId, config: RawConfig, paused: boolean, listener: TaskListener): HostedTask {
    const at = { stage: IDLE, since: performance.now(), rows: undefined, latest: undefined }
    const hosted: Hosted = { id, listener, ...at, waiting: [] }
    this.tasks.set(nameOf(id), hosted)
    this.#tellLease()
    this.#send({ type: 'start', id, config, paused })
    return {
      assign: (membership, suspects = []) =>
        this.#sendTask(hosted, { type: 'assign', id, membership, suspects }),
      revoke: (timeout, keep) =>
        this.#ask(hosted, { type: 'revoke', id, ...(keep && { keep }) }, 'revoked', timeout),
      lost: () => this.#sendTask(hosted, { type: 'lost', id }),
      pause: () => this.#sendTask(hosted, { type: 'pause', id }),
      resume: () => this.#sendTask(hosted, { type: 'resume', id }),
      stop: (timeout) => this.#ask(hosted, { type: 'stop', id }, 'stopped', timeout),
    }
  }

  /** Opens the plugins of a configuration; gives what is wrong with it. */
  async validate(call: number, config: RawConfig): Promise<readonly ConfigProblem[]> {
    const answer = await this.#call({ type: 'validate', call, config }, 'check a configuration')
    if (answer.type === 'validated') return answer.problems
    const reason = answer.type === 'gone' ? answer.reason : 'did not answer'
    return [{ path: 'transforms', message: `The plugins could not be opened: their process ${reason}.` }]
  }

  /**
   * The configs of a source's tasks.
   * @throws TaskError
   */
  async configure(call: number, config: RawConfig): Promise<readonly RawConfig[]> {
    const answer = await this.#call({ type: 'configure', call, config }, 'give its task configurations')
    if (answer.type === 'configured' && answer.trace === undefined) return answer.tasks
    const reason = answer.type === 'gone' ? `the process ${answer.reason}.` : ''
    const trace = answer.type === 'configured' ? (answer.trace ?? '') : reason
    throw new TaskError('task.failed', `The connector gave no task configurations: ${trace}`)
  }

  /** Asks a question about a configuration; a host that does not answer in time is killed. */
  #call(question: Question, what: string): Promise<Answer | Gone> {
    const { deadline } = this.#options
    const { promise, resolve } = Promise.withResolvers<Answer | Gone>()
    let late: NodeJS.Timeout | undefined
    const begin = (): void => {
      late = setTimeout(() => this.kill(`did not ${what} in ${deadline} ms`), deadline)
    }
    if (this.#early === undefined) begin()
    this.#calls.set(question.call, {
      begin,
      settle: (answer) => {
        clearTimeout(late)
        this.#calls.delete(question.call)
        resolve(answer)
      },
    })
    this.#send(question)
    return promise
  }

  kill(why: string): void {
    if (this.#dead || this.#why !== undefined) return
    this.#why = why
    this.#options.log.warn('a task host is killed', { host: this.#process.pid, reason: why })
    this.#process.kill()
  }

  /** Ends a host that has nothing to do any more. */
  async end(): Promise<void> {
    if (this.#dead) return
    this.#why ??= 'has nothing to do'
    this.#process.disconnect()
    const late = setTimeout(() => this.#process.kill(), EXIT_TIMEOUT)
    await this.#exited.promise
    clearTimeout(late)
  }

  /** Levels of loggers were set. A host that is not ready yet is told when it is. */
  tellLevels(): void {
    const levels = this.#options.levels()
    if (levels !== undefined && this.#early === undefined) this.#send({ type: 'levels', levels })
  }

  #send(message: ToHost): void {
    if (this.#early !== undefined) this.#early.push(message)
    else if (!this.#dead) this.#process.send(message)
  }

  /** Where it is not ready yet, it is told then. */
  #tellLease(): void {
    if (this.#early !== undefined || this.tasks.size === 0) return
    const left = this.#options.heldUntil() - performance.now()
    this.#send({ type: 'lease', until: monotonicMs() + left })
  }

  #sendTask(hosted: Hosted, message: ToHost): void {
    if (this.tasks.get(nameOf(hosted.id)) === hosted) this.#send(message)
  }

  async #ask(
    hosted: Hosted,
    question: Extract<ToHost, { type: 'revoke' | 'stop' }>,
    answer: 'revoked' | 'stopped',
    timeout: number,
  ): Promise<void> {
    if (this.#dead || this.tasks.get(nameOf(hosted.id)) !== hosted) return
    const { promise, resolve } = Promise.withResolvers<undefined>()
    hosted.waiting.push({ type: answer, done: () => resolve(undefined) })
    const late = setTimeout(() => {
      if (hosted.stage !== IDLE) this.#suspects.add(nameOf(hosted.id))
      this.kill(`did not answer ${question.type} of task ${nameOf(hosted.id)} in ${timeout} ms`)
    }, timeout)
    this.#send(question)
    await promise
    clearTimeout(late)
  }

  #receive(message: FromHost): void {
    this.#heard = performance.now()
    if (message.type === 'heartbeat') return
    if (message.type === 'ready') {
      this.#ready()
      return
    }
    if (message.type === 'validated' || message.type === 'configured') {
      this.#calls.get(message.call)?.settle(message)
      return
    }
    const hosted = this.tasks.get(nameOf(message.id))
    if (hosted === undefined) return
    this.#pass(hosted, message)
  }

  #pass(hosted: Hosted, message: Extract<FromHost, { id: TaskId }>): void {
    const { offsets, ownership } = this.#options
    switch (message.type) {
      case 'at':
        this.#at(hosted, message)
        break
      case 'readOffsets':
      case 'writeOffsets':
        void this.#answer(offsets && answerOffsets(offsets, message))
        break
      case 'askOwnership':
        void this.#answer(ownership?.answer(message))
        break
      case 'stopped':
        this.tasks.delete(nameOf(message.id))
        settle(hosted, message.type)
        break
      case 'revoked':
        settle(hosted, message.type)
        break
      default:
        tell(hosted.listener, message)
    }
  }

  async #answer(answer: Promise<ToHost> | undefined): Promise<void> {
    if (answer !== undefined) this.#send(await answer)
  }

  /** A plugin of the task is about to be called, or none is at work any more. */
  #at(hosted: Hosted, { stage, rows }: Extract<FromHost, { type: 'at' }>): void {
    // What it does after its end was decided is no reason for it.
    if (this.#why !== undefined) return
    hosted.stage = stage
    hosted.since = performance.now()
    hosted.rows = rows
    if (rows === undefined) return
    const before = hosted.latest
    hosted.latest = rows
    if (before !== undefined && !isSame(before, rows)) hosted.listener.passed(before)
  }

  #ready(): void {
    const early = this.#early ?? []
    this.#early = undefined
    this.#send({ type: 'settings', settings: this.#options.settings, alone: this.alone })
    this.tellLevels()
    this.#tellLease()
    for (const message of early) this.#send(message)
    for (const { begin } of this.#calls.values()) begin()
  }

  /** Invariant 6: a model that does not return hurts its task host alone. */
  #watch(tick: number): void {
    const now = performance.now()
    const late = now - this.#ticked > tick * 3
    this.#ticked = now
    this.#tellLease()
    if (this.#isTooLarge()) return
    // After a pause of this process itself, the host's messages may still wait to be read.
    if (late) return
    const { deadline } = this.#options
    for (const [name, { stage, since }] of this.tasks) {
      if (stage !== IDLE && now - since > deadline) this.#suspects.add(name)
    }
    const [first] = this.#suspects
    if (first === undefined) {
      // It may be stopped, swapped out, or stuck in code of our own. Its partitions must not wait for ever.
      if (this.tasks.size > 0 && this.#early === undefined && now - this.#heard > this.#options.silence)
        this.kill(`said nothing for ${this.#options.silence} ms`)
      return
    }
    const stage = this.tasks.get(first)?.stage ?? IDLE
    this.kill(`was killed: ${stage} of task ${first} did not return in ${deadline} ms (task.deadline.ms)`)
  }

  /** Kills a host that takes too much memory. Whoever is in a plugin is a suspect; where nobody is, all of them are. */
  #isTooLarge(): boolean {
    const { maxMemory } = this.#options
    const used = this.#process.memory() ?? 0
    if (used <= maxMemory) return false
    const names = [...this.tasks.keys()]
    const atWork = names.filter((name) => this.tasks.get(name)?.stage !== IDLE)
    for (const name of atWork.length > 0 ? atWork : names) this.#suspects.add(name)
    const doing = atWork.map((name) => ` while task ${name} was in ${this.tasks.get(name)?.stage ?? IDLE}`)
    this.kill(
      `was killed: it held ${mebibytes(used)} of memory, and ${mebibytes(maxMemory)} are allowed (task.host.memory.max.bytes)${doing.join(' and')}`,
    )
    return true
  }

  #gone({ code, signal }: HostExit): void {
    this.#dead = true
    for (const timer of this.#timers) clearTimeout(timer)
    const killed = this.#why !== undefined
    const reason =
      this.#why ??
      (signal === null ? `ended with exit code ${code ?? '?'}` : `was ended by ${signal}${hintOf(signal)}`)
    // A signal from outside says nothing about a task. A crash suspects whoever was in a plugin, or, where nobody was
    // (a promise or a timer that a plugin left behind), all of them: each then runs alone, and shows who it is.
    const bySignal = !killed && (signal === 'SIGKILL' || signal === 'SIGTERM')
    const crashed = !killed && !bySignal && code !== 0
    const inPlugin = [...this.tasks.values()].some(({ stage }) => stage !== IDLE)
    this.#options.onGone(this)
    for (const call of this.#calls.values()) call.settle({ type: 'gone', reason })
    for (const [name, hosted] of this.tasks) {
      settle(hosted)
      const suspect = this.#suspects.has(name) || (crashed && (hosted.stage !== IDLE || !inPlugin))
      const { stage, rows } = hosted
      const where = suspect && stage !== IDLE && !killed ? ` while it was in ${stage}` : ''
      const call =
        (suspect || bySignal) && stage !== IDLE && rows !== undefined ? { rows, stage, bySignal } : undefined
      hosted.listener.died({
        reason: `its task host ${reason}${where}`,
        suspect,
        ...(call === undefined ? {} : { call }),
      })
    }
    this.tasks.clear()
    this.#exited.resolve(undefined)
  }
}

const mebibytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`

/** V8 says on standard error alone that its heap is full. */
function hintOf(signal: string): string {
  return signal === 'SIGABRT' ? ' (as where its heap is full: task.host.memory.max.bytes)' : ''
}
