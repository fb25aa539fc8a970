import { ConfigError, ConnectError } from '../../api/errors.ts'
import type { SourceConnector, SourceContext, SourceRecord, SourceTask } from '../../api/plugins.ts'
import { SourcePipeline } from '../source/source-pipeline.ts'
import { sourceTaskConfigs } from '../source/source-task-configs.ts'
import { type DryRunOptions, openParts, type Outcome, outcomesOf, type Round } from './dry-run.ts'

type Parts = Awaited<ReturnType<typeof openParts>>

/**
 * A source without Kafka: its transforms, converters, error policy and delivery are those of a task. Its records are given,
 * or it is polled, from its beginning; offsets are kept nowhere.
 */
export class SourceDryRun {
  readonly #options: DryRunOptions
  readonly #plugin: SourceConnector
  readonly #parts: Parts
  readonly #pipeline: SourcePipeline

  private constructor(options: DryRunOptions, plugin: SourceConnector, parts: Parts) {
    this.#options = options
    this.#plugin = plugin
    this.#parts = parts
    this.#pipeline = new SourcePipeline({
      ...{ plugin: plugin.name, chain: parts.plugins.chain, workerTopics: options.settings.workerTopics },
      topics: { ensure: () => Promise.resolve() },
      ...parts.pipeline,
    })
  }

  /** @throws what opening a task throws */
  static async open(options: DryRunOptions, plugin: SourceConnector): Promise<SourceDryRun> {
    return new SourceDryRun(options, plugin, await openParts(options))
  }

  /**
   * Takes records through the connector as if one poll had brought them. Where one fails that is not tolerated, nothing of
   * that poll is written, and there is no outcome.
   */
  async run(records: readonly SourceRecord[], interrupt: AbortSignal): Promise<Round> {
    if (records.length === 0) return { outcomes: [] }
    const { capture } = this.#parts
    for (const { partition } of records) if (partition !== null) capture.sees(partition)
    try {
      const prepared = await this.#pipeline.prepare(records, interrupt)
      await this.#pipeline.deliver(prepared, interrupt)
      const written = Map.groupBy(capture.take(), ({ row }) => row)
      const rows = Int32Array.from(records.keys())
      return {
        outcomes: outcomesOf(prepared.batch, rows, written satisfies ReadonlyMap<number, Outcome['outputs']>),
      }
    } catch (error) {
      if (!(error instanceof ConnectError) || error.code !== 'task.tolerance') throw error
      return { outcomes: [], stop: error }
    }
  }

  /**
   * What the source's tasks poll, one task after the other, each until it has nothing more for now. Ends where `stopping`
   * aborts.
   */
  async *poll(stopping: AbortSignal): AsyncGenerator<readonly SourceRecord[]> {
    const { config } = this.#options
    for (const [task, own] of (await sourceTaskConfigs(config, config)).entries()) {
      const source = await this.#openTask({ ...this.#options, config: own }, task, stopping)
      try {
        while (!stopping.aborted) {
          const records = await untilAborted(source.poll(), stopping)
          if (records.length === 0) break
          yield records
        }
      } finally {
        await source.stop?.()
      }
    }
  }

  close(): Promise<void> {
    this.#parts.plugins.close()
    return Promise.resolve()
  }

  async #openTask({ config, log }: DryRunOptions, task: number, signal: AbortSignal): Promise<SourceTask> {
    const values = this.#plugin.config.read(config)
    const problems = this.#plugin.validate?.(values, config) ?? []
    if (problems.length > 0) throw new ConfigError(problems)
    const context: SourceContext = {
      ...{ connector: config['name'] ?? '', task, log, signal },
      offset: () => Promise.resolve(null),
      offsets: (partitions) => Promise.resolve(partitions.map(() => null)),
    }
    return this.#plugin.open(values, context)
  }
}

/** No records where nobody waits any more. */
async function untilAborted(
  poll: Promise<readonly SourceRecord[]>,
  signal: AbortSignal,
): Promise<readonly SourceRecord[]> {
  const { promise, resolve } = Promise.withResolvers<readonly SourceRecord[]>()
  const end = (): void => resolve([])
  signal.addEventListener('abort', end, { once: true })
  try {
    return await Promise.race([poll, promise])
  } finally {
    signal.removeEventListener('abort', end)
  }
}
