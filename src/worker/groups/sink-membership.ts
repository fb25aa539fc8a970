import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, TaskError } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'
import type { KafkaClient } from '../../kafka/client.ts'
import type { Assignor, LastAssignment } from '../../kafka/groups/assignors/assignor.ts'
import { isCooperative } from '../../kafka/groups/assignors/strategy.ts'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  subscriptionTo,
} from '../../kafka/groups/consumer-protocol.ts'
import type { MemberMetadata } from '../../kafka/groups/group-requests.ts'
import { GroupMember, type GroupAssignment, type GroupMemberOptions } from '../../kafka/groups/group.ts'
import { WaitLog } from '../../runtime/host/wait-log.ts'
import type { Membership, TopicPartitions } from '../../runtime/host/protocol.ts'
import { flat, grouped, without } from '../../runtime/sink/partitions.ts'
import type { HostedTask } from '../hosts/hosted-task.ts'
import type { TopicSelection } from './topic-selection.ts'

export interface SinkGroupOptions {
  readonly groupId: string
  readonly sessionTimeout: number
  readonly rebalanceTimeout: number
  readonly heartbeatInterval: number
  readonly metadataMaxAge: number
  readonly topics: TopicSelection
  /** How partitions are shared out, in the order of preference (`partition.assignment.strategy`). */
  readonly assignors: readonly Assignor[]
  /** Makes the task a static member (`group.instance.id`); null: it is a dynamic one. */
  readonly groupInstanceId: string | null
  readonly log: Logger
  /** Told what it waits for, and null when that is over. */
  readonly waits?: (reason: string | null) => void
  /** Another live member has this one's `groupInstanceId`, and the place: the task cannot go on. */
  readonly replaced?: (reason: string) => void
}

/** What the membership needs of a cluster; a KafkaClient. */
export type ClusterView = Pick<KafkaClient, 'metadata'>
type Member = Pick<GroupMember, 'start' | 'rejoin' | 'leave' | 'heldUntil'> &
  Partial<Pick<GroupMember, 'settled'>>
export type CreateMember = (options: GroupMemberOptions) => Member

const MISSING_TOPIC_WAIT = 2_000
/** Of the rebalance timeout: a revocation that takes longer would cost the other members their rebalance. */
const REVOKE_SHARE = 0.75
/** Of the time to leave: for a rebalance that is under way, so that the last commit has its generation. */
const SETTLE_SHARE = 0.5

