import {
  type Connection,
  findErrorBy,
  heartbeatV4,
  joinGroupV7,
  joinGroupV9,
  leaveGroupV4,
  leaveGroupV5,
  syncGroupV5,
} from '@platformatic/kafka'
import type { KafkaClient } from '../client.ts'
import { apiVersion, chooseApi } from '../connections.ts'
import { kafkaError, responseCode } from '../errors.ts'

/** Codes of the group protocol that steer a member (Kafka's Errors). */
export const GROUP_CODES = {
  notCoordinator: 16,
  illegalGeneration: 22,
  unknownMember: 25,
  rebalanceInProgress: 27,
  memberIdRequired: 79,
  fencedInstance: 82,
} as const

const ANOTHER_COORDINATOR: readonly number[] = [15, GROUP_CODES.notCoordinator]
/** What a broker may add to the rebalance timeout before it answers a join (Java's client adds the same). */
const JOIN_GRACE_MS = 5000
const SHORTEST_REQUEST_TIMEOUT_MS = 1000
/** Rebalances come in groups: the connection for joins is kept for so long after one. */
const JOIN_KEEP_MS = 10_000
/**
 * Connections that the sinks of a worker share for heartbeats: over a single one those of hundreds of tasks wait for each
 * other, and sessions end. The worker's own membership has one for itself.
 */
const HEARTBEAT_LANES = 8

export interface GroupNames {
  readonly groupId: string
  readonly protocolType: string
  /** Of a static member (KIP-345): it keeps its place while it is away, for the session timeout. */
  readonly groupInstanceId?: string | null
}

export interface JoinedGroup {
  readonly generation: number
  readonly memberId: string
  readonly leaderId: string
  readonly protocol: string
  /** Every member's metadata, where this member leads; empty otherwise. */
  readonly members: readonly MemberMetadata[]
  /** This member leads, and came back to a group that goes on as it was: there is nothing to assign (KIP-814). */
  readonly skipAssignment: boolean
}

/** What a member says of itself to the leader of its group. */
export interface MemberMetadata {
  readonly memberId: string
  readonly groupInstanceId?: string | null | undefined
  readonly metadata: Buffer
}

/** What a member asks of its coordinator; GroupRequests, but in simulations. */
export type GroupCalls = Pick<GroupRequests, 'join' | 'sync' | 'heartbeat' | 'leave' | 'close'>

/**
 * The requests of one member of a classic group, sent to its coordinator. A broker answers the requests of one
 * connection in order and keeps a join waiting for up to the rebalance timeout, so joining and syncing have a
 * connection of the member's own, while heartbeats and leaving share some among members. It is closed while the group is
 * stable: a worker has a member for each of its sink tasks.
 *
 * Everything thrown is a ConnectError; `groupCode` finds the broker's code in it.
 */
export class GroupRequests {
  readonly #client: KafkaClient
  readonly #names: GroupNames
  readonly #sessionTimeoutMs: number
  readonly #rebalanceTimeoutMs: number
  readonly #joinPurpose: string
  readonly #lane: string
  #closed = false
  #keeping: NodeJS.Timeout | undefined

  constructor(
    client: KafkaClient,
    names: GroupNames,
    timeouts: { readonly sessionTimeoutMs: number; readonly rebalanceTimeoutMs: number },
  ) {
    this.#client = client
    this.#names = names
    this.#sessionTimeoutMs = timeouts.sessionTimeoutMs
    this.#rebalanceTimeoutMs = timeouts.rebalanceTimeoutMs
    this.#lane = names.protocolType === 'connect' ? 'worker' : String(memberCount % HEARTBEAT_LANES)
    this.#joinPurpose = `join ${names.groupId} ${memberCount++}`
  }

