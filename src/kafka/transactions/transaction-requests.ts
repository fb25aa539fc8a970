import { setTimeout as sleep } from 'node:timers/promises'
import type { KafkaClient } from '../client.ts'
import { apiVersion, featureLevel } from '../connections.ts'
import type { TopicPartition } from '../admin.ts'
import type { ProducerIdentity } from '../produce/produce-lane.ts'
import { CoordinatorRequests, Unanswered } from './coordinator-requests.ts'
import {
  addOffsets,
  addPartitions,
  END_APIS,
  type EndAnswer,
  initProducerId,
  type TransactionalIdentity,
} from './transaction-api.ts'
import { transactionError } from './transaction-errors.ts'
import type { TransactionProtocol } from './transaction-scope.ts'

export interface TransactionRequestsOptions {
  readonly transactionalId: string
  readonly transactionTimeoutMs: number
  readonly purpose: string
  readonly requestTimeoutMs: number
}

const PRODUCE = 0
const OPERATION_NOT_ATTEMPTED = 55

/** What is asked of the coordinator of a transactional id. Each method throws ConnectErrors and, where said, Unanswered. */
export class TransactionRequests {
  readonly #options: TransactionRequestsOptions
  readonly #coordinator: CoordinatorRequests

  constructor(client: KafkaClient, options: TransactionRequestsOptions) {
    this.#options = options
    this.#coordinator = new CoordinatorRequests(client, 'transaction', options.transactionalId, options)
  }

  /** A new identity, as an heir of `former`, which fails where another one has the id; else by taking it from whoever has it. */
  async init(deadline: number, former: ProducerIdentity | null): Promise<ProducerIdentity> {
    const { transactionalId, transactionTimeoutMs } = this.#options
    const what = `Taking the transactional id ${transactionalId}`
    const { answer } = await this.#coordinator
      .untilAnswered({
        what,
        once: () =>
          this.#coordinator.ask(what, [initProducerId], transactionalId, transactionTimeoutMs, former),
        errorOf: ({ error }) => error,
        deadline,
        repeats: true,
      })
      .catch((error: unknown) => {
        throw error instanceof Unanswered ? error.error : error
      })
    if (answer.error !== 0) throw transactionError(answer.error, what)
    return { producerId: answer.producerId, producerEpoch: answer.producerEpoch }
  }

  /** What the cluster has switched on; the feature decides, not the versions that a broker knows. */
  async protocol(): Promise<TransactionProtocol> {
    const connection = await this.#coordinator.connection()
    if (featureLevel(connection, 'transaction.version') < 2) return 'v1'
    for (const { key, version } of [{ key: PRODUCE, version: 12 }, ...END_APIS.v2])
      apiVersion(connection, key, [version])
    return 'v2'
  }

  /** Makes partitions part of the transaction (v1). Throws Unanswered too. */
  async addPartitions(
    who: TransactionalIdentity,
    partitions: readonly TopicPartition[],
    deadline: number,
  ): Promise<void> {
    const what = 'Adding partitions to a transaction'
    const { answer } = await this.#coordinator.untilAnswered({
      what,
      once: () => this.#coordinator.ask(what, [addPartitions], who, partitions),
      errorOf: (refusals) => refusals.find(refused)?.error ?? 0,
      deadline,
      repeats: false,
    })
    const first = answer.find(refused)
    if (first !== undefined) throw transactionError(first.error, `${what}: ${first.topic}-${first.partition}`)
  }

  /** Makes a group part of the transaction (v1). Throws Unanswered too. */
  async addOffsets(who: TransactionalIdentity, groupId: string, deadline: number): Promise<void> {
    const what = `Adding the offsets of group ${groupId} to a transaction`
    const { answer } = await this.#coordinator.untilAnswered({
      what,
      once: () => this.#coordinator.ask(what, [addOffsets], who, groupId),
      errorOf: (error) => error,
      deadline,
      repeats: false,
    })
    if (answer !== 0) throw transactionError(answer, what)
  }

  /** EndTxn, until it is answered. Throws Unanswered where it is not by the deadline. */
  async end(
    who: TransactionalIdentity,
    protocol: TransactionProtocol,
    commit: boolean,
    deadline: number,
  ): Promise<{ readonly answer: EndAnswer; readonly wasInDoubt: boolean }> {
    const what = endingIs(commit)
    return this.#coordinator.untilAnswered({
      what,
      once: () => this.#coordinator.ask(what, END_APIS[protocol], who, commit),
      errorOf: ({ error }) => error,
      deadline,
      repeats: true,
    })
  }

  /** Aborts where that is answered soon: nobody waits for more. */
  async abortOnce(
    who: TransactionalIdentity,
    protocol: TransactionProtocol,
    withinMs: number,
  ): Promise<void> {
    const asking = this.#coordinator.ask(endingIs(false), END_APIS[protocol], who, false)
    await Promise.race([asking, sleep(withinMs, undefined, { ref: false })]).catch(() => undefined)
  }
}

export function endingIs(commit: boolean): string {
  return `${commit ? 'Committing' : 'Aborting'} a transaction`
}

function refused({ error }: { readonly error: number }): boolean {
  return error !== 0 && error !== OPERATION_NOT_ATTEMPTED
}
