import type { Logger } from '../api/log.ts'
import { messageOf } from '../api/errors.ts'
import type { PartitionProgress } from '../runtime/host/task-metrics.ts'
import type { TaskId } from '../runtime/host/protocol.ts'
import type { Peers } from './cluster/peers.ts'
import { connectorClass } from './configs/plugin-catalogue.ts'
import type { StoredConnector } from './stores/config-state.ts'
import type { StatusStore } from './stores/status-store.ts'

export interface PartitionLag {
  readonly topic: string
  readonly partition: number
  /** The next offset after what is committed, or where the task began; null until that is known. */
  readonly offset: number | null
  /** One past the last record that the task could read, when a broker answered it last. */
  readonly end_offset: number | null
  readonly lag: number | null
}

export interface TaskLag {
  readonly task: number
  readonly worker_id: string
  readonly lag: number
  readonly partitions: readonly PartitionLag[]
}

export interface ConnectorLag {
  readonly connector: string
  /** Of all tasks that are known. */
  readonly lag: number
  /** Tasks of which nothing is known: they have just started, do not run, or their worker did not answer. */
  readonly missing: readonly number[]
  readonly tasks: readonly TaskLag[]
}

export interface LagReportsOptions {
  readonly configs: { names(): string[]; get(name: string): StoredConnector | undefined }
  readonly statuses: Pick<StatusStore, 'task'>
  /** How far the tasks are that run on this worker. */
  readonly work: {
    progress(): readonly { readonly id: TaskId; readonly partitions: readonly PartitionProgress[] }[]
  }
  /** `host:port` of this worker, as statuses have it. */
  readonly workerId: string
  readonly peers: Pick<Peers, 'get'>
  readonly log: Logger
}

/** How long another worker may take, in milliseconds: a UI that asks is not to wait for one that is away. */
const PEER_DEADLINE = 2_000

/**
 * How far sinks are behind the ends of their partitions. What a task's fetches say anyway is kept where it runs; a report of
 * the whole cluster asks each worker that runs some of it, once.
 */
export class LagReports {
  readonly #options: LagReportsOptions

  constructor(options: LagReportsOptions) {
    this.#options = options
  }

  /** Of tasks on this worker alone. */
  here(): readonly ConnectorLag[] {
    return this.#reports(this.#names(), this.#local())
  }

  /** Of these sinks, or of all, wherever their tasks run. */
  async everywhere(names: readonly string[] = this.#names()): Promise<readonly ConnectorLag[]> {
    const found = this.#local()
    const others = new Set(this.#tasksOf(names).map((id) => this.#workerOf(id)))
    others.delete(this.#options.workerId)
    const answers = await Promise.all([...others].map((workerId) => this.#ask(workerId)))
    for (const { connector, tasks } of answers.flat())
      for (const task of tasks) {
        const isThere = this.#workerOf({ connector, task: task.task }) === task.worker_id
        if (isThere) found.set(keyOf({ connector, task: task.task }), task)
      }
    return this.#reports(names, found)
  }

  #names(): string[] {
    const { configs } = this.#options
    const sinks = configs.names().filter((name) => connectorClass(configs.get(name)?.config).type === 'sink')
    return sinks.sort()
  }

  #tasksOf(names: readonly string[]): TaskId[] {
    return names.flatMap((connector) =>
      (this.#options.configs.get(connector)?.tasks ?? []).map((_, task) => ({ connector, task })),
    )
  }

  #workerOf({ connector, task }: TaskId): string {
    return this.#options.statuses.task(connector, task)?.workerId ?? this.#options.workerId
  }

  #local(): Map<string, TaskLag> {
    const { work, workerId } = this.#options
    return new Map(
      work
        .progress()
        .map(({ id, partitions }) => [keyOf(id), taskLag(id.task, workerId, partitions.map(partitionLag))]),
    )
  }

  #reports(names: readonly string[], found: ReadonlyMap<string, TaskLag>): ConnectorLag[] {
    return names.map((connector) => {
      const ids = this.#tasksOf([connector])
      const tasks = ids.flatMap((id) => found.get(keyOf(id)) ?? [])
      const missing = ids.filter((id) => !found.has(keyOf(id))).map(({ task }) => task)
      return { connector, lag: sumOf(tasks), missing, tasks }
    })
  }

  /** What another worker knows of its own tasks; nothing where it does not answer, which is no reason to know nothing. */
  async #ask(workerId: string): Promise<readonly ConnectorLag[]> {
    try {
      const answer = await this.#options.peers.get(workerId, '/sluice/lag?scope=worker', PEER_DEADLINE)
      return (answer as { readonly connectors: readonly ConnectorLag[] } | undefined)?.connectors ?? []
    } catch (error) {
      this.#options.log.debug('a worker did not say how far its tasks are', {
        worker: workerId,
        error: messageOf(error),
      })
      return []
    }
  }
}

function keyOf({ connector, task }: TaskId): string {
  return `${task} ${connector}`
}

function taskLag(task: number, workerId: string, partitions: readonly PartitionLag[]): TaskLag {
  return { task, worker_id: workerId, lag: sumOf(partitions), partitions }
}

function sumOf(parts: readonly { readonly lag: number | null }[]): number {
  return parts.reduce((sum, { lag }) => sum + (lag ?? 0), 0)
}

function partitionLag({ topic, partition, offset, endOffset }: PartitionProgress): PartitionLag {
  const known = offset !== null && endOffset !== null
  return {
    topic,
    partition,
    offset: offset === null ? null : Number(offset),
    end_offset: endOffset === null ? null : Number(endOffset),
    // What is committed may be newer than the last answer.
    lag: known ? Math.max(0, Number(endOffset - offset)) : null,
  }
}
