import type { Logger } from '../../api/log.ts'
import { type ConnectError, FencedError, UnavailableError } from '../../api/errors.ts'
import type { TopicPartition } from '../admin.ts'
import type { KafkaClient } from '../client.ts'
import type { CommitSeat, OffsetToCommit } from '../groups/offsets.ts'
import { retrying } from '../retry.ts'
import { connectErrorOf, Unanswered } from './coordinator-requests.ts'
import { PartitionJoiner } from './partition-joiner.ts'
import type { EndAnswer } from './transaction-api.ts'
import { mustInit, transactionError } from './transaction-errors.ts'
import { offsetsRefusal, sendOffsets } from './transaction-offsets.ts'
import { endingIs, TransactionRequests, type TransactionRequestsOptions } from './transaction-requests.ts'
import { TransactionScope } from './transaction-scope.ts'

export interface TransactionsOptions extends TransactionRequestsOptions {
  readonly log: Logger
  /** How long the end of a transaction is tried. */
  readonly deliveryTimeoutMs: number
  /** Nothing can be written any more: told with the reason that whoever waits is to be given. */
  readonly onFailure: (reason: ConnectError) => void
}

const INVALID_TXN_STATE = 48
/** INVALID_PRODUCER_EPOCH, PRODUCER_FENCED. */
const PRODUCER_FENCED: readonly number[] = [47, 90]
const TRANSACTION_ABORTABLE = 120
/** What leaves a transaction open, to be tried again or not. */
const LEFT_OPEN: readonly string[] = ['kafka.rebalancing', 'kafka.topic']
const OFFSETS_WITHIN_MS = 10_000
const CLOSE_WITHIN_MS = 2000

/** The transactions of one transactional id, without what is written in them. */
export class Transactions {
  readonly scope: TransactionScope
  readonly #client: KafkaClient
  readonly #options: TransactionsOptions
  readonly #requests: TransactionRequests
  /** The groups that are part of the transaction (v1). */
  readonly #groups = new Set<string>()

