import { SILENT } from '../../src/api/log.ts'
import { KafkaClient } from '../../src/kafka/client.ts'
import { GroupMember } from '../../src/kafka/groups/group.ts'
import type { Membership } from '../../src/runtime/host/protocol.ts'
import { flat } from '../../src/runtime/sink/partitions.ts'
import { SinkMembership } from '../../src/worker/groups/sink-membership.ts'
import { sinkAssignors } from '../../src/worker/groups/sink-group.ts'
import { topicSelection } from '../../src/worker/groups/topic-selection.ts'

export interface SinkMemberOptions {
  readonly bootstrapServers: string
  readonly groupId: string
  readonly topic: string
  /** `partition.assignment.strategy`. */
  readonly strategy?: string
  readonly instanceId?: string | null
}

/** A sink task's membership on a real broker; its task only remembers what it is told. */
export class SinkMember {
  /** `assign 0,1` (all that it has), `revoke 2` (what it gives up), `revoke all`, `lost`, `replaced`, in order. */
  readonly events: string[] = []
  held: readonly number[] = []
  seat: Membership | null = null
  readonly client: KafkaClient
  readonly #membership: SinkMembership

  constructor({ bootstrapServers, groupId, topic, strategy, instanceId = null }: SinkMemberOptions) {
    this.client = new KafkaClient({
      bootstrapServers: [bootstrapServers],
      clientId: 'sluice-test',
      log: SILENT,
    })
    const config = {
      topics: topic,
      ...(strategy === undefined ? {} : { 'consumer.override.partition.assignment.strategy': strategy }),
    }
    this.#membership = new SinkMembership(
      {
        groupId,
        sessionTimeout: 6000,
        rebalanceTimeout: 20_000,
        heartbeatInterval: 100,
        metadataMaxAge: 500,
        topics: topicSelection(config),
        assignors: sinkAssignors(config),
        groupInstanceId: instanceId,
        log: SILENT,
        replaced: () => this.events.push('replaced'),
      },
      this.client,
      (options) => new GroupMember(this.client, options),
      {
        assign: (membership) => this.#assign(membership),
        revoke: (_, keep) => {
          this.#revoke(keep)
          return Promise.resolve()
        },
        lost: () => this.#clear('lost'),
        pause: () => undefined,
        resume: () => undefined,
        stop: () => Promise.resolve(),
      },
    )
    this.#membership.start()
  }

  /** `willReturn`: as a worker that is stopped and started again does with a static member. */
  async stop({ willReturn = false } = {}): Promise<void> {
    await this.#membership.leave(1000, { willReturn })
    await this.client.close()
  }

  #assign(membership: Membership): void {
    this.seat = membership
    this.held = numbersOf(membership)
    this.events.push(`assign ${this.held.join()}`)
  }

  #revoke(keep: Membership | undefined): void {
    if (keep === undefined) {
      this.#clear('revoke all')
      return
    }
    const kept = numbersOf(keep)
    this.events.push(`revoke ${this.held.filter((each) => !kept.includes(each)).join()}`)
    this.held = kept
    this.seat = keep
  }

  #clear(event: string): void {
    this.events.push(event)
    this.held = []
  }
}

function numbersOf({ partitions }: Membership): number[] {
  return flat(partitions)
    .map(({ partition }) => partition)
    .toSorted((a, b) => a - b)
}
