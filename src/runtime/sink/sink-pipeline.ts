import { setImmediate as nextTurn } from 'node:timers/promises'
import type { FetchedBatch } from '../../kafka/record-batches/records.ts'
import { recordsSide } from '../../converters/records-side.ts'
import type { RecordBatch } from '../../api/batch.ts'
import { ConnectError, DataError, type Stage, TaskError } from '../../api/errors.ts'
import type { EmitOptions, PartitionOffset, SinkTask, TopicPartition } from '../../api/plugins.ts'
import { Batch } from '../records/batch.ts'
import type { TransformChain } from '../chain/chain.ts'
import type { DeadLetters } from '../delivery/dead-letters.ts'
import type { Delivery } from '../delivery/delivery.ts'
import { type Emission, type Encoder, failAtProducer, type ProducerBatch } from '../delivery/encoder.ts'
import type { ErrorPolicy } from '../delivery/error-policy.ts'
import { FetchOrigin } from '../records/origin.ts'
import type { PoisonCause } from '../host/protocol.ts'
import { type Failure, RowStates } from '../records/row-states.ts'
import { type Chunk, rangeOf } from './suspect-chunks.ts'
import type { TaskConverters } from '../host/task-converters.ts'
import type { TaskMetrics } from '../host/task-metrics.ts'
import { IDLE, type StageTracker } from '../host/stage-tracker.ts'

export interface PipelineParts {
  readonly sink: SinkTask
  readonly outbox: Outbox
  readonly converters: TaskConverters
  readonly chain: TransformChain
  readonly policy: ErrorPolicy
  readonly encoder: Pick<Encoder, 'encode' | 'before'>
  readonly delivery: Pick<Delivery<never>, 'send'>
  readonly deadLetters: DeadLetters | undefined
  readonly stages: StageTracker
  readonly metrics: TaskMetrics
  /** Told of the topic of each batch that was decoded; absent where nobody looks. */
  readonly used?: ((topic: string) => void) | undefined
}

/** A batch that went through the transforms: its sink comes next. */
export interface Transformed {
  readonly chunk: Chunk
  readonly batch: Batch
}

/** A batch that went through the plugins: what is left is to make it durable. */
export interface Prepared {
  readonly batch: Batch
  readonly producerBatches: readonly ProducerBatch[]
  readonly stop?: Stop
}

/** A record failed that is not tolerated: the task ends there, with all before it delivered and nothing after it. */
export interface Stop {
  readonly error: unknown
  /** Of that record. */
  readonly offset: bigint
  /** Kafka itself has refused the record: others that come after it may have been sent. */
  readonly late?: boolean
}

/** What a sink emits while its `put` runs, until the pipeline takes it. */
export class Outbox {
  #emissions: Emission[] = []

  emit(batch: RecordBatch, options: EmitOptions): void {
    if (!(batch instanceof Batch)) {
      throw new TaskError('task.failed', 'A sink may emit only the batches that it was given.')
    }
    this.#emissions.push({ batch, options })
  }

  take(): readonly Emission[] {
    const taken = this.#emissions
    this.#emissions = []
    return taken
  }
}

/** A sink cannot take its batch for now; `cause` says why. */
export class PutAgain extends Error {}

/**
 * Whether what a sink threw passes, and is waited out in place. A Kafka that is away costs the task its partitions,
 * wherever that shows.
 */
export function passes(error: unknown): error is ConnectError {
  return error instanceof ConnectError && error.retriable && !error.code.startsWith('kafka.')
}

function putAgain(error: unknown): never {
  throw passes(error) ? new PutAgain(error.message, { cause: error }) : error
}

/**
 * The walk of one batch through a sink task: decode, transforms, put, encode, then send with its dead letters.
 * docs/architecture.md tells the journey.
 */
export class SinkPipeline {
  readonly #parts: PipelineParts
  /** What Kafka has refused, by place: where it comes again it fails before anything is sent. */
  readonly #refusedPlaces = new Map<string, ConnectError>()
  #apart = false

  constructor(parts: PipelineParts) {
    this.#parts = parts
  }

