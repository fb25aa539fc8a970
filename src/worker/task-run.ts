import { messageOf } from '../api/errors.ts'
import type { Logger } from '../api/log.ts'
import type { Shown, TaskId, TaskState } from '../runtime/protocol.ts'
import type { StringMap } from './config-state.ts'
import type { SinkMembership } from './sink-membership.ts'
import type { State } from './status-store.ts'
import type { Death, HostedTask } from './task-host.ts'
import type { TaskHosts } from './task-hosts.ts'

export interface TaskRunOptions {
  readonly id: TaskId
  readonly config: StringMap
  readonly paused: boolean
  readonly hosts: Pick<TaskHosts, 'start'>
  /** Makes the task's place in its group, not started yet. */
  readonly join: (task: HostedTask) => Pick<SinkMembership, 'start' | 'rejoin' | 'leave'>
  readonly report: (state: State, trace: string | null) => void
  readonly stopTimeout: number
  readonly log: Logger
}

/** Kills and crashes in a plugin after which the task counts as failed. */
const MOST_SUSPICIONS = 3
/** A task that ran for so long, in milliseconds, is above suspicion again. */
const GOOD_CONDUCT = 300_000
const FIRST_PAUSE = 250
const LONGEST_PAUSE = 30_000

/**
 * One task that is assigned to this worker: its place in a host and in its sink group, and its restarts. A task whose
 * host died starts again after a growing pause (invariant 1 makes that safe: nothing was committed that was not
 * durable); one that is to blame for the death runs alone, and after three deaths is FAILED.
 */
export class TaskRun {
  readonly id: TaskId
  readonly config: StringMap
  readonly #options: TaskRunOptions
  #paused: boolean
  #task: HostedTask | undefined
  #membership: Pick<SinkMembership, 'start' | 'rejoin' | 'leave'> | undefined
  #restart: NodeJS.Timeout | undefined
  #deaths = 0
  #suspicions = 0
  #startedAt = 0
  #state: State = 'UNASSIGNED'
  #stopped = false
  readonly #shown = new Map<string, Shown>()
  /** What a failed task still had open: its host must be done with it before it may start anew. */
  #closing: Promise<void> = Promise.resolve()

  constructor(options: TaskRunOptions) {
    this.#options = options
    this.id = options.id
    this.config = options.config
    this.#paused = options.paused
  }

  get state(): State {
    return this.#state
  }

  /** What its transforms show under a name, since it started last. */
  shown(name: string): Shown[] {
    return [...this.#shown.values()].filter((each) => each.name === name)
  }

  start(): void {
    const { hosts } = this.#options
    this.#shown.clear()
    this.#startedAt = performance.now()
    const task: HostedTask = hosts.start(
      this.id,
      this.config,
      { paused: this.#paused, alone: this.#suspicions > 0 },
      {
        state: (state, trace) => this.#task === task && this.#onState(task, state, trace),
        fenced: () => this.#membership?.rejoin('the task let go of its partitions'),
        shown: (changed) => {
          for (const each of changed) this.#shown.set(`${each.transform} ${each.name}`, each)
        },
        died: (death) => this.#task === task && this.#onDeath(death),
      },
    )
    this.#task = task
  }

  pause(paused: boolean): void {
    if (paused === this.#paused) return
    this.#paused = paused
    if (paused) this.#task?.pause()
    else this.#task?.resume()
  }

  /** Delivers and commits what is in flight, leaves the group, closes the plugins. Never throws. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#restart)
    await this.#leave()
    const task = this.#task
    await task?.stop(this.#options.stopTimeout)
    this.#task = undefined
    await this.#closing
  }

  #onState(task: HostedTask, state: TaskState, trace: string | undefined): void {
    if (this.#stopped) return
    if (state === 'FAILED') {
      this.#fail(trace ?? 'The task failed.')
      return
    }
    this.#report(state, null)
    if (this.#membership !== undefined) return
    this.#membership = this.#options.join(task)
    this.#membership.start()
    // It was paused or resumed while it opened its plugins.
    if (this.#paused !== (state === 'PAUSED')) task[this.#paused ? 'pause' : 'resume']()
  }

  /** A failed task keeps its place in no group and nothing open; it is started again by a restart alone. */
  #fail(trace: string): void {
    if (this.#state === 'FAILED') return
    this.#report('FAILED', trace)
    this.#options.log.error('the task failed', { trace })
    const task = this.#task
    this.#task = undefined
    this.#closing = this.#leave().then(() => task?.stop(this.#options.stopTimeout))
  }

  #onDeath({ reason, suspect }: Death): void {
    this.#task = undefined
    void this.#leave()
    if (this.#stopped) return
    if (performance.now() - this.#startedAt > GOOD_CONDUCT) [this.#deaths, this.#suspicions] = [0, 0]
    this.#deaths++
    if (suspect) this.#suspicions++
    if (this.#suspicions >= MOST_SUSPICIONS) {
      const trace = `TaskError [task.deadline]: The task was stopped ${this.#suspicions} times: ${reason}.`
      this.#fail(trace)
      return
    }
    const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (this.#deaths - 1))
    this.#options.log.warn('the task starts again', { reason, pause })
    this.#report('RESTARTING', `The task starts again: ${reason}.`)
    this.#restart = setTimeout(() => this.start(), pause)
  }

  async #leave(): Promise<void> {
    const membership = this.#membership
    this.#membership = undefined
    try {
      await membership?.leave(this.#options.stopTimeout)
    } catch (error) {
      this.#options.log.warn('the task could not leave its group', { error: messageOf(error) })
    }
  }

  #report(state: State, trace: string | null): void {
    this.#state = state
    this.#options.report(state, trace)
  }
}
