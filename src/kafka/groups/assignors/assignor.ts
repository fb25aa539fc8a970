import type { OwnedPartitions, Subscription } from '../consumer-protocol.ts'

/** A member of a consumer group, as its leader sees it. */
export interface Subscriber {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly subscription: Subscription
}

/** What a member was assigned last. */
export interface LastAssignment {
  readonly partitions: readonly OwnedPartitions[]
  readonly generation: number
}

/** One of Kafka's ways to share partitions out among the members of a consumer group. */
export interface Assignor {
  /** As members call it in the group protocol. */
  readonly name: string
  /** The class that a Java consumer names in `partition.assignment.strategy`. */
  readonly javaClass: string
  /** Whether members may keep what they have while the group rebalances (KIP-429). */
  readonly cooperative: boolean
  /** What a member says of itself besides its topics and what it owns; null before its first assignment. */
  userData(last: LastAssignment | null): Buffer | null
  /**
   * Each member's partitions, by member id, sorted. A topic that is not in `partitionCounts` (it does not exist yet) is
   * left out.
   */
  assign(
    members: readonly Subscriber[],
    partitionCounts: ReadonlyMap<string, number>,
  ): Map<string, OwnedPartitions[]>
}

/** Kafka's order of members: static ones first, by instance id; then the others by member id. */
export function compareMembers(
  a: Pick<Subscriber, 'memberId' | 'groupInstanceId'>,
  b: Pick<Subscriber, 'memberId' | 'groupInstanceId'>,
): number {
  const [left, right] = [a.groupInstanceId, b.groupInstanceId]
  if (left !== null && right !== null) return compareText(left, right)
  if (left !== null) return -1
  if (right !== null) return 1
  return compareText(a.memberId, b.memberId)
}

/** By UTF-16 code units, as Java's String.compareTo. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Topics that somebody subscribes to and that exist, by name. */
export function subscribedTopics(
  members: readonly Subscriber[],
  partitionCounts: ReadonlyMap<string, number>,
): (readonly [string, number])[] {
  const wanted = new Set(members.flatMap(({ subscription }) => subscription.topics))
  return [...partitionCounts].filter(([topic]) => wanted.has(topic)).toSorted(([a], [b]) => compareText(a, b))
}
