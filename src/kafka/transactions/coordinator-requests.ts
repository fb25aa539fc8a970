import type { API, Connection } from '@platformatic/kafka'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConnectError } from '../../api/errors.ts'
import type { KafkaClient } from '../client.ts'
import { chooseApi } from '../connections.ts'
import { brokerError, kafkaError } from '../errors.ts'
import { backOffMs } from '../retry.ts'

/** A request went out, and whether the broker did what it asks for is not known. */
export class Unanswered extends Error {
  readonly error: ConnectError

  constructor(error: ConnectError) {
    super(error.message, { cause: error })
    this.error = error
  }
}

export function connectErrorOf(error: unknown, what: string): ConnectError {
  return error instanceof Unanswered ? error.error : kafkaError(error, what)
}

const CONCURRENT_TRANSACTIONS = 51
const ANOTHER_COORDINATOR: readonly number[] = [15, 16]
/** COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR, CONCURRENT_TRANSACTIONS. */
const NOT_NOW: readonly number[] = [14, 15, 16, CONCURRENT_TRANSACTIONS]
/** The last transaction is being completed: that takes milliseconds. */
const MOST_CONCURRENT_WAIT_MS = 20

/** How requests to one coordinator are asked. */
export interface Asking<Answer> {
  /** What is done, for messages. */
  readonly what: string
  /** One try. */
  readonly once: () => Promise<Answer>
  readonly errorOf: (answer: Answer) => number
  /** When to give up (performance.now()). */
  readonly deadline: number
  /** Whether a request that was not answered is sent again; else that is thrown at once, as Unanswered. */
  readonly repeats: boolean
}

/** The coordinator of one transactional id or group. A connection of its own: what waits there holds up nobody else. */
export class CoordinatorRequests {
  readonly #client: KafkaClient
  readonly #kind: 'group' | 'transaction'
  readonly #key: string
  readonly #purpose: string
  readonly #requestTimeoutMs: number

  constructor(
    client: KafkaClient,
    kind: 'group' | 'transaction',
    key: string,
    options: { readonly purpose: string; readonly requestTimeoutMs: number },
  ) {
    this.#client = client
    this.#kind = kind
    this.#key = key
    this.#purpose = options.purpose
    this.#requestTimeoutMs = options.requestTimeoutMs
  }

  async connection(): Promise<Connection> {
    const broker = await this.#client.coordinator(this.#kind, this.#key)
    try {
      return await this.#client.connection(broker, this.#purpose, this.#requestTimeoutMs)
    } catch (error) {
      this.#forget()
      throw error
    }
  }

  /** One request. Throws Unanswered after it went out, ConnectErrors before. */
  async ask<Arguments extends unknown[], Answer>(
    what: string,
    apis: readonly API<Arguments, Answer>[],
    ...args: Arguments
  ): Promise<Answer> {
    const connection = await this.connection()
    const api = chooseApi(connection, apis)
    try {
      return await api.async(connection, ...args)
    } catch (error) {
      this.#forget()
      throw new Unanswered(kafkaError(error, what))
    }
  }

  /**
   * Asks until the answer is another than "not now". `wasInDoubt`: a request before was not answered, and may still arrive.
   * At the deadline it throws Unanswered where one was not, else the last error.
   */
  async untilAnswered<Answer>(
    asking: Asking<Answer>,
  ): Promise<{ readonly answer: Answer; readonly wasInDoubt: boolean }> {
    let inDoubt: Unanswered | null = null
    for (let attempt = 0; ; attempt++) {
      const tried = await this.#try(asking).catch((error: unknown) => {
        throw inDoubt ?? error
      })
      if (tried.failure === null) return { answer: tried.answer, wasInDoubt: inDoubt !== null }
      const { failure, code } = tried
      if (failure instanceof Unanswered) inDoubt = failure
      const wait = code === CONCURRENT_TRANSACTIONS ? concurrentMs(attempt) : backOffMs(attempt)
      if (performance.now() + wait > asking.deadline) throw inDoubt ?? failure
      await sleep(wait)
    }
  }

  /** An answer, or a failure that is worth another try. */
  async #try<Answer>({ what, once, errorOf, repeats }: Asking<Answer>) {
    try {
      const answer = await once()
      const code = errorOf(answer)
      if (!NOT_NOW.includes(code)) return { answer, failure: null }
      if (ANOTHER_COORDINATOR.includes(code)) this.#forget()
      return { failure: brokerError(code, what), code }
    } catch (error) {
      const again = error instanceof Unanswered ? repeats : error instanceof ConnectError && error.retriable
      if (!again || !(error instanceof Error)) throw error
      return { failure: error, code: null }
    }
  }

  #forget(): void {
    this.#client.invalidateCoordinator(this.#kind, this.#key)
  }
}

function concurrentMs(attempt: number): number {
  return Math.min(MOST_CONCURRENT_WAIT_MS, 2 ** attempt)
}
