import { withoutCredentials } from '../../api/credentials.ts'
import { createTopic } from '../../kafka/admin.ts'
import type { KafkaClient } from '../../kafka/client.ts'
import type { OutgoingRows } from '../../kafka/produce/produce.ts'
import type { BatchWriter } from '../../kafka/transactions/transactional-producer.ts'
import type { Header } from '../../api/batch.ts'
import { TaskError } from '../../api/errors.ts'
import type { Batch } from '../records/batch.ts'
import type { DeadLetterConfig } from '../plugins/connector-keys.ts'
import type { TaskId } from '../host/protocol.ts'
import type { TaskMetrics } from '../host/task-metrics.ts'
import { headerRows, rawRows } from '../records/raw-rows.ts'
import type { Failure } from '../records/row-states.ts'
import { traceOf } from './trace.ts'

/** Whose dead letters these are, and what counts them. */
interface DeadLetterTask {
  readonly id: TaskId
  readonly metrics: TaskMetrics
}

type DeadLetterWriter = Pick<BatchWriter, 'send'>

const PREFIX = '__connect.errors.'

/**
 * Writes failed records to the dead letter topic: the original bytes, headers and timestamp, and where asked the ten
 * headers `__connect.errors.*` of Kafka Connect (KIP-298). Incoming headers of that prefix are never believed and
 * are left out, so that a forged one cannot pass for ours.
 */
export class DeadLetters {
  readonly #client: KafkaClient
  readonly #producer: DeadLetterWriter
  readonly #topic: string
  readonly #context: boolean
  readonly #task: DeadLetterTask

  private constructor(
    client: KafkaClient,
    producer: DeadLetterWriter,
    config: DeadLetterConfig,
    task: DeadLetterTask,
  ) {
    this.#client = client
    this.#producer = producer
    this.#topic = config['errors.deadletterqueue.topic.name']
    this.#context = config['errors.deadletterqueue.context.headers.enable']
    this.#task = task
  }

  /** Creates the topic with one partition where it is missing. Undefined where no topic is configured. */
  static async open(
    client: KafkaClient,
    producer: DeadLetterWriter,
    config: DeadLetterConfig,
    task: DeadLetterTask,
  ): Promise<DeadLetters | undefined> {
    const topic = config['errors.deadletterqueue.topic.name']
    if (topic === '') return undefined
    const replicationFactor = config['errors.deadletterqueue.topic.replication.factor']
    if ((await client.partitionCount(topic)) === null)
      await createTopic(client, { topic, partitions: 1, replicationFactor })
    return new DeadLetters(client, producer, config, task)
  }

  /**
   * Resolves when all of them are durable. A record whose time Kafka refuses is written with the present time; one that
   * is too large with its context goes without it. One that the topic does not take even so fails the task.
   */
  async send(batch: Batch, failures: readonly Failure[]): Promise<void> {
    if (failures.length === 0) return
    const { metrics } = this.#task
    metrics.count('dead.letters', failures.length)
    try {
      await this.#sendAll(batch, failures)
    } catch (error) {
      metrics.count('dead.letters.failed', failures.length)
      throw error
    }
  }

  async #sendAll(batch: Batch, failures: readonly Failure[]): Promise<void> {
    const { origin } = batch
    const byRow = new Map(failures.map((failure) => [failure.row, failure]))
    const { rawHeaders } = origin
    const original = rawHeaders === null ? headerRows((row) => origin.headers(row)) : rawRows(rawHeaders)
    const letters: OutgoingRows = {
      rows: Int32Array.from(byRow.keys()),
      keys: origin.keys,
      values: origin.values,
      headers: this.#context ? headerRows((row) => this.#headers(batch, byRow.get(row)!)) : original,
      baseTimestamp: origin.baseTimestamp,
      timestampDelta: origin.timestampDelta,
      timestamp: (row) => origin.outgoingTime(origin.timestamp(row)),
    }
    const now = { baseTimestamp: BigInt(Date.now()), timestampDelta: () => 0 }
    const first = await this.#write(batch, letters)
    const left = [
      await this.#write(batch, { ...letters, rows: rowsOf(first.tooLarge), headers: original }),
      await this.#write(batch, { ...letters, ...now, rows: rowsOf(first.refused) }),
    ]
    for (const { tooLarge, refused } of left) {
      for (const row of tooLarge.keys())
        throw this.#refusal(batch, row, ' exceeds its max.message.bytes. Raise it there.')
      for (const [row, reason] of refused) throw this.#refusal(batch, row, `: ${reason}`)
    }
  }

  /** Gives the rows that were not taken, with Kafka's reasons. */
  async #write(
    batch: Batch,
    letters: OutgoingRows,
  ): Promise<{ tooLarge: Map<number, string>; refused: Map<number, string> }> {
    const left = { tooLarge: new Map<number, string>(), refused: new Map<number, string>() }
    if (letters.rows.length === 0) return left
    const partitions = await this.#client.partitionCount(this.#topic)
    if (partitions === null) {
      const message = `The dead letter topic ${this.#topic} does not exist (any more). Create it, or restart the task to have it created.`
      throw new TaskError('kafka.topic', message)
    }
    await this.#producer.send(
      this.#topic,
      batch.origin.keyless % partitions,
      letters,
      (row) => left.tooLarge.set(row, ''),
      { refused: (row, reason) => left.refused.set(row, reason) },
    )
    return left
  }

  #refusal(batch: Batch, row: number, reason: string): TaskError {
    const place = batch.origin.place(row)
    const message = `Dead letter topic ${this.#topic} does not take the dead letter of ${place}${reason}`
    return new TaskError('record.too-large', message)
  }

  #headers(batch: Batch, { row, error, stage, plugin }: Failure): Header[] {
    const original = batch.origin.headers(row).filter(({ key }) => !key.startsWith(PREFIX))
    const { topic, partition, offset } = batch.origin.coordinates(row)
    const context: Record<string, string> = {
      topic,
      partition: String(partition),
      offset,
      'connector.name': this.#task.id.connector,
      'task.id': String(this.#task.id.task),
      stage,
      'class.name': plugin,
      'exception.class.name': error.name,
      'exception.message': withoutCredentials(error.message),
      'exception.stacktrace': traceOf(error),
    }
    return [
      ...original,
      ...Object.entries(context).map(([key, value]) => ({ key: PREFIX + key, value: Buffer.from(value) })),
    ]
  }
}

function rowsOf(left: ReadonlyMap<number, string>): Int32Array {
  return Int32Array.from(left.keys())
}
