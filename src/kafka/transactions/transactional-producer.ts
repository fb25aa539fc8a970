import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../api/log.ts'
import { UnavailableError } from '../../api/errors.ts'
import type { KafkaClient } from '../client.ts'
import { kafkaError } from '../errors.ts'
import type { CommitSeat, OffsetToCommit } from '../groups/offsets.ts'
import type { RefusalOptions } from '../produce/produce-lane.ts'
import { type EncodedBatch, type OutgoingRows, Producer } from '../produce/produce.ts'
import type { Compression } from '../record-batches/compression.ts'
import { mustInit } from './transaction-errors.ts'
import type { TransactionState } from './transaction-scope.ts'
import { Transactions } from './transactions.ts'

export type { TransactionState } from './transaction-scope.ts'

export interface TransactionalProducerOptions {
  readonly transactionalId: string
  /** How long a transaction may stay open before the broker aborts it and fences this producer (milliseconds). */
  readonly transactionTimeoutMs: number
  readonly log: Logger
  /** Default none. */
  readonly compression?: Compression
  /** How long a batch, and the end of a transaction, is tried. Default 120,000. */
  readonly deliveryTimeoutMs?: number
  /** How long a coordinator's answer is waited for. Default 30,000. */
  readonly requestTimeoutMs?: number
  /** Told at each try that finds no such topic, or not that partition of it; it is tried again all the same. */
  readonly missing?: (topic: string) => void
}

const CLOSE_WITHIN_MS = 2000

/** What writes batches: both kinds of producer. */
export type BatchWriter = Pick<
  Producer,
  'encode' | 'cachedMaxMessageBytes' | 'maxMessageBytes' | 'send' | 'sendEncoded'
>

/**
 * A producer whose writes and group offsets are committed together, or never seen by who reads `read_committed` (KIP-98,
 * KIP-447, KIP-890). The first write begins a transaction. Where an answer does not come, the transaction can only be
 * aborted (state `failed`); where that leaves open whether it was committed, the producer has to be initialised, and the
 * committed offsets read again (state `new`). All methods throw FencedError where another producer has the transactional id.
 */
export class TransactionalProducer implements BatchWriter {
  readonly encode: BatchWriter['encode'] = (...given) => this.#producer.encode(...given)
  readonly cachedMaxMessageBytes: BatchWriter['cachedMaxMessageBytes'] = (topic) =>
    this.#producer.cachedMaxMessageBytes(topic)
  readonly maxMessageBytes: BatchWriter['maxMessageBytes'] = (topic) => this.#producer.maxMessageBytes(topic)
  readonly #transactions: Transactions
  readonly #producer: Producer
  /** Writes of the transaction that are neither acknowledged nor given up. */
  readonly #writing = new Set<Promise<void>>()
  /** A transaction is being ended, or the producer initialised. */
  #ending: Promise<void> | null = null
  /** Writes wait: they are for the next transaction. */
  #isCommitting = false
  /** The coordinator is being told to commit. */
  #isPastAborting = false

