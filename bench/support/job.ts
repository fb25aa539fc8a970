import path from 'node:path'

export const REPOSITORY = path.resolve(import.meta.dirname, '../..')

export const PARTITIONS = 6
/** Of each engine: tasks, or stream threads. */
export const TASKS = 2

/** What every engine is given: the same source, a target of its own. */
export interface Job {
  readonly records: number
  readonly bootstrapServers: string
  readonly registry: string
  readonly source: string
  readonly target: string
  /** A name that no other engine or run has; for groups and internal topics. */
  readonly id: string
  /** A folder for settings and state, which is removed at the end. */
  readonly folder: string
  /** Sluice's compiled command line. */
  readonly sluice: string
  /** Where Node writes CPU profiles of the worker's processes; they cost some time themselves. */
  readonly profiles: string | undefined
}

/** One engine's run. CPU and time are those of the job alone: see the engines for where it begins. */
export interface Measured {
  readonly seconds: number
  /** Of the process tree, user and system. */
  readonly cpuSeconds: number
  /** The largest sum of resident memory over the tree; pages that processes share count in each. */
  readonly peakRssBytes: number
  /** Records in the target topic; more than the job has where some were written twice. */
  readonly written: number
}

export function say(text: string): void {
  process.stderr.write(`${text}\n`)
}
