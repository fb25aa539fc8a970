import { type API, apiVersionsV3, Connection } from '@platformatic/kafka'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, TaskError, UnavailableError } from '../api/errors.ts'
import { backOffMs } from './retry.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

export type VersionRanges = ReadonlyMap<number, { readonly min: number; readonly max: number }>

const versionsOf = new WeakMap<Connection, VersionRanges>()

/** `host:port`, or `[v6]:port`. */
export function parseAddress(text: string): Address {
  const match = /^(?:\[([^\]]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text.trim())
  const host = match?.[1] ?? match?.[2]
  if (host === undefined) {
    throw new TaskError('kafka.protocol', `bootstrap.servers: '${text}' is not of the form host:port`)
  }
  return { host, port: Number(match?.[3]) }
}

export function addressText({ host, port }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Opens a connection and asks which API versions the broker has. */
export async function connect(
  address: Address,
  clientId: string,
  requestTimeoutMs: number,
): Promise<Connection> {
  const connection = new Connection(clientId, { connectTimeout: 5000, requestTimeout: requestTimeoutMs })
  connection.on('error', () => undefined) // what is in flight fails on its own; without a listener Node would throw
  try {
    await connection.connect(address.host, address.port)
    const { apiKeys } = await apiVersionsV3.api.async(connection, 'sluice', '1')
    versionsOf.set(
      connection,
      new Map(apiKeys.map((a) => [a.apiKey, { min: a.minVersion, max: a.maxVersion }])),
    )
    return connection
  } catch (error) {
    connection.close(() => undefined)
    throw error
  }
}

/** The newest version of an API that both sides know, of those we speak (`ours`, any order). */
export function apiVersion(connection: Connection, apiKey: number, ours: readonly number[]): number {
  const theirs = versionsOf.get(connection)?.get(apiKey)
  const common = ours.filter((v) => theirs !== undefined && v >= theirs.min && v <= theirs.max)
  if (common.length > 0) return Math.max(...common)
  const offered = theirs === undefined ? 'not at all' : `in versions ${theirs.min} to ${theirs.max}`
  throw new TaskError(
    'kafka.protocol',
    `The broker knows API ${apiKey} ${offered}; ${ours.join(' or ')} is needed. Use Apache Kafka 2.8 or later.`,
  )
}

/** The newest of several versions of one request that the broker knows. */
export function chooseApi<Arguments extends unknown[], Response>(
  connection: Connection,
  candidates: readonly API<Arguments, Response>[],
): API<Arguments, Response> {
  const versions = candidates.map((c) => c.version)
  const chosen = apiVersion(connection, candidates[0]!.key, versions)
  return candidates[versions.indexOf(chosen)]!
}

interface Slot {
  connection: Promise<Connection> | null
  failures: number
  /** When the next attempt may start, on the clock of performance.now(). */
  notBefore: number
}

/**
 * Connections by key, made when first asked for and again when they were lost. Attempts for one key are spaced by a
 * growing back-off, so a caller that asks in a loop does no harm.
 */
export class ConnectionPool {
  readonly #clientId: string
  readonly #slots = new Map<string, Slot>()
  #closed = false

  constructor(clientId: string) {
    this.#clientId = clientId
  }

  /** `addresses` are tried in turn. */
  get(key: string, addresses: () => readonly Address[], requestTimeoutMs: number): Promise<Connection> {
    if (this.#closed) {
      return Promise.reject(new TaskError('task.failed', 'The Kafka client was closed'))
    }
    let slot = this.#slots.get(key)
    if (slot === undefined) this.#slots.set(key, (slot = { connection: null, failures: 0, notBefore: 0 }))
    slot.connection ??= this.#open(slot, addresses, requestTimeoutMs)
    return slot.connection
  }

  /** Closes the connections whose keys match; what is in flight on them fails as lost. */
  async drop(matches: (key: string) => boolean): Promise<void> {
    const dropped = [...this.#slots].filter(([key]) => matches(key))
    for (const [key] of dropped) this.#slots.delete(key)
    await Promise.allSettled(dropped.map(async ([, slot]) => (await slot.connection)?.close()))
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.drop(() => true)
  }

  async #open(
    slot: Slot,
    addresses: () => readonly Address[],
    requestTimeoutMs: number,
  ): Promise<Connection> {
    try {
      const wait = slot.notBefore - performance.now()
      if (wait > 0) await sleep(wait)
      const connection = await this.#openFirst(addresses(), requestTimeoutMs)
      slot.failures = 0
      const forget = (): void => {
        slot.connection = null
      }
      connection.once('close', forget)
      if (!connection.isConnected()) forget()
      return connection
    } catch (error) {
      slot.connection = null
      slot.notBefore = performance.now() + backOffMs(slot.failures++)
      throw error
    }
  }

  async #openFirst(addresses: readonly Address[], requestTimeoutMs: number): Promise<Connection> {
    const problems: string[] = []
    for (const address of addresses) {
      try {
        const connection = await connect(address, this.#clientId, requestTimeoutMs)
        if (!this.#closed) return connection
        await connection.close()
        throw new Error('the client was closed')
      } catch (error) {
        problems.push(`${addressText(address)} (${rootMessage(error)})`)
      }
    }
    throw new UnavailableError(
      'kafka.unavailable',
      `No Kafka broker answers at ${problems.join(', ')}. Check that Kafka runs there and that bootstrap.servers and the brokers' advertised listeners are right.`,
    )
  }
}

function rootMessage(error: unknown): string {
  let inner = error
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause
  return messageOf(inner)
}
