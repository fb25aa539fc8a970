import type { ConnectError } from '../api/errors.ts'
import { DataError } from '../api/errors.ts'
import type { EncodedRows } from '../api/converter.ts'
import type { Schema } from '../api/schema.ts'
import { avroConverter } from '../converters/avro/plugin.ts'
import { recordsSide } from '../converters/records-side.ts'
import { partitionForKey } from '../kafka/produce/partitioner.ts'
import type { Producer } from '../kafka/produce/produce.ts'
import { NO_HEADERS } from '../kafka/record-batches/headers.ts'
import type { Converter } from '../api/converter.ts'
import { commandLog } from './command-client.ts'
import type { LineRecord } from './produce-lines.ts'

export interface WriterOptions {
  readonly topic: string
  readonly partitions: number
  /** Null where values are sent as they are. */
  readonly schema: Schema | null
  readonly registry: string
}

export interface FailedRow {
  readonly row: number
  readonly error: ConnectError
}

/** Writes records to a topic: by their key as Kafka's own producer does, without one in turn to all partitions. */
export class RecordWriter {
  readonly #producer: Producer
  readonly #options: WriterOptions
  readonly #converter: Converter | null
  #turn = 0
  /** How many are durable. */
  written = 0

  constructor(producer: Producer, options: WriterOptions) {
    this.#producer = producer
    this.#options = options
    const config = avroConverter.config.read({ 'schema.registry.url': options.registry, 'max.retries': '1' })
    this.#converter =
      options.schema === null ? null : avroConverter.open(config, { side: 'value', log: commandLog() })
  }

  /** Sends records and waits until they are durable; what cannot be sent ends it, with the records before it sent. */
  async write(records: readonly LineRecord[]): Promise<FailedRow | undefined> {
    const { values, failed } = await this.#encode(records)
    const end = failed?.row ?? records.length
    const keys = bufferRows(records.map(({ key }) => key))
    const headers = bufferRows(records.map(() => NO_HEADERS))
    const refused: FailedRow[] = []
    const rows = Array.from({ length: end }, (_, row) => row)
    const byPartition = Map.groupBy(rows, (row) => this.#partition(records[row]!.key))
    const baseTimestamp = BigInt(Date.now())
    const sends = [...byPartition].map(([partition, rowsOfOne]) => {
      const outgoing = { rows: Int32Array.from(rowsOfOne), keys, values, headers, baseTimestamp }
      return this.#producer.send(
        this.#options.topic,
        partition,
        { ...outgoing, timestampDelta: () => 0 },
        (row, size) => refused.push({ row, error: tooLarge(this.#options.topic, size) }),
        { refused: (row, reason) => refused.push({ row, error: new DataError('record.refused', reason) }) },
      )
    })
    await Promise.all(sends)
    this.written += end - refused.length
    return refused.toSorted((a, b) => a.row - b.row)[0] ?? failed
  }

  #partition(key: Buffer | null): number {
    const { partitions } = this.#options
    return key === null ? this.#turn++ % partitions : partitionForKey(key, partitions)
  }

  async #encode(records: readonly LineRecord[]): Promise<{ values: EncodedRows; failed?: FailedRow }> {
    const { topic, schema } = this.#options
    if (this.#converter === null)
      return { values: bufferRows(records.map(({ value }) => value as Buffer | null)) }
    const side = recordsSide(
      records.map(({ value }) => (value === null ? null : schema)),
      records.map(({ value }) => value),
    )
    const failures: FailedRow[] = []
    const rows = Int32Array.from(records.keys())
    const values = await this.#converter.encode(topic, side, rows, (row, error) =>
      failures.push({ row, error }),
    )
    const failed = failures.toSorted((a, b) => a.row - b.row)[0]
    return { values, ...(failed === undefined ? {} : { failed }) }
  }
}

function bufferRows(buffers: readonly (Buffer | null)[]): EncodedRows {
  return {
    size: (row) => buffers[row]?.length ?? -1,
    write: (row, target, at) => at + (buffers[row]?.copy(target, at) ?? 0),
  }
}

function tooLarge(topic: string, size: number): DataError {
  return new DataError(
    'record.too-large',
    `The record has ${size} bytes, more than max.message.bytes of topic ${topic} allows.`,
  )
}