  constructor(client: KafkaClient, options: TransactionalProducerOptions) {
    const { transactionalId, transactionTimeoutMs, log } = options
    const { deliveryTimeoutMs = 120_000, requestTimeoutMs = 30_000 } = options
    this.#transactions = new Transactions(client, {
      transactionalId,
      transactionTimeoutMs,
      log,
      deliveryTimeoutMs,
      requestTimeoutMs,
      purpose: `transactions ${transactionalId}`,
      onFailure: (reason) => {
        this.#producer.failAll(reason)
      },
    })
    this.#producer = new Producer(client, options, this.#transactions.scope)
  }

  get state(): TransactionState {
    return this.#transactions.scope.state
  }

  /**
   * Takes the transactional id: older producers of it are fenced, and a transaction that they left open is aborted or, where
   * its commit had begun, committed before this resolves. Offsets that are read afterwards are final.
   */
  init(): Promise<void> {
    return this.#inTurn(async () => {
      this.#transactions.scope.end('new', mustInit('The producer is not initialised yet'))
      await this.#producer.idle()
      await this.#transactions.init()
    })
  }

  /** As `Producer.send`, in the transaction: see `sendEncoded`. */
  async send(
    topic: string,
    partition: number,
    outgoing: OutgoingRows,
    tooLarge: (row: number, size: number) => void,
    options: RefusalOptions = {},
  ): Promise<void> {
    await this.#write(async (requireOpen) => {
      const limit = this.cachedMaxMessageBytes(topic) ?? (await this.#limitOf(topic))
      requireOpen()
      await this.#producer.sendEncoded(topic, partition, this.encode(outgoing, limit, tooLarge), options)
    })
  }

  /**
   * As `Producer.sendEncoded`, in the transaction. Where it throws, the transaction can only be aborted, but for what is not
   * sent because Kafka refused a record before it (`stopsAtRefused`). What is sent while a commit is under way waits for it,
   * and belongs to the next transaction.
   */
  async sendEncoded(
    topic: string,
    partition: number,
    batches: readonly EncodedBatch[],
    options: RefusalOptions = {},
  ): Promise<void> {
    await this.#write(() => this.#producer.sendEncoded(topic, partition, batches, options))
  }

  /**
   * Makes offsets of a group part of the transaction, as a member of it (`seat`) or as nobody (null, of a group that has no
   * members). FencedError where the member was replaced. `kafka.rebalancing` and `kafka.topic` leave the transaction open, to
   * be tried again or not; after any other error it can only be aborted.
   */
  async commitOffsets(
    groupId: string,
    seat: CommitSeat | null,
    offsets: readonly OffsetToCommit[],
  ): Promise<void> {
    if (offsets.length === 0) return
    await this.#write(() => this.#transactions.commitOffsets(groupId, seat, offsets))
  }

  /**
   * Commits what was sent, when all of it is acknowledged; a transaction without a write is no request. UnavailableError and
   * state `failed`: it is not committed, abort. UnavailableError and state `new`: what came of it is not known, call `init`
   * and read the committed offsets again.
   */
  commit(): Promise<void> {
    return this.#inTurn(async () => {
      this.#isCommitting = true
      try {
        await Promise.allSettled(this.#writing)
        this.#isPastAborting = true
        await this.#transactions.commit()
      } finally {
        this.#isCommitting = false
        this.#isPastAborting = false
      }
    })
  }

  /**
   * Ends the transaction as if nothing had been written; what was sent and not acknowledged fails. Afterwards the producer
   * can be used again. Not where the state is `new`, `fenced` or `closed`: it throws the reason.
   */
  async abort(): Promise<void> {
    const { scope } = this.#transactions
    const hasWrites = scope.state === 'open' || (scope.state === 'ready' && this.#writing.size > 0)
    if (hasWrites && !this.#isPastAborting)
      scope.end('failed', new UnavailableError('kafka.unavailable', 'The transaction was aborted'))
    await this.#inTurn(async () => {
      if (scope.state !== 'failed') {
        scope.requireUsable()
        if (scope.state === 'ready') return
      }
      await Promise.allSettled(this.#writing)
      await this.#producer.idle()
      await this.#transactions.abort()
    })
  }

  /** Gives up what was not acknowledged, and aborts what is open, where the coordinator answers soon. */
  async close(): Promise<void> {
    await this.#producer.close()
    await Promise.race([this.#producer.idle(), sleep(CLOSE_WITHIN_MS, undefined, { ref: false })])
    await this.#transactions.close(new UnavailableError('kafka.unavailable', 'The producer was closed'))
  }

  /** Part of the transaction from its call on, or of the next one where a commit is under way. */
  async #write(work: (requireOpen: () => void) => Promise<void>): Promise<void> {
    while (this.#isCommitting) await this.#ending?.catch(() => undefined)
    const { scope } = this.#transactions
    scope.requireUsable()
    const writing = work(() => {
      scope.requireUsable()
    })
    this.#writing.add(writing)
    try {
      await writing
    } finally {
      this.#writing.delete(writing)
    }
  }

  async #limitOf(topic: string): Promise<number> {
    try {
      return await this.maxMessageBytes(topic)
    } catch (error) {
      const failure = kafkaError(error, `Looking up max.message.bytes of ${topic}`)
      this.#transactions.scope.fail(failure)
      throw failure
    }
  }

  /** One after the other. */
  async #inTurn(work: () => Promise<void>): Promise<void> {
    while (this.#ending !== null) await this.#ending.catch(() => undefined)
    this.#ending = work()
    try {
      await this.#ending
    } finally {
      this.#ending = null
    }
  }
}
