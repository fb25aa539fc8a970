import { DataError } from '../../api/errors.ts'
import type { BatchWriter } from '../../kafka/transactions/transactional-producer.ts'
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

/** The transactions of a delivery that has some: what was sent and what is committed become visible together, or never. */
export interface Transactions {
  /** Something was sent and is not committed, or what came of a commit is not known. */
  readonly isOpen: boolean
  /**
   * Before committed offsets are read. Afterwards nothing of an earlier owner of the transactional id can change them.
   * @throws UnavailableError where Kafka cannot say for now, FencedError
   */
  begin(): Promise<void>
  /** Ends what is open as if nothing had been sent: what is on its way fails, and nothing is sent before `begin`. */
  abort(): Promise<void>
}

export interface AtLeastOnceParts<Progress> {
  /** Idempotent. */
  readonly producer: Pick<BatchWriter, 'sendEncoded'>
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

  send(producerBatches: readonly ProducerBatch[]): Promise<void> {
    return sendAll(producerBatches, this.#parts)
  }

  commit(progress: Progress): Promise<void> {
    return this.#parts.commit(progress)
  }
}

/** Resolves when the broker has acknowledged all batches; rows that it refuses for what they are fail. */
export async function sendAll(
  producerBatches: readonly ProducerBatch[],
  { producer, tolerant }: Omit<AtLeastOnceParts<never>, 'commit'>,
): Promise<void> {
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
