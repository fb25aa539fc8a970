import type { MetricsSnapshot } from '../../runtime/host/task-metrics.ts'
import type { RawConfig } from '../../api/config.ts'
import { messageOf } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import type { Shown, TaskId, TaskState } from '../../runtime/host/protocol.ts'
import type { SinkMembership } from '../groups/sink-membership.ts'
import type { State } from '../stores/status-store.ts'
import { RestartPolicy, type RestartSettings } from './restart-policy.ts'
import type { Finding, Suspects } from './suspects.ts'
import type { Death, HostedTask, PluginCall } from './hosted-task.ts'
import type { TaskHosts } from './task-hosts.ts'

export interface TaskRunOptions {
  readonly id: TaskId
  readonly config: RawConfig
  readonly paused: boolean
  readonly hosts: Pick<TaskHosts, 'start'>
  readonly suspects: Suspects
  /** Makes the task's place in its group, not started yet. `replaced`: somebody else has the place, for good. */
  readonly join: (
    task: HostedTask,
    waits: (reason: string | null) => void,
    replaced: (reason: string) => void,
  ) => Place
  /** `reason`: what a task that runs waits for. */
  readonly report: (state: State, trace: string | null, reason: string | null) => void
  /** It has used these topics since it said so last. */
  readonly onTopics?: (topics: readonly string[]) => void
  /** Of a monitor: it asks for new configs of its connector's tasks. */
  readonly onReconfigure?: () => void
  /** Whether it is to run again as it is once it has stopped, here or on another worker. Default: not. */
  readonly willReturn?: () => boolean
  /** When it starts again by itself after a failure. Default: not at all. */
  readonly restart?: RestartSettings | undefined
  readonly stopTimeout: number
  readonly log: Logger
}

/** A task's place in a group of its own. `lost`: that of its worker is somebody else's, and the task has no other. */
export type Place = Pick<SinkMembership, 'start' | 'rejoin' | 'leave'> & { lost?(): void }

/** Kills and crashes in a plugin that was given no rows, after which the task counts as failed. */
const MOST_SUSPICIONS = 3
/** A task that ran for so long, in milliseconds, is above suspicion again. */
const GOOD_CONDUCT = 300_000
const FIRST_PAUSE = 250
const LONGEST_PAUSE = 30_000

/**
 * One task that is assigned to this worker: its place in a host and in its sink group, and its restarts. A task whose
 * host died starts again after a growing pause (invariant 1 makes that safe: nothing was committed that was not
 * durable); one that is to blame for the death runs alone. Where a plugin was at rows, the record that did it is looked
 * for (`suspects`); elsewhere the task is FAILED after three deaths. A FAILED task starts again as its connector says.
 */
export class TaskRun {
  readonly id: TaskId
  readonly config: RawConfig
  readonly #options: TaskRunOptions
  #paused: boolean
  #task: HostedTask | undefined
  #membership: Place | undefined
  #restart: NodeJS.Timeout | undefined
  #deaths = 0
  #suspicions = 0
  #alone = false
  #startedAt = 0
  readonly #restarts: RestartPolicy
  #state: State = 'UNASSIGNED'
  /** What it waits for: its topics, and what its host says. */
  readonly #waits = { topics: null as string | null, host: null as string | null }
  #stopped = false
  #metrics: MetricsSnapshot | null = null
  readonly #shown = new Map<string, Shown>()
  /** What a failed task still had open: its host must be done with it before it may start anew. */
  #closing: Promise<void> = Promise.resolve()

  constructor(options: TaskRunOptions) {
    this.#options = options
    this.id = options.id
    this.config = options.config
    this.#paused = options.paused
    this.#restarts = new RestartPolicy(options.restart)
  }

  get state(): State {
    return this.#state
  }

