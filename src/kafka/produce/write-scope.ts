import { type Connection, initProducerIdV4 } from '@platformatic/kafka'
import type { ConnectError } from '../../api/errors.ts'
import type { KafkaClient } from '../client.ts'
import { apiVersion, chooseApi } from '../connections.ts'
import { kafkaError } from '../errors.ts'
import { produceApis, type ProduceAnswer, type ProduceEntry, refusal } from './produce-api.ts'
import type { ProduceLane, ProducerIdentity } from './produce-lane.ts'

/** For a transaction that nobody will begin. */
const NO_TRANSACTION_MS = 60_000
const MOST_RESETS = 3
const APIS = produceApis([9, 10, 11, 12], null)

/** What the writes of a producer belong to: to nothing but their partition, or to a transaction. */
export interface WriteScope {
  /** Whether batches say that they are part of a transaction. */
  readonly transactional: boolean
  /** Whether the lane has what it takes to be sent. */
  isReady(lane: ProduceLane): boolean
  /** Makes it so; what it throws fails the lane or, where it is retriable, is tried again. */
  prepare(lane: ProduceLane): Promise<void>
  /** One request with the heads of lanes that are ready. */
  produce(connection: Connection, entries: readonly ProduceEntry[]): Promise<ProduceAnswer[]>
  /** Whether the lane may go on with a new identity where Kafka does not know its own, or its sequence. */
  mayRenew(lane: ProduceLane): boolean
  /** The error of an answer with one; `what` was tried. What it fails itself is not tried again, however retriable it is. */
  refusal(what: string, answer: ProduceAnswer): ConnectError
  /** All that the lane held was failed. `unsent`: it is certain that none of it was written. */
  gaveUp(lane: ProduceLane, error: ConnectError, unsent: boolean): void
}

/**
 * Writes that stand for themselves. What is in doubt is sent again under the same identity and sequence; where the broker
 * does not know them any more, what it refused was not written, and goes out under a new identity.
 */
export class IdempotentScope implements WriteScope {
  readonly transactional = false
  readonly #client: KafkaClient
  #identity: ProducerIdentity | null = null
  #initialising: Promise<ProducerIdentity> | null = null

  constructor(client: KafkaClient) {
    this.#client = client
  }

  isReady(lane: ProduceLane): boolean {
    return lane.identity !== null
  }

  async prepare(lane: ProduceLane): Promise<void> {
    lane.identity ??= await this.#identityOtherThan(lane.retired)
  }

  produce(connection: Connection, entries: readonly ProduceEntry[]): Promise<ProduceAnswer[]> {
    return chooseApi(connection, APIS).async(connection, entries)
  }

  mayRenew(lane: ProduceLane): boolean {
    return lane.resets++ < MOST_RESETS
  }

  refusal(what: string, answer: ProduceAnswer): ConnectError {
    return refusal(what, answer)
  }

  /** Its identity is not used again: what was sent with it is in doubt. */
  gaveUp(lane: ProduceLane): void {
    lane.retire()
  }

  /** The producer's identity, or a new one where that is the retired one. */
  async #identityOtherThan(retired: ProducerIdentity | null): Promise<ProducerIdentity> {
    if (this.#identity !== null && this.#identity !== retired) return this.#identity
    this.#initialising ??= this.#initProducerId().finally(() => (this.#initialising = null))
    this.#identity = await this.#initialising
    return this.#identity
  }

  async #initProducerId(): Promise<ProducerIdentity> {
    try {
      const connection = await this.#client.connection('any')
      apiVersion(connection, initProducerIdV4.api.key, [initProducerIdV4.api.version])
      const { producerId, producerEpoch } = await initProducerIdV4.api.async(
        connection,
        null,
        NO_TRANSACTION_MS,
      )
      return { producerId, producerEpoch }
    } catch (error) {
      throw kafkaError(error, 'Asking for a producer id')
    }
  }
}
