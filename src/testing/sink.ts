import type { SinkRecord } from '../api/batch.ts'
import { ConfigError, type ConnectError } from '../api/errors.ts'
import { type Logger, SILENT } from '../api/log.ts'
import type { Models } from '../api/models.ts'
import type {
  EmitOptions,
  ExampleRecord,
  PartitionOffset,
  SinkConnector,
  SinkContext,
  SinkTask,
  TopicPartition,
} from '../api/plugins.ts'
import type { Batch } from '../runtime/records/batch.ts'
import { batchOf, complete } from './records.ts'
import { NO_MODELS } from './transform.ts'

export interface SinkSurroundings {
  /** Default: there are none. */
  readonly models?: Models
  readonly log?: Logger
}

/** A record that a sink reported, and why. */
export interface ReportedRecord {
  readonly record: SinkRecord
  readonly error: ConnectError
}

/** A running sink without a Kafka: its calls come in the order in which a worker makes them. */
export interface SinkUnderTest {
  /**
   * Gives records to `put`: those of one topic and partition (`t` and 0 where a record names none) as one batch, each
   * partition opened before its first. Rejects with what the sink throws; where that is retriable, put the same records
   * again.
   */
  put(records: readonly ExampleRecord[]): Promise<void>
  /** `flush` and `preCommit`, as before each commit; gives the offsets that would be committed. */
  commit(): Promise<readonly PartitionOffset[]>
  /** Commits, closes the partitions, and stops the sink. */
  stop(): Promise<void>
  /** What the sink emitted, to be written to Kafka. */
  readonly emitted: readonly SinkRecord[]
  readonly reported: readonly ReportedRecord[]
  /** What it asked for with `context.timeout`, in milliseconds. */
  readonly timeouts: readonly number[]
  /** The partitions that it paused and has not resumed. */
  paused(): readonly TopicPartition[]
  /** The offsets that it asked to go on with. */
  readonly seeks: readonly PartitionOffset[]
}

/**
 * Opens a sink with a configuration, as a task does.
 * @throws ConfigError where the configuration is wrong, with all problems; what `open` throws
 */
export async function startSink(
  plugin: SinkConnector,
  config: Readonly<Record<string, string>>,
  surroundings: SinkSurroundings = {},
): Promise<SinkUnderTest> {
  const values = plugin.config.read(config)
  const topics = (config['topics'] ?? '').split(',').map((topic) => topic.trim())
  const reads = (topic: string) => topics.includes(topic)
  const problems = plugin.validate?.(values, config, reads) ?? []
  if (problems.length > 0) throw new ConfigError(problems)
  const said = new Said()
  const stopping = new AbortController()
  const context = contextOf(said, { ...surroundings, reads, signal: stopping.signal })
  return new RunningSink(await plugin.open(values, context), said, stopping)
}

/** What a sink said to its context. */
class Said {
  emitted: SinkRecord[] = []
  reported: ReportedRecord[] = []
  timeouts: number[] = []
  seeks: PartitionOffset[] = []
  paused = new Map<string, TopicPartition>()
}

function contextOf(
  said: Said,
  { models = NO_MODELS, log = SILENT, ...rest }: SinkSurroundings & Pick<SinkContext, 'reads' | 'signal'>,
): SinkContext {
  return {
    ...{ connector: 'test', task: 0, models, log, ...rest },
    emit: (batch, options: EmitOptions = {}) => {
      for (let row = 0; row < batch.length; row++) {
        if (!batch.isLive(row)) continue
        const { topic, partition, ...record } = batch.record(row)
        said.emitted.push({
          ...record,
          topic: options.topic?.(row) ?? topic,
          partition: options.partition?.(row) ?? partition,
        })
      }
    },
    report: (batch, row, error) => {
      said.reported.push({ record: batch.record(row), error })
      batch.fail(row, error)
    },
    ensureTopic: () => Promise.resolve(),
    pause: (partitions) => {
      for (const each of partitions) said.paused.set(idOf(each), each)
    },
    resume: (partitions) => {
      for (const each of partitions) said.paused.delete(idOf(each))
    },
    offset: ({ topic, partition }, offset) => void said.seeks.push({ topic, partition, offset }),
    timeout: (milliseconds) => void said.timeouts.push(milliseconds),
  }
}

class RunningSink implements SinkUnderTest {
  readonly #task: SinkTask
  readonly #said: Said
  readonly #stopping: AbortController
  /** The offset behind the last record that was put, of each partition that is open. */
  readonly #ends = new Map<string, PartitionOffset>()

  constructor(task: SinkTask, said: Said, stopping: AbortController) {
    this.#task = task
    this.#said = said
    this.#stopping = stopping
  }

  async put(records: readonly ExampleRecord[]): Promise<void> {
    const groups = Map.groupBy(records.map(complete), idOf)
    for (const group of groups.values()) await this.#putOne(group)
  }

  async #putOne(records: readonly SinkRecord[]): Promise<void> {
    const [{ topic, partition }] = records as [SinkRecord]
    const id = idOf({ topic, partition })
    if (!this.#ends.has(id)) {
      this.#ends.set(id, { topic, partition, offset: 0n })
      await this.#task.open?.([{ topic, partition }])
    }
    const offset = this.#ends.get(id)?.offset ?? 0n
    const batch: Batch = batchOf(records, { topic, partition, offset })
    const { length } = this.#said.emitted
    try {
      await this.#task.put(batch)
    } catch (error) {
      this.#said.emitted.splice(length) // forgotten, as a worker does
      throw error
    }
    this.#ends.set(id, { topic, partition, offset: offset + BigInt(records.length) })
  }

  async commit(): Promise<readonly PartitionOffset[]> {
    await this.#task.flush?.()
    const ends = [...this.#ends.values()]
    return (await this.#task.preCommit?.(ends)) ?? ends
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.commit()
    const partitions = [...this.#ends.values()].map(({ topic, partition }) => ({ topic, partition }))
    if (partitions.length > 0) await this.#task.close?.(partitions)
    await this.#task.stop?.()
  }

  get emitted(): readonly SinkRecord[] {
    return this.#said.emitted
  }

  get reported(): readonly ReportedRecord[] {
    return this.#said.reported
  }

  get timeouts(): readonly number[] {
    return this.#said.timeouts
  }

  get seeks(): readonly PartitionOffset[] {
    return this.#said.seeks
  }

  paused(): readonly TopicPartition[] {
    return [...this.#said.paused.values()]
  }
}

function idOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}
