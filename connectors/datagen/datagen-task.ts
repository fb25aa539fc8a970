import {
  type Schema,
  type SourceContext,
  type SourceMap,
  type SourceRecord,
  type SourceTask,
  TaskError,
} from 'sluice'
import { Draw } from './draw.ts'
import type { Pace } from './pace.ts'
import type { RecordPlan } from './record-plan.ts'

/** The names are those of Confluent's connector. */
export const OFFSET = { task: 'task.id', iteration: 'current.iteration', seed: 'random.seed' } as const

/** At a high rate records come in groups this far apart: a poll costs more than a record. */
const GROUP_MS = 20
/** Longer waits than timers know are waited for in parts. */
const LONGEST_WAIT_MS = 3_600_000
const NO_KEY: Schema = { type: 'STRING', optional: true }

/** Where the time comes from; tests give one that does not wait. */
export interface Clock {
  /** Milliseconds that never go back. */
  now(): number
  /** Returns at once when the signal is aborted. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

export interface TaskOptions {
  readonly topic: string
  readonly plan: RecordPlan
  readonly keyField: string | undefined
  readonly pace: Pace
  /** The number of records in all; infinite where there is no end. */
  readonly iterations: number
  /** The most records of a poll. */
  readonly batchSize: number
  /** Undefined: that of the stored offset, or else a new one. */
  readonly seed: number | undefined
  readonly newSeed: () => number
  readonly clock: Clock
}

interface Progress {
  readonly draw: Draw
  readonly seed: number
  /** The number of the next record. */
  index: number
}

/** Makes records. The offset says the number of the next one and the seed: all that a record follows from. */
export class DatagenTask implements SourceTask {
  readonly #options: TaskOptions
  readonly #context: SourceContext
  readonly #partition: SourceMap
  readonly #keySchema: Schema
  #progress: Progress | undefined
  #notBefore = -Infinity

  constructor(options: TaskOptions, context: SourceContext) {
    this.#options = options
    this.#context = context
    this.#partition = { [OFFSET.task]: context.task }
    const field = options.plan.schema.fields?.find(({ name }) => name === options.keyField)
    this.#keySchema = field?.schema ?? NO_KEY
  }

  async poll(): Promise<readonly SourceRecord[]> {
    const progress = (this.#progress ??= await this.#begin())
    const count = await this.#due(this.#options.iterations - progress.index)
    const now = Date.now()
    return Array.from({ length: count }, () => this.#record(progress, now))
  }

  /** Waits until records are due, and says how many; none where the task must stop. */
  async #due(left: number): Promise<number> {
    const { pace, batchSize, clock } = this.#options
    const { signal } = this.#context
    if (left <= 0) return this.#end()
    while (!signal.aborted) {
      const now = clock.now()
      const count = now < this.#notBefore ? 0 : pace.take(now, Math.min(batchSize, left))
      if (count > 0) {
        if (pace.next > now) this.#notBefore = now + GROUP_MS
        return count
      }
      const wait = Math.max(pace.next, this.#notBefore) - now
      await clock.sleep(Math.min(wait, LONGEST_WAIT_MS), signal)
    }
    return 0
  }

  async #end(): Promise<number> {
    const { iterations, clock } = this.#options
    const { signal, log } = this.#context
    log.info('all records are made', { iterations })
    while (!signal.aborted) await clock.sleep(LONGEST_WAIT_MS, signal)
    return 0
  }

  #record(progress: Progress, now: number): SourceRecord {
    const { topic, plan, keyField } = this.#options
    progress.draw.begin(progress.index++, now)
    const value = plan.make(progress.draw)
    return {
      topic,
      partition: null,
      timestamp: BigInt(now),
      headers: [],
      keySchema: this.#keySchema,
      key: keyField === undefined ? null : (value[keyField] ?? null),
      valueSchema: plan.schema,
      value,
      sourcePartition: this.#partition,
      sourceOffset: { [OFFSET.iteration]: progress.index, [OFFSET.seed]: progress.seed },
    }
  }

  async #begin(): Promise<Progress> {
    const { connector, task } = this.#context
    const offset = await this.#context.offset(this.#partition)
    const problem = offset === null ? undefined : offsetProblem(offset)
    if (problem !== undefined)
      throw new TaskError(
        'source.offset',
        `Connector ${connector}, task ${task}: the stored offset: ${problem}`,
      )
    const stored = offset?.[OFFSET.seed] ?? undefined
    const seed = this.#options.seed ?? (stored === undefined ? this.#options.newSeed() : Number(stored))
    return { draw: new Draw(BigInt(seed), task), seed, index: Number(offset?.[OFFSET.iteration] ?? 0) }
  }
}

/** What is wrong with an offset; undefined where nothing is. */
export function offsetProblem(offset: SourceMap): string | undefined {
  const { [OFFSET.iteration]: iteration, [OFFSET.seed]: seed } = offset
  if (!isWhole(iteration) || Number(iteration) < 0)
    return `Offset objects need '${OFFSET.iteration}', the number of the next record, from 0 on`
  if (seed !== undefined && seed !== null && !isWhole(seed))
    return `The value for '${OFFSET.seed}' in the offset should be a whole number`
  return undefined
}

export function isWhole(value: SourceMap[string] | undefined): boolean {
  const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value
  return typeof number === 'bigint'
    ? Number.isSafeInteger(Number(number))
    : typeof number === 'number' && Number.isSafeInteger(number)
}
