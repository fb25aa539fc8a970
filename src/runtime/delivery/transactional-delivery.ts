import { messageOf, UnavailableError } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import type { BatchWriter, TransactionalProducer } from '../../kafka/transactions/transactional-producer.ts'
import type { Membership } from '../host/protocol.ts'
import type { PartitionOffset } from '../sink/positions.ts'
import { type Delivery, sendAll, type Transactions } from './delivery.ts'
import type { ProducerBatch } from './encoder.ts'

/** What a sink task commits. */
export interface GroupProgress {
  readonly membership: Membership
  readonly offsets: readonly PartitionOffset[]
}

export interface TransactionalParts {
  readonly producer: TransactionalProducer
  /** As in AtLeastOnceParts. */
  readonly tolerant: boolean
  readonly log: Logger
}

/**
 * Exactly once, from Kafka to Kafka: what a sink emits, its dead letters and the offsets of its group are one transaction
 * (KIP-98). The offsets carry member and generation, so that of a member that was replaced nothing counts (KIP-447).
 */
export class TransactionalDelivery implements Delivery<GroupProgress>, Transactions {
  readonly #parts: TransactionalParts
  /** Whether something may be sent: not between `abort` and the next `begin`, so that no straggler joins what comes next. */
  #begun = false
  /** For all that belongs to the transaction: dead letters too. */
  readonly writer: BatchWriter

  constructor(parts: TransactionalParts) {
    this.#parts = parts
    const { producer } = parts
    this.writer = {
      encode: (...given) => producer.encode(...given),
      cachedMaxMessageBytes: (topic) => producer.cachedMaxMessageBytes(topic),
      maxMessageBytes: (topic) => producer.maxMessageBytes(topic),
      send: async (...given) => {
        this.#requireBegun()
        return producer.send(...given)
      },
      sendEncoded: async (...given) => {
        this.#requireBegun()
        return producer.sendEncoded(...given)
      },
    }
  }

  get isOpen(): boolean {
    return this.#begun && !this.#isIn('ready')
  }

  async begin(): Promise<void> {
    if (this.#begun) return
    const { producer } = this.#parts
    if (this.#isIn('open', 'failed')) await producer.abort()
    if (!this.#isIn('ready')) await producer.init()
    this.#begun = true
  }

  send(producerBatches: readonly ProducerBatch[]): Promise<void> {
    return sendAll(producerBatches, { producer: this.writer, tolerant: this.#parts.tolerant })
  }

  /**
   * Commits the transaction with these offsets, which must be those of all that was sent. With `kafka.rebalancing` the
   * transaction is still open, to be committed later; after any other error nothing of it may be committed any more.
   */
  async commit({ membership, offsets }: GroupProgress): Promise<void> {
    const { producer } = this.#parts
    await producer.commitOffsets(membership.groupId, membership, offsets)
    await producer.commit()
  }

  async abort(): Promise<void> {
    this.#begun = false
    if (!this.#isIn('open', 'failed')) return
    try {
      await this.#parts.producer.abort()
    } catch (error) {
      // `begin` sees to it; at the latest the broker does, when the transaction is too old.
      this.#parts.log.warn('a transaction could not be aborted yet', { error: messageOf(error) })
    }
  }

  #isIn(...states: readonly TransactionalProducer['state'][]): boolean {
    return states.includes(this.#parts.producer.state)
  }

  #requireBegun(): void {
    if (!this.#begun) throw new UnavailableError('kafka.unavailable', 'Not sent: the transaction was aborted')
  }
}
