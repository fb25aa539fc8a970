import { DataError } from '../../api/errors.ts'
import type { Producer } from '../../kafka/produce/produce.ts'
import { failAtProducer, type ProducerBatch } from './encoder.ts'

/**
 * How encoded rows get to Kafka, and what a task has done with it. Tasks know these two steps alone; `Progress` is what
 * they commit: offsets of a group, or of source partitions.
 */
export interface Delivery<Progress> {
  /**
   * Sends encoded rows. Invariant 1: it resolves when the broker has acknowledged all of them. Rows that Kafka refuses
   * for what they are fail instead.
   */
  send(producerBatches: readonly ProducerBatch[]): Promise<void>
  /** Makes durable how far the task has come. Only for what was sent before. */
  commit(progress: Progress): Promise<void>
}

export interface AtLeastOnceParts<Progress> {
  /** Idempotent. */
  readonly producer: Pick<Producer, 'sendEncoded'>
  /** Whether records that fail are tolerated: else nothing is sent that is behind one in its partition that Kafka refuses. */
  readonly tolerant: boolean
  readonly commit: (progress: Progress) => Promise<void>
}

/** Sends, and commits afterwards: what was sent and not committed is sent again after a failure. */
export class AtLeastOnceDelivery<Progress> implements Delivery<Progress> {
  readonly #parts: AtLeastOnceParts<Progress>

  constructor(parts: AtLeastOnceParts<Progress>) {
    this.#parts = parts
  }

  async send(producerBatches: readonly ProducerBatch[]): Promise<void> {
    const { producer, tolerant } = this.#parts
    await Promise.all(
      producerBatches.map(({ batch, topic, partition, batches }) => {
        const refused = (row: number, reason: string): void => {
          const message = `Topic ${topic} does not take the record: ${reason}`
          failAtProducer(batch, row, new DataError('record.refused', message))
        }
        return producer.sendEncoded(topic, partition, batches, { refused, stopsAtRefused: !tolerant })
      }),
    )
  }

  commit(progress: Progress): Promise<void> {
    return this.#parts.commit(progress)
  }
}
