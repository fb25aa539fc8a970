import type { KafkaClient } from '../../kafka/client.ts'
import { partitionForKey } from '../../kafka/produce/partitioner.ts'
import type { EncodedBatch, OutgoingRows } from '../../kafka/produce/produce.ts'
import type { BatchWriter } from '../../kafka/transactions/transactional-producer.ts'
import type { EncodedRows, Outside } from '../../api/converter.ts'
import { type ConnectError, DataError, TaskError } from '../../api/errors.ts'
import type { EmitOptions } from '../../api/plugins.ts'
import { extendedRows } from '../records/added-headers.ts'
import type { Batch } from '../records/batch.ts'
import { headerRows, rawRows } from '../records/raw-rows.ts'
import { topicRefusal } from './written-topics.ts'
import type { NamedConverter, TaskConverters } from '../host/task-converters.ts'

/** Rows that a sink handed over, still as data. */
export interface Emission {
  readonly batch: Batch
  readonly options: EmitOptions
}

/** Encoded rows on their way to one partition. */
export interface ProducerBatch {
  readonly batch: Batch
  readonly topic: string
  readonly partition: number
  readonly outgoing: OutgoingRows
  readonly maxMessageBytes: number
  readonly batches: readonly EncodedBatch[]
}

export interface EncoderParts {
  readonly client: Pick<KafkaClient, 'cachedPartitionCount' | 'partitionCount'>
  readonly producer: Pick<BatchWriter, 'encode' | 'cachedMaxMessageBytes' | 'maxMessageBytes'>
  readonly converters: TaskConverters
  /** Nothing is written to these. */
  readonly workerTopics: readonly string[]
  readonly outside: Outside
}

/** Makes record batches by topic and partition of what a task emits. Nothing is sent. */
export class Encoder {
  readonly #parts: EncoderParts

  constructor(parts: EncoderParts) {
    this.#parts = parts
  }

  /**
   * Encodes the live rows of an emission. Rows that cannot be encoded, or are above the target's max.message.bytes, fail.
   */
  async encode({ batch, options }: Emission): Promise<ProducerBatch[]> {
    const { converters, workerTopics } = this.#parts
    const { key, value } = options.converters === 'own' ? converters : converters.target
    const topicOf = options.topic ?? ((row: number) => batch.topic(row))
    const producerBatches: ProducerBatch[] = []
    for (const [topic, rows] of groupRows(batch.states.liveRows(), topicOf)) {
      const refusal = topicRefusal(topic, workerTopics)
      if (refusal !== undefined) {
        for (const row of rows) failAtProducer(batch, row, new DataError('record.refused', refusal))
        continue
      }
      const keys = await encodeSide(batch, 'key', key, topic, rows)
      const values = await encodeSide(batch, 'value', value, topic, rows)
      const live = rows.filter((row) => batch.isLive(row))
      const partitionOf = await this.#partitioner(batch, options, topic, keys)
      for (const [partition, partitionRows] of groupRows(live, partitionOf)) {
        const rows = outgoing(batch, partitionRows, keys, values)
        const producerBatch = {
          batch,
          topic,
          partition,
          maxMessageBytes: await this.#limit(topic),
          outgoing: rows,
        }
        producerBatches.push({ ...producerBatch, batches: this.#encoded(producerBatch) })
      }
    }
    return producerBatches
  }

  /** What these batches have of the rows before this one. */
  before(row: number, producerBatches: readonly ProducerBatch[]): ProducerBatch[] {
    return producerBatches.map((producerBatch) => {
      const rows = producerBatch.outgoing.rows.filter((each) => each < row)
      const shorter = { ...producerBatch, outgoing: { ...producerBatch.outgoing, rows } }
      return { ...shorter, batches: this.#encoded(shorter) }
    })
  }

  #encoded({
    batch,
    topic,
    outgoing,
    maxMessageBytes,
  }: Omit<ProducerBatch, 'batches'>): readonly EncodedBatch[] {
    return this.#parts.producer.encode(outgoing, maxMessageBytes, (row, size) => {
      const message = `The record has ${size} bytes, more than max.message.bytes of topic ${topic} allows.`
      failAtProducer(batch, row, new DataError('record.too-large', message))
    })
  }

  async #limit(topic: string): Promise<number> {
    const { producer, outside } = this.#parts
    return producer.cachedMaxMessageBytes(topic) ?? (await outside(() => producer.maxMessageBytes(topic)))
  }

  async #partitioner(batch: Batch, options: EmitOptions, topic: string, keys: EncodedRows) {
    const { client, outside } = this.#parts
    const count = client.cachedPartitionCount(topic) ?? (await outside(() => client.partitionCount(topic)))
    if (count === null)
      throw new TaskError(
        'kafka.topic',
        `Topic ${topic} does not exist (any more). Create it, or restart the task to have it created.`,
      )
    const partitionOf = options.partition ?? ((row: number) => batch.partition(row))
    return (row: number): number => {
      const partition = partitionOf(row)
      if (partition < 0) return keyPartition(keys, row, count, batch.origin.keyless)
      if (partition < count) return partition
      throw new TaskError(
        'kafka.topic',
        `Topic ${topic} has ${count} partitions, but a record is to go to partition ${partition}. Add partitions, or set target.partition=key.`,
      )
    }
  }
}