  get #instanceId(): string | null {
    return this.#names.groupInstanceId ?? null
  }

  /** One JoinGroup. A broker gives a new member its id first (KIP-394): join again with `assignedId`. */
  async join(
    memberId: string,
    protocols: readonly { name: string; metadata: Buffer }[],
    reason: string,
  ): Promise<JoinedGroup | { readonly assignedId: string }> {
    const { groupId, protocolType } = this.#names
    try {
      const connection = await this.#joining()
      const api = chooseApi(connection, [joinGroupV9.api, joinGroupV7.api])
      const response = await api.async(
        connection,
        groupId,
        this.#sessionTimeoutMs,
        this.#rebalanceTimeoutMs,
        memberId,
        this.#instanceId,
        protocolType,
        [...protocols],
        reason.slice(0, LONGEST_REASON),
      )
      return {
        generation: response.generationId,
        memberId: response.memberId,
        leaderId: response.leader,
        protocol: response.protocolName ?? '',
        members: response.members,
        skipAssignment: response.skipAssignment,
      }
    } catch (error) {
      const assignedId = requiredMemberId(error)
      if (assignedId !== null) return { assignedId }
      throw this.#failed(error, `Joining group ${groupId}`)
    }
  }

  /** Sends the leader's assignments (none, where this member does not lead); returns this member's. */
  async sync(joined: JoinedGroup, assignments: ReadonlyMap<string, Buffer>): Promise<Buffer> {
    const { groupId, protocolType } = this.#names
    try {
      const connection = await this.#joining()
      apiVersion(connection, syncGroupV5.api.key, [syncGroupV5.api.version])
      const { assignment } = await syncGroupV5.api.async(
        connection,
        groupId,
        joined.generation,
        joined.memberId,
        this.#instanceId,
        protocolType,
        joined.protocol,
        [...assignments].map(([memberId, bytes]) => ({ memberId, assignment: bytes })),
      )
      this.#keeping = setTimeout(() => void this.#client.disconnect(this.#joinPurpose), JOIN_KEEP_MS)
      this.#keeping.unref()
      return assignment
    } catch (error) {
      throw this.#failed(error, `Taking the assignment of group ${groupId}`)
    }
  }

  async heartbeat(memberId: string, generation: number): Promise<void> {
    const { groupId } = this.#names
    try {
      const connection = await this.#beating()
      apiVersion(connection, heartbeatV4.api.key, [heartbeatV4.api.version])
      await heartbeatV4.api.async(connection, groupId, generation, memberId, this.#instanceId)
    } catch (error) {
      throw this.#failed(error, `Sending a heartbeat to group ${groupId}`)
    }
  }

  async leave(memberId: string, reason: string): Promise<void> {
    const { groupId } = this.#names
    try {
      const connection = await this.#beating()
      const api = chooseApi(connection, [leaveGroupV5.api, leaveGroupV4.api])
      await api.async(connection, groupId, [{ memberId, groupInstanceId: this.#instanceId, reason }])
    } catch (error) {
      throw this.#failed(error, `Leaving group ${groupId}`)
    }
  }

  /** Closes the member's own connection; what waits on it fails. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#keeping)
    await this.#client.disconnect(this.#joinPurpose)
  }

  async #joining(): Promise<Connection> {
    clearTimeout(this.#keeping)
    const broker = await this.#client.coordinator('group', this.#names.groupId)
    const timeout = this.#rebalanceTimeoutMs + JOIN_GRACE_MS
    const connection = await this.#client.connection(broker, this.#joinPurpose, timeout)
    if (this.#closed) await this.#client.disconnect(this.#joinPurpose)
    return connection
  }

  async #beating(): Promise<Connection> {
    const broker = await this.#client.coordinator('group', this.#names.groupId)
    const timeout = Math.max(SHORTEST_REQUEST_TIMEOUT_MS, Math.ceil(this.#sessionTimeoutMs / 3))
    return this.#client.connection(broker, `heartbeat ${this.#lane} ${timeout}`, timeout)
  }

  /** The coordinator may have moved wherever it is not it that answered. */
  #failed(error: unknown, what: string): Error {
    const code = responseCode(error)?.code ?? null
    if (code === null || ANOTHER_COORDINATOR.includes(code)) {
      this.#client.invalidateCoordinator('group', this.#names.groupId)
    }
    const failure = kafkaError(error, what)
    return code === null ? failure : withGroupCode(failure, code)
  }
}

let memberCount = 0
const LONGEST_REASON = 255

const codeOf = new WeakMap<Error, number>()

/** Remembers with an error what the broker answered. */
export function withGroupCode(failure: Error, code: number): Error {
  codeOf.set(failure, code)
  return failure
}

/** The broker's error code behind what a group request threw, or null where no broker answered. */
export function groupCode(error: unknown): number | null {
  return (error instanceof Error ? codeOf.get(error) : undefined) ?? null
}

function requiredMemberId(error: unknown): string | null {
  if (!(error instanceof Error)) return null
  const found = findErrorBy(error, 'apiCode', GROUP_CODES.memberIdRequired)
  const memberId: unknown = found?.['memberId']
  return typeof memberId === 'string' ? memberId : null
}
