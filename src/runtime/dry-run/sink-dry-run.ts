import type { RecordBatch, SinkRecord } from '../../api/batch.ts'
import { TaskError } from '../../api/errors.ts'
import type { SinkConnector, SinkContext, SinkTask, TopicPartition } from '../../api/plugins.ts'
import { eachRecord } from '../../api/map-records.ts'
import { topicReader } from '../sink/read-topics.ts'
import { Outbox, type Prepared, PutAgain, SinkPipeline } from '../sink/sink-pipeline.ts'
import { SinkRequests } from '../sink/sink-requests.ts'
import { NextOffsets } from './dry-batches.ts'
import { type DryRunOptions, openParts, type Outcome, outcomesOf, type Round } from './dry-run.ts'
import { type InputBatch, inputBatches, type InputRecord } from './input-batches.ts'

type Parts = Awaited<ReturnType<typeof openParts>>

/** Takes the place of a sink that writes elsewhere: keeps the records that it would be given. */
class Recorder implements SinkTask {
  #records: { row: number; record: SinkRecord }[] = []

  put(batch: RecordBatch): void {
    this.#records = []
    eachRecord(batch, (row) => {
      const record = batch.record(row)
      if (batch.isLive(row)) this.#records.push({ row, record })
    })
  }

  take() {
    const records = this.#records
    this.#records = []
    return records
  }
}

/**
 * A sink without Kafka: its converters, transforms, error policy and delivery are those of a task, its records are given
 * and its outputs kept.
 */
export class SinkDryRun {
  readonly #parts: Parts
  readonly #pipeline: SinkPipeline
  readonly #recorder: Recorder | undefined
  readonly #offsets = new NextOffsets()
  readonly #opened = new Map<string, TopicPartition>()

  private constructor(parts: Parts, pipeline: SinkPipeline, recorder: Recorder | undefined) {
    this.#parts = parts
    this.#pipeline = pipeline
    this.#recorder = recorder
  }

  /** @throws what opening a task throws */
  static async open(options: DryRunOptions, plugin: SinkConnector): Promise<SinkDryRun> {
    const parts = await openParts(options)
    try {
      const outbox = new Outbox()
      const recorder = plugin.emitsOnly === true ? undefined : new Recorder()
      const sink =
        recorder ?? (await plugin.open(plugin.config.read(options.config), contextOf(options, parts, outbox)))
      const pipeline = new SinkPipeline({ ...parts.plugins, sink, outbox, ...parts.pipeline })
      return new SinkDryRun(parts, pipeline, recorder)
    } catch (error) {
      parts.plugins.close()
      throw error
    }
  }

  /** Takes records through the connector, in their order. After a round that stopped there must be no other. */
  async run(records: readonly InputRecord[], interrupt: AbortSignal): Promise<Round> {
    const { batches, unusable } = await inputBatches(records, this.#parts.plugins.converters, this.#offsets)
    const outcomes: Outcome[] = []
    for (const batch of batches) {
      const { prepared, found } = await this.#batch(batch, interrupt)
      outcomes.push(...found)
      if (prepared.stop !== undefined) return { outcomes, stop: prepared.stop.error }
    }
    return { outcomes, ...(unusable === undefined ? {} : { unusable }) }
  }

  get converters(): Parts['plugins']['converters'] {
    return this.#parts.plugins.converters
  }

  async close(): Promise<void> {
    this.#parts.stopping.abort()
    const opened = [...this.#opened.values()]
    try {
      if (opened.length > 0) {
        await this.#pipeline.flush()
        await this.#pipeline.close(opened)
      }
      await this.#pipeline.stop()
    } finally {
      this.#parts.plugins.close()
    }
  }

  async #batch({ fetched, records }: InputBatch, interrupt: AbortSignal) {
    const { capture } = this.#parts
    await this.#open(fetched)
    const transformed = await this.#pipeline.transform({ fetched, apart: false, poison: null }, interrupt)
    const prepared = await this.#put(transformed, interrupt)
    await this.#pipeline.deliver(prepared)
    const recorded = this.#recorder?.take().filter(({ row }) => prepared.batch.isLive(row)) ?? []
    const outputs = new Map<number, Outcome['outputs']>(recorded.map(({ row, record }) => [row, [record]]))
    for (const [row, written] of Map.groupBy(capture.take(), ({ row }) => row)) outputs.set(row, written)
    const all = outcomesOf(prepared.batch, records, outputs)
    const failed = all.findIndex(({ failure }) => failure !== undefined)
    return { prepared, found: prepared.stop === undefined ? all : all.slice(0, failed + 1) }
  }

  /** A task waits, and puts the batch again; here nobody would see why. */
  async #put(...args: Parameters<SinkPipeline['put']>): Promise<Prepared> {
    try {
      return await this.#pipeline.put(...args)
    } catch (error) {
      throw error instanceof PutAgain ? error.cause : error
    }
  }

  async #open({ topic, partition }: TopicPartition): Promise<void> {
    const name = `${topic}-${partition}`
    if (this.#opened.has(name)) return
    this.#parts.capture.sees(partition)
    this.#opened.set(name, { topic, partition })
    await this.#pipeline.open([{ topic, partition }])
  }
}

function contextOf(
  { config, models, log }: DryRunOptions,
  { id, stopping }: Parts,
  outbox: Outbox,
): SinkContext {
  const requests = new SinkRequests()
  const noSeek = (): never => {
    throw new TaskError('task.failed', 'A dry run cannot go to another offset.')
  }
  return {
    connector: id.connector,
    task: id.task,
    log,
    models,
    signal: stopping.signal,
    reads: topicReader(config),
    emit: (batch, emitted = {}) => outbox.emit(batch, emitted),
    report: (batch, row, error) => batch.fail(row, error),
    ensureTopic: () => Promise.resolve(),
    pause: () => undefined,
    resume: () => undefined,
    offset: noSeek,
    timeout: (milliseconds) => requests.timeout(milliseconds),
  }
}
