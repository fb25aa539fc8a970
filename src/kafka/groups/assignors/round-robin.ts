import { groupedPartitions, type OwnedPartitions, type TopicAndPartition } from '../consumer-protocol.ts'
import { type Assignor, compareMembers, subscribedTopics } from './assignor.ts'

/** Kafka's RoundRobinAssignor: all partitions in order, one to each member in turn that subscribes to their topic. */
export const ROUND_ROBIN_ASSIGNOR: Assignor = {
  name: 'roundrobin',
  javaClass: 'org.apache.kafka.clients.consumer.RoundRobinAssignor',
  cooperative: false,
  userData: () => null,
  assign(members, partitionCounts) {
    const turns = members.toSorted(compareMembers).map(({ memberId, subscription }) => ({
      memberId,
      topics: new Set(subscription.topics),
      given: [] as TopicAndPartition[],
    }))
    let turn = 0
    for (const [topic, count] of subscribedTopics(members, partitionCounts)) {
      for (let partition = 0; partition < count; partition++) {
        while (turns[turn % turns.length]?.topics.has(topic) === false) turn++
        turns[turn++ % turns.length]?.given.push({ topic, partition })
      }
    }
    const shares = new Map(turns.map(({ memberId, given }) => [memberId, groupedPartitions(given)]))
    return new Map<string, OwnedPartitions[]>(
      members.map(({ memberId }) => [memberId, shares.get(memberId) ?? []]),
    )
  },
}
