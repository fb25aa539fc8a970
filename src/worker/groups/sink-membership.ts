import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import type { KafkaClient } from '../../kafka/client.ts'
import {
  assignRange,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  RANGE,
  subscriptionTo,
} from '../../kafka/groups/consumer-protocol.ts'
import { GroupMember, type GroupAssignment, type GroupMemberOptions } from '../../kafka/groups/group.ts'
import { WaitLog } from '../../runtime/host/wait-log.ts'
import type { HostedTask } from '../hosts/hosted-task.ts'
import type { TopicSelection } from './topic-selection.ts'

export interface SinkGroupOptions {
  readonly groupId: string
  readonly sessionTimeout: number
  readonly rebalanceTimeout: number
  readonly heartbeatInterval: number
  readonly metadataMaxAge: number
  readonly topics: TopicSelection
  readonly log: Logger
  /** Told what it waits for, and null when that is over. */
  readonly waits?: (reason: string | null) => void
}

/** What the membership needs of a cluster; a KafkaClient. */
export type ClusterView = Pick<KafkaClient, 'metadata'>
type Member = Pick<GroupMember, 'start' | 'rejoin' | 'leave' | 'heldUntil'>
export type CreateMember = (options: GroupMemberOptions) => Member

const MISSING_TOPIC_WAIT = 2_000
/** Of the rebalance timeout: a revocation that takes longer would cost the other members their rebalance. */
const REVOKE_SHARE = 0.75

/**
 * A sink task's place in its group `connect-<name>`. It joins and heartbeats here in the worker process, which nothing
 * blocks, and hands partitions, member id and generation to the task in its host, which commits with them.
 */
export class SinkMembership {
  readonly #options: SinkGroupOptions
  readonly #cluster: ClusterView
  readonly #task: HostedTask
  readonly #member: Member
  readonly #stopped = new AbortController()
  /** Partition counts of the topics subscribed to, as last looked up. */
  #counts = new Map<string, number>()
  readonly #missing: WaitLog

  constructor(options: SinkGroupOptions, cluster: ClusterView, create: CreateMember, task: HostedTask) {
    this.#options = options
    this.#cluster = cluster
    this.#task = task
    const { log, waits } = options
    this.#missing = new WaitLog({ log, ...(waits === undefined ? {} : { tell: waits }) })
    this.#member = create({
      groupId: options.groupId,
      protocolType: 'consumer',
      sessionTimeoutMs: options.sessionTimeout,
      rebalanceTimeoutMs: options.rebalanceTimeout,
      heartbeatMs: options.heartbeatInterval,
      log: options.log,
      protocols: () => [{ name: RANGE, metadata: encodeSubscription(subscriptionTo(this.#subscribed())) }],
      assign: (_, members) => this.#assign(members),
      onAssigned: (assignment) => this.#onAssigned(assignment),
      onRevoked: () => this.#task.revoke(options.rebalanceTimeout * REVOKE_SHARE),
      onLost: () => this.#task.lost(),
    })
  }

  /** Begins to look for topics and to join, in the background. */
  start(): void {
    void this.#follow()
  }

  /** The broker refused this member's commit: it was replaced, and joins anew. */
  rejoin(reason: string): void {
    this.#member.rejoin(reason)
  }

  /** Finishes, commits and leaves, so that others take over at once. */
  async leave(timeout: number): Promise<void> {
    this.#stopped.abort()
    this.#missing.over()
    await this.#task.revoke(timeout)
    await this.#member.leave()
  }

  /** Looks topics and partitions up, now and whenever they get old; joins (again) when they changed. */
  async #follow(): Promise<void> {
    let started = false
    while (!this.#isStopped()) {
      const found = await this.#lookUp()
      if (this.#isStopped()) return
      const before = this.#counts
      if (found !== undefined) this.#counts = found
      if (!started && found !== undefined) {
        started = true
        await this.#member.start()
      } else if (found !== undefined && !sameCounts(before, found)) this.#member.rejoin('topics changed')
      const isComplete = found !== undefined && this.#seeMissing(found)
      const { metadataMaxAge } = this.#options
      await this.#wait(isComplete ? metadataMaxAge : Math.min(metadataMaxAge, MISSING_TOPIC_WAIT))
    }
  }

  /** Says which topics are not there; true where all are. */
  #seeMissing(found: ReadonlyMap<string, number>): boolean {
    const { topics } = this.#options
    const missing = topics.missing(new Set(found.keys()))
    if (missing.length === 0) this.#missing.over()
    else if (topics.names === null)
      this.#missing.waits(`waiting for a topic that matches ${missing.join(', ')}`)
    else {
      const names = `topic${missing.length === 1 ? '' : 's'} ${missing.join(', ')}`
      this.#missing.waits(`waiting for ${names} to be created`)
    }
    return missing.length === 0
  }

  #isStopped(): boolean {
    return this.#stopped.signal.aborted
  }

  async #wait(time: number): Promise<void> {
    await sleep(time, undefined, { signal: this.#stopped.signal, ref: false }).catch(() => undefined)
  }

  async #lookUp(): Promise<Map<string, number> | undefined> {
    const { topics } = this.#options
    try {
      const found = await this.#cluster.metadata(topics.names)
      const existing = found.filter(({ topic, error }) => error === 0 && topics.includes(topic))
      return new Map(existing.map(({ topic, partitions }) => [topic, partitions.length]))
    } catch (error) {
      this.#missing.waits(`waiting for Kafka: ${messageOf(error)}`)
      return undefined
    }
  }

  /** A named topic is subscribed to before it exists; a pattern stands for what it matches now. */
  #subscribed(): readonly string[] {
    return this.#options.topics.names ?? [...this.#counts.keys()]
  }

  /** This member leads: it reads what all members want and shares the partitions out. */
  async #assign(members: readonly { memberId: string; metadata: Buffer }[]): Promise<Map<string, Buffer>> {
    const wanted = members.map(({ memberId, metadata }) => ({
      memberId,
      topics: decodeSubscription(metadata).topics,
    }))
    const names = new Set(wanted.flatMap(({ topics }) => topics))
    const found = await this.#cluster.metadata([...names])
    const counts = new Map(
      found.filter(({ error }) => error === 0).map(({ topic, partitions }) => [topic, partitions.length]),
    )
    // What is shared out now is what `follow` compares with: where it was too little, the members join again.
    this.#counts = new Map([...counts].filter(([topic]) => this.#options.topics.includes(topic)))
    const shares = assignRange(wanted, counts)
    return new Map(
      [...shares].map(([memberId, assigned]) => [memberId, encodeAssignment({ assigned, userData: null })]),
    )
  }

  #onAssigned({ memberId, generation, assignment }: GroupAssignment): Promise<void> {
    if (this.#isStopped()) return Promise.resolve()
    const { groupId } = this.#options
    const { assigned } = decodeAssignment(assignment)
    this.#task.assign({ groupId, memberId, generation, partitions: assigned })
    return Promise.resolve()
  }
}

function sameCounts(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): boolean {
  return a.size === b.size && [...a].every(([topic, count]) => b.get(topic) === count)
}
