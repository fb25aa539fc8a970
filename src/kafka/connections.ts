import { type API, apiVersionsV3, Connection, UserError } from '@platformatic/kafka'
import { setTimeout as sleep } from 'node:timers/promises'
import { ConnectError, messageOf, TaskError, UnavailableError } from '../api/errors.ts'
import { backOffMs } from './retry.ts'
import { ClientSecurity } from './security/client-security.ts'
import { chainOf, refusal } from './security/refusals.ts'
import { PLAINTEXT } from './security/security-config.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

export type VersionRanges = ReadonlyMap<number, { readonly min: number; readonly max: number }>

const CONNECT_TIMEOUT_MS = 5000
/** The longest poll is shorter; a broker closes the connection itself when a request comes too late. */
const RETIREMENT_MS = 30_000

const versionsOf = new WeakMap<Connection, VersionRanges>()
const featuresOf = new WeakMap<Connection, ReadonlyMap<string, number>>()

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

/** What a client says of itself, and how it talks to brokers. */
export interface ClientIdentity {
  readonly clientId: string
  readonly security: ClientSecurity
}

/** Opens a connection and asks which API versions the broker has. */
export async function connect(
  address: Address,
  { clientId, security }: ClientIdentity,
  requestTimeoutMs: number,
): Promise<Connection> {
  const secure = await security.options(address.host)
  const options = { connectTimeout: CONNECT_TIMEOUT_MS, requestTimeout: requestTimeoutMs, ...secure }
  const connection = new ShortSession(clientId, options)
  let lost: Error | undefined
  connection.on('error', (error: Error) => (lost ??= error)) // what is in flight fails on its own, but does not say why
  const answered = { inTls: false }
  try {
    const opening = connection.connect(address.host, address.port)
    if (secure.tls === undefined)
      connection.socket.once('data', (chunk: Buffer) => (answered.inTls = isTlsRecord(chunk)))
    await opening
    const { apiKeys, finalizedFeatures } = await apiVersionsV3.api.async(connection, 'sluice', '1')
    versionsOf.set(
      connection,
      new Map(apiKeys.map((a) => [a.apiKey, { min: a.minVersion, max: a.maxVersion }])),
    )
    featuresOf.set(connection, new Map((finalizedFeatures ?? []).map((f) => [f.name, f.maxVersionLevel])))
    return connection
  } catch (error) {
    connection.close(() => undefined)
    // The library sees this by itself, but not in the middle of SASL.
    if (answered.inTls) throw new UserError('Broker requires TLS.')
    throw lost !== undefined && lost !== error ? new Error(messageOf(error), { cause: lost }) : error
  }
}

/** An alert, a handshake and so on, of any version of TLS. */
function isTlsRecord(chunk: Buffer): boolean {
  const [type = 0, major = 0, minor = 0] = chunk
  return type >= 0x14 && type <= 0x17 && major === 3 && minor <= 4
}

/**
 * A connection whose broker ends the session after some time (`connections.max.reauth.ms`). The library would
 * authenticate again in the middle of other requests, which brokers refuse. This one retires instead: whoever asks for a
 * connection gets a new one, and it is closed when what is in flight has had time to end.
 */
class ShortSession extends Connection {
  override reauthenticate(): void {
    this.emit('closing')
    setTimeout(() => {
      this.close(() => undefined)
    }, RETIREMENT_MS).unref()
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

/** The level of a feature that the whole cluster has switched on (KIP-584), as it was when the connection began; 0 without. */
export function featureLevel(connection: Connection, feature: string): number {
  return featuresOf.get(connection)?.get(feature) ?? 0
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
  readonly #identity: ClientIdentity
  readonly #slots = new Map<string, Slot>()
  /** Connections that end soon, or are ending. */
  readonly #retired = new Set<Connection>()
  /** Whether a broker has taken this client before: what it is refused for then may heal by itself. */
  #wasTaken = false
  #closed = false

  constructor(clientId: string, security: ClientSecurity = new ClientSecurity(PLAINTEXT)) {
    this.#identity = { clientId, security }
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
    await Promise.allSettled([...this.#retired].map((connection) => connection.close()))
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
      this.#forgetWhenOver(connection, slot)
      return connection
    } catch (error) {
      slot.connection = null
      slot.notBefore = performance.now() + backOffMs(slot.failures++)
      throw error
    }
  }

  #forgetWhenOver(connection: Connection, slot: Slot): void {
    let isOver = false
    const forget = (): void => {
      if (!isOver) slot.connection = null // by now it may be another one's
      isOver = true
    }
    connection.once('closing', () => {
      forget()
      this.#retired.add(connection)
    })
    connection.once('close', () => {
      forget()
      this.#retired.delete(connection)
    })
    if (!connection.isConnected()) forget()
  }

  async #openFirst(addresses: readonly Address[], requestTimeoutMs: number): Promise<Connection> {
    const failures: Failure[] = []
    for (const address of addresses) {
      try {
        const connection = await connect(address, this.#identity, requestTimeoutMs)
        this.#wasTaken = true
        if (!this.#closed) return connection
        await connection.close()
        throw new Error('the client was closed')
      } catch (error) {
        failures.push({ address, error })
      }
    }
    throw this.#whyNone(failures)
  }

  /** One broker that is merely away is worth waiting for, whatever the others say. */
  #whyNone(failures: readonly Failure[]): ConnectError {
    const own = failures.map(({ error }) => chainOf(error).find((each) => each instanceof ConnectError))
    const told = own.find((each) => each !== undefined)
    if (told !== undefined) return this.#wasTaken && !told.retriable ? patient(told) : told
    const { config } = this.#identity.security
    const refusals = failures.map(({ error }) => refusal(error, config))
    const problems = failures.map(
      ({ address, error }, i) => `${addressText(address)} (${refusals[i] ?? rootMessage(error)})`,
    )
    const [first] = failures
    if (first !== undefined && refusals.every((each) => each !== undefined)) {
      const only = `The Kafka broker ${addressText(first.address)} cannot be used: ${refusals[0] ?? ''}.`
      const refused = new TaskError('kafka.security', only, { cause: first.error })
      return this.#wasTaken ? patient(refused) : refused
    }
    return new UnavailableError(
      'kafka.unavailable',
      `No Kafka broker answers at ${problems.join(', ')}. Check that Kafka runs there and that bootstrap.servers and the brokers' advertised listeners are right.`,
    )
  }
}

interface Failure {
  readonly address: Address
  readonly error: unknown
}

/** The same error as one that may go away: credentials and certificates are renewed while clients run. */
function patient(error: ConnectError): UnavailableError {
  return new UnavailableError(error.code, error.message, { cause: error })
}

function rootMessage(error: unknown): string {
  let inner = error
  while (inner instanceof Error && inner.cause instanceof Error) inner = inner.cause
  return messageOf(inner)
}
