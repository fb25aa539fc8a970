import { createTopic } from '../kafka/admin.ts'
import type { KafkaClient } from '../kafka/client.ts'
import { decodeHeaders } from '../kafka/headers.ts'
import type { Producer } from '../kafka/produce.ts'
import { timestampOf } from '../kafka/records.ts'
import { type Header, TaskError } from '../index.ts'
import type { Batch } from './batch.ts'
import type { SinkConfig } from './connector-keys.ts'
import type { TaskId } from './protocol.ts'
import { headerRows, rawRows } from './raw-rows.ts'
import type { Failure } from './row-states.ts'

const PREFIX = '__connect.errors.'

/**
 * Writes failed records to the dead letter topic: the original bytes, headers and timestamp, and where asked the ten
 * headers `__connect.errors.*` of Kafka Connect (KIP-298). Incoming headers of that prefix are never believed and
 * are left out, so that a forged one cannot pass for ours.
 */
export class DeadLetters {
  readonly #client: KafkaClient
  readonly #producer: Producer
  readonly #topic: string
  readonly #context: boolean
  readonly #id: TaskId

  private constructor(client: KafkaClient, producer: Producer, config: SinkConfig, id: TaskId) {
    this.#client = client
    this.#producer = producer
    this.#topic = config['errors.deadletterqueue.topic.name']
    this.#context = config['errors.deadletterqueue.context.headers.enable']
    this.#id = id
  }

  /** Creates the topic with one partition where it is missing. Undefined where no topic is configured. */
  static async open(
    client: KafkaClient,
    producer: Producer,
    config: SinkConfig,
    id: TaskId,
  ): Promise<DeadLetters | undefined> {
    const topic = config['errors.deadletterqueue.topic.name']
    if (topic === '') return undefined
    const replicationFactor = config['errors.deadletterqueue.topic.replication.factor']
    if ((await client.partitionCount(topic)) === null)
      await createTopic(client, { topic, partitions: 1, replicationFactor })
    return new DeadLetters(client, producer, config, id)
  }

  /** Resolves when all of them are durable. A record too large for the dead letter topic fails the task. */
  async send(batch: Batch, failures: readonly Failure[]): Promise<void> {
    if (failures.length === 0) return
    const { fetched } = batch
    const byRow = new Map(failures.map((failure) => [failure.row, failure]))
    const partitions = (await this.#client.partitionCount(this.#topic)) ?? 1
    const tooLarge: number[] = []
    await this.#producer.send(
      this.#topic,
      batch.sourcePartition % partitions,
      {
        rows: Int32Array.from(byRow.keys()),
        keys: rawRows(fetched.keys),
        values: rawRows(fetched.values),
        headers: this.#context
          ? headerRows((row) => this.#headers(batch, byRow.get(row)!))
          : rawRows(fetched.headers),
        baseTimestamp: fetched.baseTimestamp,
        timestampDelta: (row) => fetched.timestampDeltas[row]!,
        timestamp: (row) => timestampOf(fetched, row),
      },
      (row) => tooLarge.push(row),
    )
    if (tooLarge.length > 0) throw this.#tooLarge(batch, tooLarge)
  }

  #tooLarge(batch: Batch, rows: readonly number[]): TaskError {
    const offsets = rows.map((row) => String(batch.sourceOffset(row))).join(', ')
    return new TaskError(
      'record.too-large',
      `Dead letters of ${batch.sourceTopic}-${batch.sourcePartition} at offset ${offsets} exceed max.message.bytes of ${this.#topic}. Raise it there.`,
    )
  }

  #headers(batch: Batch, { row, error, stage, plugin }: Failure): Header[] {
    const { bytes, start, end } = batch.fetched.headers
    const original = decodeHeaders(bytes, start[row]!, end[row]!).filter(({ key }) => !key.startsWith(PREFIX))
    const context: Record<string, string> = {
      topic: batch.sourceTopic,
      partition: String(batch.sourcePartition),
      offset: String(batch.sourceOffset(row)),
      'connector.name': this.#id.connector,
      'task.id': String(this.#id.task),
      stage,
      'class.name': plugin,
      'exception.class.name': error.name,
      'exception.message': error.message,
      'exception.stacktrace': error.stack ?? error.message,
    }
    return [
      ...original,
      ...Object.entries(context).map(([key, value]) => ({ key: PREFIX + key, value: Buffer.from(value) })),
    ]
  }
}
