import { ConfigError, TaskError } from '../api/errors.ts'
import { type Logger, SILENT } from '../api/log.ts'
import type {
  SourceConnector,
  SourceContext,
  SourceMap,
  SourceOffset,
  SourceRecord,
  SourceTask,
} from '../api/plugins.ts'
import { partitionId, requireSourceMap } from '../runtime/source/offset-format.ts'
import { problemOf } from './check-record.ts'

export interface SourceSurroundings {
  /** What was committed before, such as the `offsets` of a source that was stopped. */
  readonly offsets?: readonly SourceOffset[]
  /** How many tasks the connector may have (default 1), and which of them this is (default 0). */
  readonly maxTasks?: number
  readonly task?: number
  readonly log?: Logger
}

/** A running source without a Kafka. */
export interface SourceUnderTest {
  /**
   * What one poll brings.
   * @throws Error where a worker would refuse one of the records, saying why; what the source throws
   */
  poll(): Promise<readonly SourceRecord[]>
  /** Polls until it has so many records, or more where the last poll brought more; at most for `timeoutMs` (5000). */
  read(count: number, timeoutMs?: number): Promise<readonly SourceRecord[]>
  /** What a worker does once all that was polled is in Kafka: `commitRecord` of each record, then `commit`. */
  commit(): Promise<void>
  /** What was committed, the last offset of each source partition. */
  readonly offsets: readonly SourceOffset[]
  /** Stops the source without a commit. */
  stop(): Promise<void>
}

/**
 * Asks a source connector for its task configs, as a worker does, and opens one of the tasks.
 * @throws ConfigError where the configuration is wrong, with all problems; what `taskConfigs` and `open` throw
 */
export async function startSource(
  plugin: SourceConnector,
  config: Readonly<Record<string, string>>,
  { offsets = [], maxTasks = 1, task = 0, log = SILENT }: SourceSurroundings = {},
): Promise<SourceUnderTest> {
  const check = (raw: Readonly<Record<string, string>>) => {
    const values = plugin.config.read(raw)
    const problems = plugin.validate?.(values, raw) ?? []
    if (problems.length > 0) throw new ConfigError(problems)
    return values
  }
  const configs = await plugin.taskConfigs(check(config), config, maxTasks)
  const own = configs[task]
  if (own === undefined || configs.length > maxTasks)
    throw new TaskError(
      'task.failed',
      `${plugin.name} gives ${configs.length} task configs where ${maxTasks} are allowed, and the test is of task ${task}.`,
    )
  const committed = new Map(offsets.map((each) => [partitionId(each.partition), each]))
  const offset: SourceContext['offset'] = (partition) => {
    requireSourceMap(partition, 'the source partition asked for')
    return Promise.resolve(committed.get(partitionId(partition))?.offset ?? null)
  }
  const stopping = new AbortController()
  const context: SourceContext = {
    ...{ connector: 'test', task, log, signal: stopping.signal, offset },
    offsets: (partitions: readonly SourceMap[]) => Promise.all(partitions.map(offset)),
  }
  return new RunningSource(await plugin.open(check({ ...config, ...own }), context), committed, stopping)
}

class RunningSource implements SourceUnderTest {
  readonly #task: SourceTask
  readonly #committed: Map<string, SourceOffset>
  readonly #stopping: AbortController
  #polled: SourceRecord[] = []

  constructor(task: SourceTask, committed: Map<string, SourceOffset>, stopping: AbortController) {
    this.#task = task
    this.#committed = committed
    this.#stopping = stopping
  }

  async poll(): Promise<readonly SourceRecord[]> {
    const found: unknown = await this.#task.poll()
    if (!Array.isArray(found)) throw new TypeError('poll returned no array.')
    const records = found as readonly SourceRecord[]
    for (const [row, record] of records.entries()) checkRecord(record, row)
    this.#polled.push(...records)
    return records
  }

  async read(count: number, timeoutMs = 5000): Promise<readonly SourceRecord[]> {
    const records: SourceRecord[] = []
    const late = Promise.withResolvers<undefined>()
    const timer = setTimeout(() => late.resolve(undefined), timeoutMs)
    try {
      while (records.length < count) {
        const polled = await Promise.race([this.poll(), late.promise])
        if (polled === undefined)
          throw new Error(`The source brought ${records.length} of ${count} records within ${timeoutMs} ms.`)
        records.push(...polled)
        if (polled.length === 0) await new Promise((resolve) => setImmediate(resolve)) // or the time never runs out
      }
      return records
    } finally {
      clearTimeout(timer)
    }
  }

  async commit(): Promise<void> {
    const polled = this.#polled
    this.#polled = []
    for (const record of polled) await this.#task.commitRecord?.(record, true)
    for (const { sourcePartition: partition, sourceOffset: offset } of polled)
      this.#committed.set(partitionId(partition), { partition, offset })
    if (polled.length > 0) await this.#task.commit?.()
  }

  get offsets(): readonly SourceOffset[] {
    return [...this.#committed.values()]
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#task.stop?.()
  }
}

/** What a worker asks of a record that was polled. */
function checkRecord(record: SourceRecord, row: number): void {
  const who = `Record ${row} of the poll`
  const { topic, sourcePartition, sourceOffset } = record
  if (typeof topic !== 'string' || topic === '') throw new Error(`${who} has no topic.`)
  requireSourceMap(sourcePartition, `${who}: its source partition`)
  requireSourceMap(sourceOffset, `${who}: its source offset`)
  const problem = problemOf(record)
  if (problem !== undefined) throw new Error(`${who}: ${problem}.`)
}
