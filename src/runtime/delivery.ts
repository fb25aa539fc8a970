import type { KafkaClient } from '../kafka/client.ts'
import { partitionForKey } from '../kafka/produce/partitioner.ts'
import type { OutgoingRows, Producer } from '../kafka/produce/produce.ts'
import type { EncodedRows, Outside } from '../api/converter.ts'
import { DataError, TaskError } from '../api/errors.ts'
import type { EmitOptions } from '../api/plugins.ts'
import { extendedRows } from './added-headers.ts'
import type { Batch } from './batch.ts'
import { headerRows, rawRows } from './raw-rows.ts'
import { topicRefusal } from './written-topics.ts'
import type { NamedConverter, TaskConverters } from './task-converters.ts'

/** Rows that a sink handed over, still as data. */
export interface Emission {
  readonly batch: Batch
  readonly options: EmitOptions
}

/** Encoded rows on their way to one partition. */
interface Parcel {
  readonly batch: Batch
  readonly topic: string
  readonly partition: number
  readonly outgoing: OutgoingRows
}

export interface DeliveryParts {
  readonly client: KafkaClient
  readonly producer: Producer
  readonly converters: TaskConverters
  /** Nothing is written to these. */
  readonly workerTopics: readonly string[]
  readonly outside: Outside
}

/**
 * At-least-once delivery of what sinks emit: rows are encoded by topic, put into record batches by partition, and
 * sent by an idempotent producer. Exactly-once will be a second implementation of the same two steps.
 */
export class Delivery {
  readonly #parts: DeliveryParts

  constructor(parts: DeliveryParts) {
    this.#parts = parts
  }

  /** Encodes the live rows of an emission. Rows that cannot be encoded fail; nothing is sent yet. */
  async encode({ batch, options }: Emission): Promise<Parcel[]> {
    const { converters, workerTopics } = this.#parts
    const { key, value } = options.converters === 'own' ? converters : converters.target
    const topicOf = options.topic ?? ((row: number) => batch.topic(row))
    const parcels: Parcel[] = []
    for (const [topic, rows] of groupRows(batch.states.liveRows(), topicOf)) {
      const refusal = topicRefusal(topic, workerTopics)
      if (refusal !== undefined) {
        batch.states.enter('KAFKA_PRODUCE', 'Producer')
        for (const row of rows) batch.fail(row, new DataError('record.refused', refusal))
        continue
      }
      const keys = await encodeSide(batch, 'key', key, topic, rows)
      const values = await encodeSide(batch, 'value', value, topic, rows)
      const live = rows.filter((row) => batch.isLive(row))
      const partitionOf = await this.#partitioner(batch, options, topic, keys)
      for (const [partition, partitionRows] of groupRows(live, partitionOf)) {
        parcels.push({ batch, topic, partition, outgoing: outgoing(batch, partitionRows, keys, values) })
      }
    }
    return parcels
  }

  /**
   * Sends encoded rows. Invariant 1: it resolves when the broker has acknowledged all of them. Rows above the
   * target's max.message.bytes, and rows that Kafka refuses for what they are, fail instead.
   */
  async send(parcels: readonly Parcel[]): Promise<void> {
    await Promise.all(
      parcels.map(({ batch, topic, partition, outgoing }) => {
        const fail = (row: number, error: DataError): void => {
          batch.states.enter('KAFKA_PRODUCE', 'Producer')
          batch.fail(row, error)
        }
        const tooLarge = (row: number, size: number): void => {
          const message = `The record has ${size} bytes, more than max.message.bytes of topic ${topic} allows.`
          fail(row, new DataError('record.too-large', message))
        }
        const refused = (row: number, reason: string): void => {
          fail(row, new DataError('record.refused', `Topic ${topic} does not take the record: ${reason}`))
        }
        return this.#parts.producer.send(topic, partition, outgoing, tooLarge, refused)
      }),
    )
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

export type { Parcel }