/**
 * A sink task's place in its group `connect-<name>`. It joins and heartbeats here in the worker process, which nothing
 * blocks, and hands partitions, member id and generation to the task in its host, which commits with them.
 *
 * Eager: before each join the task lets go of everything, and each assignment is all it has. Cooperative (KIP-429): it
 * keeps what it has until an assignment comes without it; what it then gives up, others get by the next rebalance.
 *
 *   joining ─assigned→ is something missing of what the task has?
 *     no  → assign: what is new is opened, the rest goes on under the new generation
 *     yes → revoke(all but it) … committed → assign → join again, so that the leader can give it to somebody
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
  readonly #cooperative: boolean
  /** The last assignment that was taken; what a sticky assignor asks for. */
  #last: LastAssignment | null = null
  /** What the task has, also while the member joins again; of a cooperative member alone. */
  #owned: readonly TopicPartitions[] = []
  /** Goes up whenever the place is lost. */
  #losses = 0

  constructor(options: SinkGroupOptions, cluster: ClusterView, create: CreateMember, task: HostedTask) {
    this.#options = options
    this.#cluster = cluster
    this.#task = task
    const { log, waits, groupInstanceId } = options
    this.#cooperative = isCooperative(options.assignors)
    this.#missing = new WaitLog({ log, ...(waits === undefined ? {} : { tell: waits }) })
    this.#member = create({
      groupId: options.groupId,
      protocolType: 'consumer',
      sessionTimeoutMs: options.sessionTimeout,
      rebalanceTimeoutMs: options.rebalanceTimeout,
      heartbeatMs: options.heartbeatInterval,
      log: options.log,
      groupInstanceId,
      cooperative: this.#cooperative,
      protocols: () => this.#protocols(),
      assign: (protocol, members) => this.#assign(protocol, members),
      onAssigned: (assignment) => this.#onAssigned(assignment),
      onRevoked: async () => {
        if (!this.#cooperative) await this.#task.revoke(this.#revokeTimeout)
      },
      onLost: () => this.#onLost(),
      onReplaced: (reason) => {
        if (!this.#isStopped()) options.replaced?.(reason)
      },
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

  /**
   * Finishes, commits and leaves, so that others take over at once. `willReturn`: the task runs again soon, here or on
   * another worker; as a static member it keeps its place until then.
   */
  async leave(timeout: number, { willReturn = false } = {}): Promise<void> {
    this.#stopped.abort()
    this.#missing.over()
    const settle = timeout * SETTLE_SHARE
    if (this.#owned.length > 0)
      await Promise.race([this.#member.settled?.(), sleep(settle, undefined, { ref: false })])
    await this.#task.revoke(timeout)
    await this.#member.leave({ willReturn })
  }

  get #revokeTimeout(): number {
    return this.#options.rebalanceTimeout * REVOKE_SHARE
  }

  #protocols(): { name: string; metadata: Buffer }[] {
    const subscription = {
      ...subscriptionTo(this.#subscribed()),
      owned: this.#owned,
      generation: this.#last?.generation ?? -1,
    }
    return this.#options.assignors.map((assignor) => ({
      name: assignor.name,
      metadata: encodeSubscription({ ...subscription, userData: assignor.userData(this.#last) }),
    }))
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
  async #assign(protocol: string, members: readonly MemberMetadata[]): Promise<Map<string, Buffer>> {
    const assignor = this.#options.assignors.find(({ name }) => name === protocol)
    if (assignor === undefined)
      throw new TaskError(
        'kafka.protocol',
        `The group shares partitions out by '${protocol}', which was not asked for.`,
      )
    const subscribers = members.map(({ memberId, groupInstanceId = null, metadata }) => ({
      ...{ memberId, groupInstanceId, subscription: decodeSubscription(metadata) },
    }))
    const names = new Set(subscribers.flatMap(({ subscription }) => subscription.topics))
    const found = await this.#cluster.metadata([...names])
    const counts = new Map(
      found.filter(({ error }) => error === 0).map(({ topic, partitions }) => [topic, partitions.length]),
    )
    // What is shared out now is what `follow` compares with: where it was too little, the members join again.
    this.#counts = new Map([...counts].filter(([topic]) => this.#options.topics.includes(topic)))
    const shares = assignor.assign(subscribers, counts)
    return new Map(
      [...shares].map(([memberId, assigned]) => [memberId, encodeAssignment({ assigned, userData: null })]),
    )
  }

  async #onAssigned(place: GroupAssignment): Promise<void> {
    const { assigned } = decodeAssignment(place.assignment)
    if (this.#cooperative) await this.#change(place, assigned)
    else if (!this.#isStopped()) {
      this.#last = { partitions: assigned, generation: place.generation }
      this.#task.assign(this.#membership(place, assigned))
    }
  }

  /** Cooperative: gives up what is missing of what the task has, then takes what is new. */
  async #change(place: GroupAssignment, assigned: readonly TopicPartitions[]): Promise<void> {
    const losses = this.#losses
    const owned = flat(this.#owned)
    const gone = without(owned, flat(assigned))
    const kept = grouped(without(owned, gone))
    // A task that stops takes nothing new, but commits what it has under the generation that counts now.
    if (gone.length > 0 || this.#isStopped()) {
      await this.#task.revoke(this.#revokeTimeout, this.#membership(place, kept))
      if (this.#losses !== losses) return
    }
    this.#owned = this.#isStopped() ? kept : assigned
    this.#last = { partitions: this.#owned, generation: place.generation }
    if (this.#isStopped()) return
    this.#task.assign(this.#membership(place, assigned))
    if (gone.length > 0) this.#member.rejoin('partitions were given up')
  }

  #membership({ memberId, generation }: GroupAssignment, partitions: readonly TopicPartitions[]): Membership {
    const { groupId, groupInstanceId } = this.#options
    return { groupId, memberId, generation, groupInstanceId, cooperative: this.#cooperative, partitions }
  }

  /** Invariant 4: others may have all of it already. */
  #onLost(): void {
    this.#losses++
    this.#owned = []
    this.#task.lost()
  }
}

function sameCounts(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): boolean {
  return a.size === b.size && [...a].every(([topic, count]) => b.get(topic) === count)
}
