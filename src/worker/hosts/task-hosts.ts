import type { RawConfig } from '../../api/config.ts'
import { type ConfigProblem, UnavailableError } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import { Slots } from '../../api/slots.ts'
import type { LevelTable } from '../../runtime/host/log-levels.ts'
import type { HostSettings, TaskId } from '../../runtime/host/protocol.ts'
import type { SpawnHost } from './host-process.ts'
import type { HostedTask, TaskListener } from './hosted-task.ts'
import type { OffsetKeeper } from './offset-answers.ts'
import type { OwnershipKeeper } from '../source-ownership.ts'
import { TaskHost } from './task-host.ts'

export interface TaskHostsOptions {
  readonly spawn: SpawnHost
  readonly settings: HostSettings
  /** At most this many processes share the tasks; suspects run alone besides. */
  readonly max: number
  readonly deadline: number
  /** Bytes that one host may hold. */
  readonly maxMemory: number
  readonly log: Logger
  /** Until when this worker's tasks are surely nobody else's (performance.now()). Default: for ever. */
  readonly heldUntil?: () => number
  /** Of a standalone worker: what its hosts are told of offsets. */
  readonly offsets?: OffsetKeeper | undefined
  readonly ownership?: OwnershipKeeper | undefined
  /** How long a host without tasks is kept, in milliseconds. */
  readonly keep?: number
  /** How long a host with tasks may say nothing at all, in milliseconds. */
  readonly silence?: number
  /** How long a process may be at a question, in milliseconds, until another one is asked the next. */
  readonly patience?: number
}

const KEEP = 10_000
const SILENCE = 30_000
/**
 * A process costs up to a second of CPU to start, a question to one that runs hardly any: one process is asked, as
 * long as it answers. One that hangs keeps its place until its deadline, and others are asked besides, up to this many.
 */
const MOST_ASKED = 4
const PATIENCE = 2_000

/**
 * The task hosts of a worker. None runs before the first task or check; a task goes to a new host while fewer than
 * `max` run, then to the one with the fewest tasks. Configurations are checked in a host without tasks, because opening
 * a plugin may not return.
 */
export class TaskHosts {
  readonly #options: TaskHostsOptions
  readonly #hosts = new Set<TaskHost>()
  /** Ends of hosts without tasks. */
  readonly #ends = new WeakMap<TaskHost, NodeJS.Timeout>()
  #calls = 0
  readonly #asked: Slots
  #levels: LevelTable | undefined
  #stopped = false

  constructor(options: TaskHostsOptions) {
    this.#options = options
    this.#asked = new Slots(1, { limit: MOST_ASKED, patience: options.patience ?? PATIENCE })
  }

  start(
    id: TaskId,
    config: RawConfig,
    { paused, alone }: { readonly paused: boolean; readonly alone: boolean },
    listener: TaskListener,
  ): HostedTask {
    const host = alone ? this.#add(true) : this.#place()
    const hosted = host.start(id, config, paused, listener)
    const stop = async (timeout: number): Promise<void> => {
      await hosted.stop(timeout)
      this.#release(host)
    }
    return { ...hosted, stop }
  }

  /** Opens the plugins of a configuration in a task host; gives what is wrong with it. */
  validate(config: RawConfig): Promise<readonly ConfigProblem[]> {
    return this.#ask((host) => host.validate(++this.#calls, config))
  }

  /**
   * The configs of a source's tasks, which its plugin gives in a task host.
   * @throws TaskError
   */
  configure(config: RawConfig): Promise<readonly RawConfig[]> {
    return this.#ask((host) => host.configure(++this.#calls, config))
  }

  /**
   * In a host with nothing else to do, because a plugin's code may not return. One after another: a worker that starts asks
   * each of its sources for task configs, and each process is as large as one that runs tasks.
   */
  #ask<T>(question: (host: TaskHost) => Promise<T>): Promise<T> {
    return this.#asked.run(() => this.#askNow(question))
  }

  #requireRunning(): void {
    if (this.#stopped) throw stopping()
  }

  async #askNow<T>(question: (host: TaskHost) => Promise<T>): Promise<T> {
    this.#requireRunning()
    const free = [...this.#hosts].find(
      (host) => !host.gone && !host.alone && !host.asked && host.tasks.size === 0,
    )
    const host = free ?? this.#add(false)
    try {
      const answer = await question(host)
      // It says nothing of the configuration: the host was ended with the others.
      this.#requireRunning()
      return answer
    } catch (error) {
      this.#requireRunning()
      throw error
    } finally {
      this.#release(host)
    }
  }

  /** From now on these are the levels of the hosts' loggers. */
  setLevels(levels: LevelTable): void {
    this.#levels = levels
    for (const host of this.#hosts) host.tellLevels()
  }

  /** Ends all hosts; their tasks should be stopped before. */
  async stop(): Promise<void> {
    this.#stopped = true
    await Promise.all([...this.#hosts].map((host) => host.end()))
  }

  /** Ends all hosts at once, whatever they do: the worker stops. */
  kill(why: string): void {
    this.#stopped = true
    for (const host of this.#hosts) host.kill(why)
  }

  #place(): TaskHost {
    const shared = [...this.#hosts].filter((host) => !host.gone && !host.alone)
    // A host that has only checked a configuration counts once it runs a task: each new connector would else keep one.
    const busy = shared.filter((host) => host.tasks.size > 0).toSorted((a, b) => a.tasks.size - b.tasks.size)
    const [best] = busy
    if (best !== undefined && busy.length >= this.#options.max) return best
    return shared.find((host) => host.tasks.size === 0 && !host.asked) ?? this.#add(false)
  }

  #add(alone: boolean): TaskHost {
    const { spawn, settings, deadline, maxMemory, log, offsets, ownership } = this.#options
    const { silence = Math.max(SILENCE, deadline), heldUntil = () => Infinity } = this.#options
    const onGone = (gone: TaskHost): void => void this.#hosts.delete(gone)
    const limits = { deadline, maxMemory, silence, heldUntil }
    const levels = (): LevelTable | undefined => this.#levels
    const host = new TaskHost({ spawn, settings, ...limits, log, levels, offsets, ownership, alone, onGone })
    this.#hosts.add(host)
    return host
  }

  /** A host that has had nothing to do for a while is ended; whatever it is given begins the time anew. */
  #release(host: TaskHost): void {
    clearTimeout(this.#ends.get(host))
    const idle = (): boolean => host.tasks.size === 0 && !host.asked
    if (!idle() || this.#stopped) return
    const end = setTimeout(() => void (idle() && host.end()), this.#options.keep ?? KEEP)
    this.#ends.set(host, end.unref())
  }
}

function stopping(): UnavailableError {
  return new UnavailableError('cluster.unavailable', 'This worker is stopping. Ask again, or another worker.')
}
