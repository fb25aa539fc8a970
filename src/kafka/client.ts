import { type Connection, findCoordinatorV3, findCoordinatorV4 } from '@platformatic/kafka'
import type { RawConfig } from '../api/config.ts'
import { ConfigError, UnavailableError } from '../api/errors.ts'
import type { Logger } from '../api/log.ts'
import { type Address, addressText, chooseApi, ConnectionPool, parseAddress } from './connections.ts'
import { brokerError, kafkaError } from './errors.ts'
import { METADATA_APIS, type MetadataResponse } from './metadata-api.ts'
import { retrying } from './retry.ts'
import { ClientSecurity } from './security/client-security.ts'
import { readSecurity } from './security/security-config.ts'

/** A topic as the cluster sees it. `error` is a broker's error code, 0 where there is none. */
export interface TopicMetadata {
  readonly topic: string
  /** Another one where a topic was deleted and created again; absent where the broker gives none. */
  readonly id?: string
  readonly error: number
  /** `leader` is a broker id, −1 while there is none. */
  readonly partitions: readonly { readonly partition: number; readonly leader: number }[]
}

export interface KafkaClientOptions {
  /** `host:port` each; the first that answers is used. */
  readonly bootstrapServers: readonly string[]
  readonly clientId: string
  readonly log: Logger
  /** `security.protocol`, `sasl.*` and `ssl.*`, with Kafka's names; others are not looked at. Absent: in clear. */
  readonly security?: RawConfig
  /** Another client of the same cluster and user, whose connections for short requests this one uses too. */
  readonly control?: KafkaClient
}

const REQUEST_TIMEOUT_MS = 30_000
/** What is answered at once: metadata, offsets, topics. */
const CONTROL = 'control'
const COORDINATOR_WAIT_MS = 15_000
const METADATA_MAX_AGE_MS = 60_000
const UNKNOWN_TOPIC = 3

interface CachedTopic {
  readonly leaders: readonly number[]
  readonly at: number
}

/**
 * What a process knows of one cluster: brokers, leaders, coordinators, and a connection per broker and purpose.
 * Every method throws ConnectErrors only: UnavailableError where trying again can help.
 */
export class KafkaClient {
  readonly log: Logger
  readonly clientId: string
  readonly #bootstrap: readonly Address[]
  readonly #pool: ConnectionPool
  readonly #control: ConnectionPool
  readonly #brokers = new Map<number, Address>()
  readonly #topics = new Map<string, CachedTopic>()
  readonly #coordinators = new Map<string, number>()
  readonly #security: ClientSecurity
  /** Whether a broker has ever answered more than what versions it has. */
  #wasAnswered = false
  #clusterId: string | null = null
  #controller = -1

  /** @throws ConfigError where its security is wrong */
  constructor(options: KafkaClientOptions) {
    const { security, problems } = readSecurity(options.security ?? {})
    if (problems.length > 0) throw new ConfigError(problems)
    this.log = options.log
    this.clientId = options.clientId
    this.#bootstrap = options.bootstrapServers.map(parseAddress)
    this.#security = new ClientSecurity(security)
    this.#pool = new ConnectionPool(options.clientId, this.#security)
    this.#control = options.control === undefined ? this.#pool : options.control.#pool
  }

  /** Asks the cluster, and refreshes what is cached. `null` asks for all topics. Missing topics are not created. */
  async metadata(topics: readonly string[] | null): Promise<TopicMetadata[]> {
    const response = await this.#askMetadata(topics)
    const now = performance.now()
    for (const { topic, error, partitions } of response.topics) {
      const leaders: number[] = new Array<number>(partitions.length).fill(-1)
      for (const { partition, leader } of partitions) leaders[partition] = leader
      if (error === 0) this.#topics.set(topic, { leaders, at: now })
      else this.#topics.delete(topic)
    }
    return [...response.topics]
  }

  /** Asks the brokers to create a topic as they do for any producer: they do with `auto.create.topics.enable` alone. */
  async requestTopic(topic: string): Promise<void> {
    await this.#askMetadata([topic], true)
    this.invalidate(topic)
  }

  /** How many partitions a topic has, at most a minute old; null where it does not exist. */
  async partitionCount(topic: string): Promise<number | null> {
    const cached = this.cachedPartitionCount(topic)
    if (cached !== null) return cached
    const [answer] = await this.metadata([topic])
    if (answer === undefined || answer.error === UNKNOWN_TOPIC) return null
    if (answer.error !== 0) throw brokerError(answer.error, `Looking up topic ${topic}`)
    return answer.partitions.length
  }

  /** The same without asking anybody: null where it is not known. */
  cachedPartitionCount(topic: string): number | null {
    const cached = this.#topics.get(topic)
    const isFresh = cached !== undefined && performance.now() - cached.at < METADATA_MAX_AGE_MS
    return isFresh ? cached.leaders.length : null
  }

  /** The broker id of a partition's leader, from the cache or the cluster. */
  async leader(topic: string, partition: number): Promise<number> {
    let leader = this.cachedLeader(topic, partition)
    if (leader !== null) return leader
    const [answer] = await this.metadata([topic])
    const error = answer?.error ?? UNKNOWN_TOPIC
    if (error !== 0) throw brokerError(error, `Looking up the leader of ${topic}-${partition}`)
    leader = this.cachedLeader(topic, partition)
    if (leader !== null) return leader
    if (partition >= (answer?.partitions.length ?? 0))
      throw brokerError(UNKNOWN_TOPIC, `${topic}-${partition}`)
    throw new UnavailableError('kafka.unavailable', `${topic}-${partition} has no leader at the moment`)
  }

