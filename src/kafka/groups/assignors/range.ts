import type { OwnedPartitions } from '../consumer-protocol.ts'
import { type Assignor, compareMembers, subscribedTopics } from './assignor.ts'

/**
 * Kafka's RangeAssignor without racks. Topic by topic the subscribers get consecutive partitions; the first
 * `partitions mod members` get one more. Topics with equal counts are so shared out alike.
 */
export const RANGE_ASSIGNOR: Assignor = {
  name: 'range',
  javaClass: 'org.apache.kafka.clients.consumer.RangeAssignor',
  cooperative: false,
  userData: () => null,
  assign(members, partitionCounts) {
    const assigned = new Map<string, OwnedPartitions[]>(members.map(({ memberId }) => [memberId, []]))
    const sorted = members.toSorted(compareMembers)
    for (const [topic, count] of subscribedTopics(members, partitionCounts)) {
      const subscribers = sorted.filter(({ subscription }) => subscription.topics.includes(topic))
      let next = 0
      for (const [rank, { memberId }] of subscribers.entries()) {
        const share = Math.floor(count / subscribers.length) + (rank < count % subscribers.length ? 1 : 0)
        if (share === 0) continue
        const first = next
        assigned
          .get(memberId)
          ?.push({ topic, partitions: Array.from({ length: share }, (_, i) => first + i) })
        next += share
      }
    }
    return assigned
  },
}