  /** What its transforms show under a name, since it started last. */
  shown(name: string): Shown[] {
    return [...this.#shown.values()].filter((each) => each.name === name)
  }

  /** What it has counted since it started last; null until its host has said so. */
  get metrics(): MetricsSnapshot | null {
    return this.#metrics
  }

  start(): void {
    const { hosts, suspects } = this.#options
    const { connector } = this.id
    this.#shown.clear()
    this.#metrics = null
    this.#waits.host = null
    this.#startedAt = performance.now()
    const task: HostedTask = hosts.start(
      this.id,
      this.config,
      { paused: this.#paused, alone: this.#alone },
      {
        state: (state, trace) => this.#task === task && this.#onState(task, state, trace),
        waits: (reason) => this.#task === task && this.#onWaits('host', reason),
        reconfigure: () => this.#task === task && this.#options.onReconfigure?.(),
        fenced: () => this.#membership?.rejoin('the task let go of its partitions'),
        shown: (changed) => {
          for (const each of changed) this.#shown.set(`${each.transform} ${each.name}`, each)
        },
        topics: (used) => this.#options.onTopics?.(used),
        metrics: (snapshot) => (this.#metrics = snapshot),
        passed: (rows) => suspects.passed(connector, rows),
        cleared: (before) => suspects.cleared(connector, before),
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

  /** The worker has lost its place: others may run the task already. */
  lost(): void {
    this.#membership?.lost?.()
  }

  /** Delivers and commits what is in flight, leaves the group, closes the plugins. Never throws. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#restart)
    await this.#leave({ willReturn: this.#options.willReturn?.() ?? false })
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
    const waits = (reason: string | null): void => {
      if (this.#task === task) this.#onWaits('topics', reason)
    }
    const replaced = (reason: string): void => {
      if (this.#task === task && !this.#stopped) this.#fail(replacedTrace(reason))
    }
    this.#membership = this.#options.join(this.#informed(task), waits, replaced)
    this.#membership.start()
    // It was paused or resumed while it opened its plugins.
    if (this.#paused !== (state === 'PAUSED')) task[this.#paused ? 'pause' : 'resume']()
  }

  /** A failed task keeps its place in no group and nothing open; a restart starts it again, or `tasks.restart.*`. */
  #fail(trace: string): void {
    if (this.#state === 'FAILED') return
    const next = this.#restarts.failed(performance.now() - this.#startedAt)
    this.#report('FAILED', next === undefined ? trace : `${trace}\n${next.sentence}`)
    this.#options.log.error('the task failed', { trace, ...(next && { next: next.sentence }) })
    const task = this.#task
    this.#task = undefined
    this.#closing = this.#leave().then(() => task?.stop(this.#options.stopTimeout))
    if (next === undefined) return
    this.#restart = setTimeout(() => void this.#startAgain(trace), next.pause)
  }

  async #startAgain(trace: string): Promise<void> {
    await this.#closing
    if (this.#stopped) return
    this.#report('RESTARTING', `The task starts again after it failed: ${trace}`)
    this.start()
  }

  /** A task that is given partitions also learns which of their rows killed hosts, of this or another task. */
  #informed(task: HostedTask): HostedTask {
    const { suspects } = this.#options
    const { connector } = this.id
    return {
      ...task,
      assign: (membership) => task.assign(membership, suspects.of(connector, membership.partitions)),
    }
  }

  #onDeath({ reason, suspect, call }: Death): void {
    const { suspects, log } = this.#options
    this.#task = undefined
    // There is nothing to commit any more. A static member keeps its place for the task that starts again.
    void this.#leave({ willReturn: true, timeout: 0 })
    const finding = call === undefined ? undefined : suspects.died(this.id.connector, call, reason)
    if (this.#stopped) return
    if (performance.now() - this.#startedAt > GOOD_CONDUCT) this.#pardon()
    // Each death over known rows is a step forward, and soon the last one.
    this.#deaths = finding === undefined ? this.#deaths + 1 : 1
    if (suspect && call === undefined) this.#suspicions++
    this.#alone ||= suspect || finding === 'apart' || finding === 'convicted'
    const broken = this.#whyBroken(finding, call, reason)
    if (broken !== undefined) {
      this.#fail(broken)
      return
    }
    const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (this.#deaths - 1))
    const next = call === undefined || finding === undefined ? '' : ` ${nextStep(finding, call)}`
    log.warn('the task starts again', { reason, pause, next })
    this.#report('RESTARTING', `The task starts again: ${reason}.${next}`)
    this.#restart = setTimeout(() => this.start(), pause)
  }

  #pardon(): void {
    this.#deaths = 0
    this.#suspicions = 0
    this.#alone = false
  }

  #whyBroken(finding: Finding | undefined, call: PluginCall | undefined, reason: string): string | undefined {
    if (this.#suspicions >= MOST_SUSPICIONS)
      return `TaskError [task.deadline]: The task was stopped ${this.#suspicions} times: ${reason}.`
    if (finding !== 'hopeless' || call === undefined) return undefined
    return (
      `TaskError [record.poison]: One record after the other makes the task die, the last ${placeOf(call)}, ` +
      `and none got through between them: ${reason}. ` +
      `It is ${call.stage} that is broken, not the records: fix it or its model, and restart the task.`
    )
  }

  #onWaits(whom: 'topics' | 'host', reason: string | null): void {
    if (this.#stopped || this.#waits[whom] === reason) return
    this.#waits[whom] = reason
    if (this.#state === 'RUNNING') this.#report('RUNNING', null)
  }

  async #leave({ willReturn = false, timeout = this.#options.stopTimeout } = {}): Promise<void> {
    const membership = this.#membership
    this.#membership = undefined
    this.#waits.topics = null
    try {
      await membership?.leave(timeout, { willReturn })
    } catch (error) {
      this.#options.log.warn('the task could not leave its group', { error: messageOf(error) })
    }
  }

  #report(state: State, trace: string | null): void {
    this.#state = state
    const reasons = Object.values(this.#waits).filter((reason) => reason !== null)
    this.#options.report(state, trace, state === 'RUNNING' && reasons.length > 0 ? reasons.join('; ') : null)
  }
}

function replacedTrace(reason: string): string {
  return (
    `FencedError [kafka.fenced]: The task was stopped: ${reason}. Two members with one id cannot both be in a group: give ` +
    'each connector a consumer.override.group.instance.id or group.id of its own, then restart the task.'
  )
}

function placeOf({ rows: { topic, partition, first, last } }: PluginCall): string {
  return `${topic}-${partition}@${first}${last === first ? '' : `–${last}`}`
}

function nextStep(finding: Finding, call: PluginCall): string {
  if (finding === 'convicted') return `The record ${placeOf(call)} is given up.`
  return `The records ${placeOf(call)} are tried ${finding === 'apart' ? 'one by one' : 'once more'}.`
}