  constructor(client: KafkaClient, options: TransactionsOptions) {
    this.#client = client
    this.#options = options
    this.#requests = new TransactionRequests(client, options)
    const joiner = new PartitionJoiner((partitions) => this.#addPartitions(partitions))
    this.scope = new TransactionScope(options.transactionalId, (lane) => joiner.join(lane), options.onFailure)
  }

  /** Takes the transactional id; a transaction that was open under it is aborted. Nothing may be under way. */
  async init(): Promise<void> {
    const { deliveryTimeoutMs } = this.#options
    const deadline = this.#deadline()
    const protocol = await retrying(deliveryTimeoutMs, () => this.#requests.protocol())
    const identity = await this.#requests.init(deadline, null)
    this.#groups.clear()
    this.scope.start(identity, protocol)
  }

  /** Makes offsets of a group part of the transaction, which it begins where none is open. */
  async commitOffsets(
    groupId: string,
    seat: CommitSeat | null,
    offsets: readonly OffsetToCommit[],
  ): Promise<void> {
    const { scope } = this
    scope.opened()
    const deadline = performance.now() + Math.min(OFFSETS_WITHIN_MS, this.#options.deliveryTimeoutMs)
    try {
      await this.#addGroup(groupId, deadline)
      const commit = { groupId, seat, offsets, deadline }
      const answer = await sendOffsets(this.#client, this.#options, scope, commit)
      if (answer.some(({ error }) => error === 0)) scope.hasContent = true
      const refusal = offsetsRefusal(groupId, seat, answer)
      if (refusal === null) return
      const { code, error } = refusal
      if (error.retriable && LEFT_OPEN.includes(error.code)) throw new LeftOpen(error)
      // The member is fenced, not the producer.
      if (error instanceof FencedError && !PRODUCER_FENCED.includes(code)) scope.end('failed', error)
      throw error
    } catch (error) {
      if (error instanceof LeftOpen) throw error.error
      const failure = connectErrorOf(error, `Committing offsets of group ${groupId}`)
      scope.fail(failure)
      throw failure
    }
  }

  /** Commits what is open. All that was sent must have been acknowledged. */
  async commit(): Promise<void> {
    const { scope } = this
    scope.requireUsable()
    if (!scope.isBegun) return
    if (!scope.hasContent) return this.abort()
    const deadline = this.#deadline()
    const { answer, wasInDoubt } = await this.#end(true, deadline)
    if (answer.error !== 0) throw this.#commitRefused(answer.error, wasInDoubt)
    try {
      // A copy that is still on its way must not end the next transaction.
      await this.#next(answer, wasInDoubt, deadline)
    } catch (error) {
      this.#options.log.warn(`Committed, but ${connectErrorOf(error, 'the producer').message}`)
    }
  }

  /** Aborts what is open, or failed. Nothing may be under way. */
  async abort(): Promise<void> {
    const { scope } = this
    if (!scope.isBegun) {
      scope.ended()
      return
    }
    const deadline = this.#deadline()
    const { answer } = await this.#end(false, deadline)
    const { error: code } = answer
    const isOver = code === 0 || (code === INVALID_TXN_STATE && scope.protocol === 'v1')
    if (!isOver) throw this.#ended(code, endingIs(false))
    // What is still on its way must not become part of the next transaction.
    await this.#next(answer, true, deadline)
  }

  /** Writes nothing more, and aborts what is open where the coordinator answers soon. */
  async close(reason: ConnectError): Promise<void> {
    const { scope } = this
    const isOpen = scope.isBegun && (scope.state === 'open' || scope.state === 'failed')
    scope.end('closed', reason)
    if (isOpen) await this.#requests.abortOnce(scope.who, scope.protocol, CLOSE_WITHIN_MS)
    await this.#client.disconnect(this.#options.purpose)
  }

  async #addPartitions(partitions: readonly TopicPartition[]): Promise<void> {
    this.scope.opened()
    try {
      await this.#requests.addPartitions(this.scope.who, partitions, this.#deadline())
    } catch (error) {
      if (error instanceof Unanswered) throw this.scope.fail(error.error)
      throw error
    }
  }

  async #addGroup(groupId: string, deadline: number): Promise<void> {
    if (this.scope.protocol === 'v2' || this.#groups.has(groupId)) return
    await this.#requests.addOffsets(this.scope.who, groupId, deadline)
    this.#groups.add(groupId)
  }

  /** EndTxn, answered. */
  async #end(commit: boolean, deadline: number) {
    const { scope } = this
    try {
      return await this.#requests.end(scope.who, scope.protocol, commit, deadline)
    } catch (error) {
      const failure = connectErrorOf(error, endingIs(commit))
      if (!(error instanceof Unanswered)) {
        scope.fail(failure) // it is open still
        throw failure
      }
      throw scope.end('new', mustInit(`${failure.message}. What came of it is not known`, failure))
    }
  }

  #commitRefused(code: number, wasInDoubt: boolean): ConnectError {
    const what = endingIs(true)
    if (code === TRANSACTION_ABORTABLE && !wasInDoubt) return this.scope.fail(transactionError(code, what))
    return this.#ended(code, what)
  }

  /** The error of an answer after which the transaction is over, one way or the other. */
  #ended(code: number, what: string): ConnectError {
    const error = transactionError(code, what)
    if (error instanceof FencedError) return this.scope.end('fenced', error)
    if (error instanceof UnavailableError) return this.scope.end('new', mustInit(error.message, error))
    this.scope.end('new', error)
    return error
  }

  /** The transaction is over; `renew`: what is late of it has to be fenced, where its end has not done so. */
  async #next({ next }: EndAnswer, renew: boolean, deadline: number): Promise<void> {
    const { scope } = this
    this.#groups.clear()
    if (next !== null) scope.start(next)
    else if (renew) scope.start(await this.#renewed(deadline))
    else scope.ended()
  }

  async #renewed(deadline: number) {
    try {
      return await this.#requests.init(deadline, this.scope.who)
    } catch (error) {
      const failure = connectErrorOf(error, 'Taking a new epoch')
      if (failure instanceof FencedError) throw this.scope.end('fenced', failure)
      throw this.scope.end('new', mustInit(failure.message, failure))
    }
  }

  #deadline(): number {
    return performance.now() + this.#options.deliveryTimeoutMs
  }
}

/** An error that leaves the transaction as it is. */
class LeftOpen extends Error {
  readonly error: ConnectError

  constructor(error: ConnectError) {
    super(error.message)
    this.error = error
  }
}