  /** The leader as far as it is known; null otherwise. */
  cachedLeader(topic: string, partition: number): number | null {
    const leader = this.#topics.get(topic)?.leaders[partition]
    return leader === undefined || leader < 0 ? null : leader
  }

  /** Forgets the leaders of a topic, or of all, so that they are asked for again. */
  invalidate(topic?: string): void {
    if (topic === undefined) this.#topics.clear()
    else this.#topics.delete(topic)
  }

  /**
   * A connection that is open, one per broker and purpose: what waits long (a fetch, a join) has one of its own, for a
   * broker answers the requests of a connection in order. `requestTimeoutMs` counts for the purpose's first caller.
   */
  async connection(
    broker: number | 'any',
    purpose = CONTROL,
    requestTimeoutMs: number = REQUEST_TIMEOUT_MS,
  ): Promise<Connection> {
    const pool = purpose === CONTROL ? this.#control : this.#pool
    if (broker === 'any') {
      const addresses = (): Address[] => [...this.#bootstrap, ...this.#brokers.values()]
      return pool.get(`any ${purpose}`, addresses, requestTimeoutMs)
    }
    if (!this.#brokers.has(broker)) await this.#askMetadata([])
    const address = this.#brokers.get(broker)
    if (address === undefined) {
      throw new UnavailableError('kafka.unavailable', `Broker ${broker} is not in the cluster at the moment`)
    }
    const known = (): Address[] => [this.#brokers.get(broker) ?? address]
    try {
      return await pool.get(`${broker} ${purpose}`, known, requestTimeoutMs)
    } catch (error) {
      this.#brokers.delete(broker) // it may have come back under another address: ask for it next time
      throw error
    }
  }

  /** The broker id of a group's or transactional id's coordinator, cached until invalidated. */
  async coordinator(kind: 'group' | 'transaction', key: string): Promise<number> {
    const cacheKey = `${kind} ${key}`
    const cached = this.#coordinators.get(cacheKey)
    if (cached !== undefined) return cached
    const found = await retrying(COORDINATOR_WAIT_MS, () => this.#findCoordinator(kind, key))
    this.#coordinators.set(cacheKey, found)
    return found
  }

  invalidateCoordinator(kind: 'group' | 'transaction', key: string): void {
    this.#coordinators.delete(`${kind} ${key}`)
  }

  /** The broker that takes topic creations (in KRaft any broker that forwards them). */
  async controller(): Promise<number> {
    await this.#askMetadata([])
    return this.#controller
  }

  async clusterId(): Promise<string> {
    if (this.#clusterId === null) await this.#askMetadata([])
    return this.#clusterId ?? ''
  }

  /** Closes the connections of one purpose, to all brokers; what waits on them fails as lost. */
  async disconnect(purpose: string): Promise<void> {
    await this.#pool.drop((key) => key.endsWith(` ${purpose}`))
  }

  async close(): Promise<void> {
    await this.#pool.close()
  }

  async #askMetadata(topics: readonly string[] | null, create = false): Promise<MetadataResponse> {
    let connection: Connection | undefined
    try {
      connection = await this.connection('any')
      const response = await chooseApi(connection, METADATA_APIS).async(connection, topics, create)
      this.#wasAnswered = true
      this.#brokers.clear()
      for (const { id, host, port } of response.brokers) this.#brokers.set(id, { host, port })
      this.#clusterId = response.clusterId
      this.#controller = response.controller
      return response
    } catch (error) {
      // A listener that wants SASL answers what versions it has, and closes the connection at anything else.
      const mayWantSasl = !this.#wasAnswered && !this.#security.hasSasl
      if (mayWantSasl && connection?.isConnected() === false) throw shutOut(connection, error)
      throw kafkaError(error, 'Asking Kafka for metadata')
    }
  }

  async #findCoordinator(kind: 'group' | 'transaction', key: string): Promise<number> {
    const what = `Looking for the coordinator of ${kind} ${key}`
    try {
      const connection = await this.connection('any')
      const api = chooseApi(connection, [findCoordinatorV3.api, findCoordinatorV4.api])
      const response = await api.async(connection, kind === 'group' ? 0 : 1, [key])
      const found = response.coordinators[0]
      if (found === undefined || found.nodeId < 0)
        throw new UnavailableError('kafka.unavailable', `${what}: none`)
      this.#brokers.set(found.nodeId, { host: found.host, port: found.port })
      return found.nodeId
    } catch (error) {
      throw kafkaError(error, what)
    }
  }
}

function shutOut(
  { host = '', port = 0 }: Partial<Pick<Connection, 'host' | 'port'>>,
  cause: unknown,
): UnavailableError {
  const message = `The Kafka broker ${addressText({ host, port })} closes the connection at the first request. It may want SASL: set security.protocol to SASL_PLAINTEXT or SASL_SSL, or take the port of another listener.`
  return new UnavailableError('kafka.security', message, { cause }) // a broker that goes down does the same
}