  /** Decodes a batch and takes it through the transforms. `interrupt` ends the wait between two tries. */
  transform(chunk: Chunk, interrupt: AbortSignal): Promise<Transformed> {
    const { fetched, poison } = chunk
    if (poison !== null) return Promise.resolve({ chunk, batch: this.#refused(fetched, poison) })
    const decode = () => this.#within('key.converter', () => this.#decodeAndTransform(fetched))
    return this.#holding(chunk, interrupt, async () => {
      return { chunk, batch: await this.#parts.policy.retry(decode, interrupt) }
    })
  }

  /**
   * Gives a batch to the sink and encodes what it emits. Nothing has been sent yet. Where the sink throws a retriable
   * error the batch can be put again: it throws PutAgain.
   */
  put({ chunk, batch }: Transformed, interrupt: AbortSignal): Promise<Prepared> {
    return this.#holding(chunk, interrupt, async () => {
      const { policy, sink, outbox, encoder, metrics } = this.#parts
      const { states } = batch
      outbox.take() // what a put that failed has left
      if (this.#refusedPlaces.size > 0) this.#refuseAgain(batch)
      this.#cut(states)
      if (states.live > 0) {
        states.enter('TASK_PUT', 'sink')
        const put = () => this.#within('put', async () => sink.put(batch))
        await metrics.time('put', put).catch(putAgain)
        metrics.count('records.sent', states.live)
        this.#cut(states)
      }
      const producerBatches: ProducerBatch[] = []
      for (const emission of outbox.take()) {
        const encode = () => this.#within('encode', () => encoder.encode(emission))
        producerBatches.push(...(await policy.retry(encode, interrupt)))
      }
      return this.#enforced(batch, producerBatches)
    })
  }

