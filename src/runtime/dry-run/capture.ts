import { DEFAULT_MAX_MESSAGE_BYTES } from '../../kafka/produce/produce.ts'
import { encodeBatches } from '../../kafka/record-batches/record-batch-encode.ts'
import type { FetchedBatch } from '../../kafka/record-batches/records.ts'
import type { AtLeastOnceParts } from '../delivery/delivery.ts'
import type { EncoderParts } from '../delivery/encoder.ts'
import { fetchedFrom, NextOffsets } from './dry-batches.ts'

/** One record that would have been written: a row of the batch that a consumer would get. */
export interface Written {
  /** Of the batch that the connector was given. */
  readonly row: number
  readonly batch: FetchedBatch
  /** Its place in that. */
  readonly at: number
}

/**
 * Stands where Kafka would be: keeps the record batches that delivery sends, as a consumer would read them. Every topic
 * is there, with as many partitions as the records have come from, and Kafka's default of `max.message.bytes`.
 */
export class Capture {
  #partitions = 1
  #written: Written[] = []
  readonly #offsets = new NextOffsets()

  readonly client: EncoderParts['client'] = {
    cachedPartitionCount: () => this.#partitions,
    partitionCount: () => Promise.resolve(this.#partitions),
  }

  readonly producer: EncoderParts['producer'] & AtLeastOnceParts<never>['producer'] = {
    encode: (outgoing, maxMessageBytes, tooLarge) =>
      encodeBatches(outgoing, maxMessageBytes, 'none', tooLarge),
    cachedMaxMessageBytes: () => DEFAULT_MAX_MESSAGE_BYTES,
    maxMessageBytes: () => Promise.resolve(DEFAULT_MAX_MESSAGE_BYTES),
    sendEncoded: (topic, partition, batches) => {
      for (const encoded of batches) {
        const place = { topic, partition }
        const batch = fetchedFrom(place, encoded, this.#offsets.at(place))
        this.#offsets.set(place, batch.nextOffset)
        for (const [at, row] of encoded.rows.entries()) this.#written.push({ row, batch, at })
      }
      return Promise.resolve()
    },
  }

  /** Records come from this partition, or are to go to it. */
  sees(partition: number): void {
    this.#partitions = Math.max(this.#partitions, partition + 1)
  }

  /** What was written since the last call, in the order of the rows. */
  take(): readonly Written[] {
    const written = this.#written
    this.#written = []
    return written.toSorted((a, b) => a.row - b.row)
  }
}
