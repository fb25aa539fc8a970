import type { Connection } from '@platformatic/kafka'
import { type ConnectError, FencedError, UnavailableError } from '../../api/errors.ts'
import { chooseApi } from '../connections.ts'
import { isRetriableCode, kafkaError } from '../errors.ts'
import {
  type ProduceAnswer,
  type ProduceApi,
  produceApis,
  type ProduceEntry,
  refusal,
} from '../produce/produce-api.ts'
import type { ProduceLane, ProducerIdentity } from '../produce/produce-lane.ts'
import type { WriteScope } from '../produce/write-scope.ts'
import { PRODUCE_VERSIONS, type TransactionalIdentity } from './transaction-api.ts'
import { mustAbort, mustInit, transactionError } from './transaction-errors.ts'

/** `v1`: partitions and groups are added to a transaction before. `v2`: the broker does it, and each has an epoch (KIP-890). */
export type TransactionProtocol = 'v1' | 'v2'

/**
 * - `new`: `init` is due: it was never called, or what came of a transaction is not known.
 * - `ready`: no transaction is open; the first write begins one.
 * - `open`: a transaction is open.
 * - `failed`: it can only be aborted: `abort` is due.
 * - `fenced`: another producer has the transactional id, or the transaction took longer than it may.
 * - `closed`.
 */
export type TransactionState = 'new' | 'ready' | 'open' | 'failed' | 'fenced' | 'closed'

/** Adds a partition to the open transaction; what it throws fails it where it is Unanswered. */
export type Join = (lane: ProduceLane) => Promise<void>

const DUPLICATE_SEQUENCE = 46

/**
 * One transaction after the other, all under the producer's one identity. What is in doubt is never sent again: after an
 * answer that did not come, the transaction can only be aborted, and so nothing late of it can be part of the next one.
 */
export class TransactionScope implements WriteScope {
  readonly transactional = true
  readonly #transactionalId: string
  readonly #join: Join
  readonly #onFailure: (failure: ConnectError) => void
  #state: TransactionState = 'new'
  /** Why nothing can be written: set in every state but `ready` and `open`. */
  #failure: ConnectError | null = mustInit('The producer has no identity yet')
  #identity: ProducerIdentity = { producerId: -1n, producerEpoch: -1 }
  #protocol: TransactionProtocol = 'v1'
  #apis: readonly ProduceApi[] = []
  /** The partitions that are part of the transaction (v1). */
  readonly #joined = new Set<ProduceLane>()
  /** Whether something of the transaction may have reached the broker. */
  #isBegun = false
  /** Whether the broker has acknowledged a write of the transaction. */
  hasContent = false

  constructor(transactionalId: string, join: Join, onFailure: (failure: ConnectError) => void) {
    this.#transactionalId = transactionalId
    this.#join = join
    this.#onFailure = onFailure
  }

  get state(): TransactionState {
    return this.#state
  }

  get protocol(): TransactionProtocol {
    return this.#protocol
  }

  get who(): TransactionalIdentity {
    return { transactionalId: this.#transactionalId, ...this.#identity }
  }

  get isBegun(): boolean {
    return this.#isBegun
  }

  /** Takes a new identity, with no transaction open. */
  start(identity: ProducerIdentity, protocol = this.#protocol): void {
    this.#identity = identity
    this.#protocol = protocol
    this.#apis = produceApis(PRODUCE_VERSIONS[protocol], this.#transactionalId)
    this.ended()
  }

  /** The transaction is over, and the identity stays. */
  ended(): void {
    this.hasContent = false
    this.#isBegun = false
    this.#joined.clear()
    if (this.#state === 'closed') return
    this.#state = 'ready'
    this.#failure = null
  }

  /** @throws the reason for which nothing can be written */
  requireUsable(): void {
    if (this.#failure !== null) throw this.#failure
  }

  /** Something of the transaction may reach the broker from now on. */
  opened(): void {
    this.requireUsable()
    this.#state = 'open'
    this.#isBegun = true
  }

  /** The transaction can only be aborted; returns the reason to give. The first one stays. */
  fail(error: ConnectError): ConnectError {
    if (this.#failure !== null) return this.#failure
    return this.end(error instanceof FencedError ? 'fenced' : 'failed', mustAbort(error))
  }

  /** Nothing can be written any more, for a reason. */
  end(state: 'new' | 'failed' | 'fenced' | 'closed', reason: ConnectError): ConnectError {
    if (this.#state === 'closed') return this.#failure ?? reason
    this.#state = state
    this.#failure = reason
    this.#onFailure(reason)
    return reason
  }

  isReady(lane: ProduceLane): boolean {
    if (this.#failure !== null || lane.identity !== this.#identity) return false
    return this.#protocol === 'v2' || this.#joined.has(lane)
  }

  async prepare(lane: ProduceLane): Promise<void> {
    this.requireUsable()
    if (this.#protocol === 'v1' && !this.#joined.has(lane)) {
      await this.#join(lane)
      this.requireUsable()
      this.#joined.add(lane)
    }
    if (lane.identity !== this.#identity) lane.start(this.#identity)
  }

  async produce(connection: Connection, entries: readonly ProduceEntry[]): Promise<ProduceAnswer[]> {
    const api = chooseApi(connection, this.#apis)
    this.opened()
    try {
      const answers = await api.async(connection, entries)
      if (answers.some(({ error }) => error === 0 || error === DUPLICATE_SEQUENCE)) this.hasContent = true
      return answers
    } catch (error) {
      throw this.fail(kafkaError(error, 'Producing in a transaction'))
    }
  }

  mayRenew(): boolean {
    return false
  }

  refusal(what: string, answer: ProduceAnswer): ConnectError {
    if (isRetriableCode(answer.error)) return refusal(what, answer)
    const error = transactionError(answer.error, what, answer.message)
    const isLost = error instanceof FencedError || error instanceof UnavailableError
    return isLost ? this.fail(error) : refusal(what, answer)
  }

  gaveUp(_lane: ProduceLane, error: ConnectError, unsent: boolean): void {
    if (!unsent) this.fail(error)
  }
}
