import type { Connection } from '@platformatic/kafka'
import { UnavailableError } from '../../src/api/errors.ts'
import { SILENT } from '../../src/api/log.ts'
import { KafkaClient } from '../../src/kafka/client.ts'
import { RANGE_ASSIGNOR } from '../../src/kafka/groups/assignors/range.ts'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  subscriptionTo,
} from '../../src/kafka/groups/consumer-protocol.ts'
import { type GroupAssignment, GroupMember, type GroupMemberOptions } from '../../src/kafka/groups/group.ts'

/** A client whose network can be cut: what is then asked for fails as an unreachable broker does. */
export class CuttableClient extends KafkaClient {
  cut = false
  refused = 0
  granted = 0

  override connection(
    broker: number | 'any',
    purpose?: string,
    requestTimeoutMs?: number,
  ): Promise<Connection> {
    if (!this.cut) {
      this.granted++
      return super.connection(broker, purpose, requestTimeoutMs)
    }
    this.refused++
    return Promise.reject(new UnavailableError('kafka.unavailable', 'the test has cut the network'))
  }
}

/** A member of a consumer group with range assignment that remembers what happened to it. */
export class TestMember {
  readonly client: CuttableClient
  readonly member: GroupMember
  /** `assigned 0,1`, `revoked`, `lost`, in order. */
  readonly events: string[] = []
  /** What it holds now; null where it holds nothing. */
  held: { readonly seat: GroupAssignment; readonly partitions: readonly number[] } | null = null
  readonly #topic: string

  constructor(
    bootstrapServers: string,
    groupId: string,
    topic: string,
    overrides: Partial<GroupMemberOptions> = {},
  ) {
    this.#topic = topic
    this.client = new CuttableClient({
      bootstrapServers: [bootstrapServers],
      clientId: 'sluice-test',
      log: SILENT,
    })
    this.member = new GroupMember(this.client, {
      groupId,
      protocolType: 'consumer',
      sessionTimeoutMs: 6000,
      rebalanceTimeoutMs: 10_000,
      heartbeatMs: 100,
      log: SILENT,
      protocols: () => [{ name: RANGE_ASSIGNOR.name, metadata: encodeSubscription(subscriptionTo([topic])) }],
      assign: (_protocol, members) => this.#assign(members),
      onAssigned: (assignment) => this.#onAssigned(assignment),
      onRevoked: () => {
        this.events.push('revoked')
        this.held = null
        return Promise.resolve()
      },
      onLost: () => {
        this.events.push('lost')
        this.held = null
      },
      ...overrides,
    })
  }

  async start(): Promise<this> {
    await this.member.start()
    return this
  }

  async stop(): Promise<void> {
    await this.member.leave()
    await this.client.close()
  }

  async #assign(members: readonly { memberId: string; metadata: Buffer }[]): Promise<Map<string, Buffer>> {
    const subscribed = members.map(({ memberId, metadata }) => ({
      ...{ memberId, groupInstanceId: null, subscription: decodeSubscription(metadata) },
    }))
    const counts = new Map([[this.#topic, (await this.client.partitionCount(this.#topic)) ?? 0]])
    const assigned = RANGE_ASSIGNOR.assign(subscribed, counts)
    return new Map(
      [...assigned].map(([id, owned]) => [id, encodeAssignment({ assigned: owned, userData: null })]),
    )
  }

  #onAssigned(seat: GroupAssignment): Promise<void> {
    const { assigned } = decodeAssignment(seat.assignment)
    const partitions = assigned.flatMap((owned) => owned.partitions)
    this.held = { seat, partitions }
    this.events.push(`assigned ${partitions.join(',')}`)
    return Promise.resolve()
  }
}