export function failAtProducer(batch: Batch, row: number, error: ConnectError): void {
  batch.states.enter('KAFKA_PRODUCE', 'Producer')
  batch.fail(row, error)
}

async function encodeSide(
  batch: Batch,
  side: 'key' | 'value',
  named: NamedConverter,
  topic: string,
  rows: Int32Array,
): Promise<EncodedRows> {
  batch.states.enter(side === 'key' ? 'KEY_CONVERTER' : 'VALUE_CONVERTER', named.name)
  return named.converter.encode(topic, batch.sides[side], rows, (row, error) => batch.fail(row, error))
}

function outgoing(batch: Batch, rows: Int32Array, keys: EncodedRows, values: EncodedRows): OutgoingRows {
  const { origin, changes } = batch
  const headers = outgoingHeaders(batch)
  const timestamp = (row: number): bigint => origin.outgoingTime(batch.timestamp(row))
  const rest = { rows, keys, values, headers, timestamp }
  if (changes.timestamps === undefined) {
    const { baseTimestamp, timestampDelta } = origin
    return { ...rest, baseTimestamp, timestampDelta }
  }
  const baseTimestamp = timestamp(rows[0]!)
  return { ...rest, baseTimestamp, timestampDelta: (row) => Number(timestamp(row) - baseTimestamp) }
}

function outgoingHeaders(batch: Batch): EncodedRows {
  const { headers, added } = batch.changes
  const { rawHeaders } = batch.origin
  if (headers !== undefined || rawHeaders === null) return headerRows((row) => batch.headers(row))
  return added === undefined || added.length === 0 ? rawRows(rawHeaders) : extendedRows(rawHeaders, added)
}

/** Rows by topic or partition, in order. Nearly always there is one group, and then nothing is copied. */
function groupRows<T>(rows: Int32Array, groupOf: (row: number) => T): Map<T, Int32Array> {
  const groups = new Map<T, number[]>()
  if (rows.length === 0) return new Map()
  const first = groupOf(rows[0]!)
  if (rows.every((row) => groupOf(row) === first)) return new Map([[first, rows]])
  for (const row of rows) {
    const group = groupOf(row)
    const members = groups.get(group)
    if (members === undefined) groups.set(group, [row])
    else members.push(row)
  }
  return new Map([...groups].map(([group, members]) => [group, Int32Array.from(members)]))
}

/** As Kafka's own producer: murmur2 of the key; records without a key stay together. */
function keyPartition(keys: EncodedRows, row: number, count: number, fallback: number): number {
  const size = keys.size(row)
  if (size < 0) return fallback % count
  const key = Buffer.alloc(size)
  keys.write(row, key, 0)
  return partitionForKey(key, count)
}