  /** Plugins are at the rows of a chunk. */
  async #holding<T>({ fetched, apart }: Chunk, interrupt: AbortSignal, work: () => Promise<T>): Promise<T> {
    const { stages } = this.#parts
    stages.hold(fetched.length > 0 ? rangeOf(fetched) : undefined, interrupt)
    this.#apart = apart
    try {
      return await work()
    } finally {
      stages.hold(undefined)
      this.#apart = false
    }
  }

  /** Invariant 1: resolves when outputs and dead letters of the batch are durable, or all before where it had to stop. */
  async deliver({ batch, producerBatches, stop }: Prepared): Promise<Stop | undefined> {
    const known = new Set(batch.states.failures().map((failure) => failure.row))
    const late = () => batch.states.failures().filter((failure) => !known.has(failure.row))
    try {
      await this.#parts.delivery.send(producerBatches)
    } catch (error) {
      const refused = this.#stopLate(batch, late())
      if (refused === undefined) throw error
      return refused // what was behind the record is not sent
    }
    const refused = this.#stopLate(batch, late())
    if (refused !== undefined || stop !== undefined) return refused ?? stop
    await this.#parts.deadLetters?.send(batch, batch.states.failures())
    return undefined
  }

  /** Without tolerance what is behind the first record that failed is not looked at. */
  #cut(states: RowStates): void {
    const [first] = this.#parts.policy.tolerant ? [] : states.failures()
    if (first !== undefined) states.dropAfter(first.row)
  }

  #enforced(batch: Batch, producerBatches: readonly ProducerBatch[]): Prepared {
    const { encoder } = this.#parts
    const failures = batch.states.failures()
    const stop = this.#stopAt(batch, failures)
    const [first] = failures
    if (stop === undefined || first === undefined) return { batch, producerBatches }
    batch.states.dropAfter(first.row)
    return { batch, producerBatches: encoder.before(first.row, producerBatches), stop }
  }

  #stopAt(batch: Batch, failures: readonly Failure[]): Stop | undefined {
    const error = this.#parts.policy.intolerable(batch, failures)
    const [first] = failures
    if (error === undefined || first === undefined) return undefined
    return { error, offset: batch.sourceOffset(first.row) }
  }

  #stopLate(batch: Batch, failures: readonly Failure[]): Stop | undefined {
    const stop = this.#stopAt(batch, failures)
    const [first] = failures
    if (stop === undefined || first === undefined) return undefined
    this.#refusedPlaces.set(batch.origin.place(first.row), first.error)
    return { ...stop, late: true }
  }

  #refuseAgain(batch: Batch): void {
    for (const row of batch.states.liveRows()) {
      const error = this.#refusedPlaces.get(batch.origin.place(row))
      if (error !== undefined) failAtProducer(batch, row, error)
    }
  }

  async open(partitions: readonly TopicPartition[]): Promise<void> {
    const { sink } = this.#parts
    if (sink.open !== undefined) await this.#within('open', async () => sink.open?.(partitions))
  }

  async flush(): Promise<void> {
    const { sink } = this.#parts
    if (sink.flush !== undefined) await this.#within('flush', async () => sink.flush?.())
  }

  /** What the sink allows to be committed; all where it does not say. */
  async preCommit(offsets: readonly PartitionOffset[]): Promise<readonly PartitionOffset[]> {
    const { sink } = this.#parts
    if (sink.preCommit === undefined) return offsets
    return this.#within('preCommit', async () => sink.preCommit?.(offsets) ?? offsets)
  }

  async close(partitions: readonly TopicPartition[]): Promise<void> {
    const { sink } = this.#parts
    if (sink.close !== undefined) await this.#within('close', async () => sink.close?.(partitions))
  }

  async stop(): Promise<void> {
    const { sink } = this.#parts
    if (sink.stop !== undefined) await this.#within('stop', async () => sink.stop?.())
  }

  /** Invariant 6: a record that was found out fails as any bad record does, and hurts nothing but itself. */
  #refused(fetched: FetchedBatch, { stage, reason }: PoisonCause): Batch {
    const { topic, partition, first } = rangeOf(fetched)
    const states = new RowStates(fetched.length)
    const unread = () => recordsSide([null], [null])
    const batch = new Batch(new FetchOrigin(fetched), states, { key: unread(), value: unread() })
    const message =
      `The record ${topic}-${partition}@${first} makes its task die, with its batch and alone: ${reason}. ` +
      `Fix the record or what ${stage} does with it, and send it again.`
    states.fail(0, new DataError('record.poison', message, this.#pluginAt(stage)))
    return batch
  }

  /** Who was at work, as dead letters name it. */
  #pluginAt(stage: string): { readonly stage: Stage; readonly plugin: string } {
    const { chain, converters } = this.#parts
    const link = chain.links.find(({ alias }) => stage === `transforms.${alias}`)
    if (link !== undefined) return { stage: 'TRANSFORMATION', plugin: link.name }
    if (stage === 'key.converter') return { stage: 'KEY_CONVERTER', plugin: converters.key.name }
    if (stage === 'value.converter') return { stage: 'VALUE_CONVERTER', plugin: converters.value.name }
    if (stage === 'encode') return { stage: 'VALUE_CONVERTER', plugin: converters.target.value.name }
    return { stage: 'TASK_PUT', plugin: 'sink' }
  }

  /** A plugin is at work, under its deadline, until it returns or throws; what waits between two tries is not. */
  async #within<T>(stage: string, work: () => Promise<T>): Promise<T> {
    const { at } = this.#parts.stages
    await at(stage)
    try {
      const done = await work()
      // A promise that a plugin left behind and that nobody waits for ends the process here, and names this row.
      if (this.#apart) await nextTurn()
      return done
    } finally {
      void at(IDLE)
    }
  }

  async #decodeAndTransform(fetched: FetchedBatch): Promise<Batch> {
    const { converters, chain, stages } = this.#parts
    const states = new RowStates(fetched.length)
    const fail = (row: number, error: ConnectError): void => states.fail(row, error)
    states.enter('KEY_CONVERTER', converters.key.name)
    const key = await converters.key.converter.decode(fetched.topic, fetched.keys, fail)
    await stages.at('value.converter')
    states.enter('VALUE_CONVERTER', converters.value.name)
    const value = await converters.value.converter.decode(fetched.topic, fetched.values, fail)
    this.#parts.used?.(fetched.topic)
    return chain.apply(new Batch(new FetchOrigin(fetched), states, { key, value }), stages.at)
  }
}
