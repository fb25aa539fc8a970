import { checkValue } from '../../converters/json/to-json.ts'
import { recordsSide } from '../../converters/records-side.ts'
import { ConnectError, DataError, messageOf } from '../../api/errors.ts'
import type { SourceRecord } from '../../api/plugins.ts'
import { Batch } from '../records/batch.ts'
import type { TransformChain } from '../chain/chain.ts'
import type { DeadLetters } from '../delivery/dead-letters.ts'
import type { Delivery } from '../delivery/delivery.ts'
import type { Encoder, ProducerBatch } from '../delivery/encoder.ts'
import type { ErrorPolicy } from '../delivery/error-policy.ts'
import { RowStates } from '../records/row-states.ts'
import { topicRefusal } from '../delivery/written-topics.ts'
import { IDLE, type StageTracker } from '../host/stage-tracker.ts'
import { PollOrigin } from './poll-origin.ts'
import type { TargetTopics } from './target-topics.ts'

export interface SourcePipelineParts {
  /** The source's class, as errors and dead letters name it. */
  readonly plugin: string
  readonly chain: TransformChain
  readonly policy: ErrorPolicy
  readonly topics: Pick<TargetTopics, 'ensure'>
  /** Nothing is written to these. */
  readonly workerTopics: readonly string[]
  readonly encoder: Pick<Encoder, 'encode'>
  readonly delivery: Pick<Delivery<never>, 'send'>
  readonly deadLetters: Pick<DeadLetters, 'send'> | undefined
  readonly stages: StageTracker
  /** Told of the topics of each poll that were written to; absent where nobody looks. */
  readonly used?: ((topic: string) => void) | undefined
}

/** A poll's records that went through the plugins: what is left is to make them durable. */
export interface PreparedPoll {
  readonly batch: Batch
  readonly producerBatches: readonly ProducerBatch[]
}

/** The walk of one poll's records: transforms, topics, converters, then send with the dead letters. */
export class SourcePipeline {
  readonly #parts: SourcePipelineParts
  #polls = 0
  #records = 0n

  constructor(parts: SourcePipelineParts) {
    this.#parts = parts
  }

  /** Nothing has been sent yet when it resolves. `interrupt` ends the wait between two tries. */
  async prepare(records: readonly SourceRecord[], interrupt: AbortSignal): Promise<PreparedPoll> {
    const { policy, topics, encoder, stages } = this.#parts
    stages.hold(undefined, interrupt)
    const origin = new PollOrigin(records, this.#records, this.#polls++)
    this.#records += BigInt(records.length)
    const transform = () => this.#within('transforms', () => this.#transformed(records, origin))
    const batch = await policy.retry(transform, interrupt)
    for (const topic of this.#targets(batch)) await policy.retry(() => topics.ensure(topic), interrupt)
    const emission = { batch, options: { converters: 'own' } } as const
    const encode = () => this.#within('encode', () => encoder.encode(emission))
    const producerBatches = batch.states.live === 0 ? [] : await policy.retry(encode, interrupt)
    policy.enforce(batch, batch.states.failures())
    return { batch, producerBatches }
  }

  /** Invariant 1: resolves when outputs and dead letters are durable. */
  async deliver({ batch, producerBatches }: PreparedPoll, interrupt: AbortSignal): Promise<void> {
    const { delivery, policy, deadLetters } = this.#parts
    const known = new Set(batch.states.failures().map(({ row }) => row))
    const late = () => batch.states.failures().filter(({ row }) => !known.has(row))
    await delivery.send(producerBatches).catch((error: unknown) => {
      policy.enforce(batch, late()) // says which record it was
      throw error
    })
    for (const { topic } of producerBatches) this.#parts.used?.(topic)
    policy.enforce(batch, late())
    const failures = batch.states.failures()
    await policy.retry(async () => deadLetters?.send(batch, failures), interrupt)
  }

  #transformed(records: readonly SourceRecord[], origin: PollOrigin): Promise<Batch> {
    const { chain, stages, plugin } = this.#parts
    const states = new RowStates(records.length)
    states.enter('TASK_POLL', plugin)
    const schemas = (side: 'key' | 'value') =>
      records.map((record) => (side === 'key' ? record.keySchema : record.valueSchema))
    const sides = {
      key: recordsSide(
        schemas('key'),
        records.map(({ key }) => key),
      ),
      value: recordsSide(
        schemas('value'),
        records.map(({ value }) => value),
      ),
    }
    for (const [row, record] of records.entries()) {
      const problem = misfit(record)
      if (problem !== undefined) states.fail(row, problem)
    }
    return chain.apply(new Batch(origin, states, sides), stages.at)
  }

  /** The topics that live records go to. A record without one fails; one that may not be written to is left to delivery. */
  #targets(batch: Batch): Set<string> {
    const { plugin, workerTopics } = this.#parts
    const topics = new Set<string>()
    for (const row of batch.states.liveRows()) {
      const topic: unknown = batch.topic(row)
      if (typeof topic === 'string' && topic !== '') {
        if (!topics.has(topic) && topicRefusal(topic, workerTopics) === undefined) topics.add(topic)
        continue
      }
      batch.states.enter('TASK_POLL', plugin)
      const message = `The record has no topic: ${plugin} gave none, and no transform set one.`
      batch.fail(row, new DataError('record.refused', message))
    }
    return topics
  }

  /** A plugin is at work, under its deadline, until it returns or throws. */
  async #within<T>(stage: string, work: () => Promise<T>): Promise<T> {
    const { at } = this.#parts.stages
    await at(stage)
    try {
      return await work()
    } finally {
      void at(IDLE)
    }
  }
}

/** Invariant 5: what a source hands over must be what its schemas say. */
function misfit(record: SourceRecord): ConnectError | undefined {
  for (const side of ['key', 'value'] as const) {
    const schema = side === 'key' ? record.keySchema : record.valueSchema
    if (schema === null) continue
    try {
      checkValue(record[side], schema)
    } catch (error) {
      const reason = messageOf(error)
      return new DataError('record.value', `The ${side} does not fit its schema: ${reason}`, { cause: error })
    }
  }
  return undefined
}
