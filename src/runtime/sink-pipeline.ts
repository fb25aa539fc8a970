import type { FetchedBatch } from '../kafka/records.ts'
import { type ConnectError, type EmitOptions, type RecordBatch, type SinkTask, TaskError } from '../index.ts'
import { Batch } from './batch.ts'
import type { TransformChain } from './chain.ts'
import type { DeadLetters } from './dead-letters.ts'
import type { Delivery, Emission, Parcel } from './delivery.ts'
import type { ErrorPolicy } from './error-policy.ts'
import { RowStates } from './row-states.ts'
import type { TaskConverters } from './task-converters.ts'

export interface PipelineParts {
  readonly sink: SinkTask
  readonly outbox: Outbox
  readonly converters: TaskConverters
  readonly chain: TransformChain
  readonly policy: ErrorPolicy
  readonly delivery: Delivery
  readonly deadLetters: DeadLetters | undefined
  /** Told what comes next, before each call into a plugin; `idle` after the last one. */
  readonly before: (stage: string) => void
}

/** A batch that went through the plugins: what is left is to make it durable. */
export interface Prepared {
  readonly batch: Batch
  readonly parcels: readonly Parcel[]
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

/**
 * The walk of one batch through a sink task: decode, transforms, put, encode, then send with its dead letters.
 * docs/architecture.md tells the journey.
 */
export class SinkPipeline {
  readonly #parts: PipelineParts

  constructor(parts: PipelineParts) {
    this.#parts = parts
  }

  /**
   * Takes a batch through all plugins and encodes what comes out. Nothing has been sent yet. `interrupt` ends the wait
   * between two tries.
   */
  async prepare(fetched: FetchedBatch, interrupt: AbortSignal): Promise<Prepared> {
    const { policy, sink, outbox, delivery } = this.#parts
    outbox.take() // what a put that failed has left
    const decode = () => this.#within('decode', () => this.#decodeAndTransform(fetched))
    const batch = await policy.retry(decode, interrupt)
    const { states } = batch
    if (states.live > 0) {
      states.enter('TASK_PUT', 'sink')
      await this.#within('put', async () => sink.put(batch))
    }
    const parcels: Parcel[] = []
    for (const emission of outbox.take()) {
      const encode = () => this.#within('encode', () => delivery.encode(emission))
      parcels.push(...(await policy.retry(encode, interrupt)))
    }
    policy.judge(batch, states.failures())
    return { batch, parcels }
  }

  /** Invariant 1: resolves when outputs and dead letters of the batch are durable. */
  async deliver({ batch, parcels }: Prepared): Promise<void> {
    const known = new Set(batch.states.failures().map((failure) => failure.row))
    await this.#parts.delivery.send(parcels)
    const late = batch.states.failures().filter((failure) => !known.has(failure.row))
    this.#parts.policy.judge(batch, late)
    await this.#parts.deadLetters?.send(batch, batch.states.failures())
  }

  async flush(): Promise<void> {
    const { sink } = this.#parts
    if (sink.flush !== undefined) await this.#within('flush', async () => sink.flush?.())
  }

  async close(): Promise<void> {
    await this.#within('close', async () => this.#parts.sink.close?.())
  }

  /** A plugin is at work, under its deadline, until it returns or throws; what waits between two tries is not. */
  async #within<T>(stage: string, work: () => Promise<T>): Promise<T> {
    this.#parts.before(stage)
    try {
      return await work()
    } finally {
      this.#parts.before('idle')
    }
  }

  async #decodeAndTransform(fetched: FetchedBatch): Promise<Batch> {
    const { converters, chain, before } = this.#parts
    const states = new RowStates(fetched.length)
    const fail = (row: number, error: ConnectError): void => states.fail(row, error)
    states.enter('KEY_CONVERTER', converters.key.name)
    const key = await converters.key.converter.decode(fetched.topic, fetched.keys, fail)
    states.enter('VALUE_CONVERTER', converters.value.name)
    const value = await converters.value.converter.decode(fetched.topic, fetched.values, fail)
    return chain.apply(new Batch(fetched, states, { key, value }), before)
  }
}
