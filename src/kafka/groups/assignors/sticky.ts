import {
  flatPartitions,
  groupedPartitions,
  type OwnedPartitions,
  readPartitions,
  writePartitions,
} from '../consumer-protocol.ts'
import { GroupReader, GroupWriter } from '../group-bytes.ts'
import type { Assignor, LastAssignment, Subscriber } from './assignor.ts'
import { shareSticky } from './sticky-share.ts'

const NO_GENERATION = -1
const NOTHING: LastAssignment = { partitions: [], generation: NO_GENERATION }

/**
 * Kafka's StickyAssignor: eager, so a member owns nothing when it joins and says in its user data what it had:
 *
 *   v0  had:[topic:string partitions:[int32]]     v1  … then generation:int32
 */
export const STICKY_ASSIGNOR: Assignor = {
  name: 'sticky',
  javaClass: 'org.apache.kafka.clients.consumer.StickyAssignor',
  cooperative: false,
  userData: (last) => {
    if (last === null) return null
    const writer = new GroupWriter()
    writePartitions(writer, last.partitions)
    return writer.int32(last.generation).bytes()
  },
  assign: (members, partitionCounts) => shareSticky(members, partitionCounts, hadBefore),
}

/**
 * Kafka's CooperativeStickyAssignor (KIP-429): members go on with what they own while the group rebalances. What is to
 * change hands is first taken from who has it, and given away by the rebalance that its giving up causes. The user data
 * (generation:int32) is for leaders that read no generation from version 1 of a subscription.
 */
export const COOPERATIVE_STICKY_ASSIGNOR: Assignor = {
  name: 'cooperative-sticky',
  javaClass: 'org.apache.kafka.clients.consumer.CooperativeStickyAssignor',
  cooperative: true,
  userData: (last) => new GroupWriter().int32(last?.generation ?? NO_GENERATION).bytes(),
  assign: (members, partitionCounts) => {
    const shares = shareSticky(members, partitionCounts, ownedNow)
    return withoutTransfers(members, shares)
  },
}

/** User data that cannot be read is none, as in Java: a member must not be able to stop its group. */
function hadBefore({ subscription: { userData } }: Subscriber): LastAssignment {
  if (userData === null || userData.length === 0) return NOTHING
  try {
    const reader = new GroupReader(userData)
    const partitions = readPartitions(reader)
    return { partitions, generation: reader.atEnd ? NO_GENERATION : reader.int32() }
  } catch {
    return NOTHING
  }
}

function ownedNow({ subscription }: Subscriber): LastAssignment {
  const { owned, generation, userData } = subscription
  if (generation >= 0 || userData?.length !== 4) return { partitions: owned, generation }
  return { partitions: owned, generation: userData.readInt32BE(0) }
}

/** Nobody is given what somebody else says to own: that one must give it up first. */
function withoutTransfers(
  members: readonly Subscriber[],
  shares: ReadonlyMap<string, OwnedPartitions[]>,
): Map<string, OwnedPartitions[]> {
  const owners = new Map<string, Set<string>>()
  for (const { memberId, subscription } of members) {
    for (const { topic, partition } of flatPartitions(subscription.owned)) {
      const key = `${partition} ${topic}`
      owners.set(key, (owners.get(key) ?? new Set()).add(memberId))
    }
  }
  return new Map(
    [...shares].map(([memberId, share]) => {
      const mine = flatPartitions(share).filter(({ topic, partition }) => {
        const claimed = owners.get(`${partition} ${topic}`)
        return claimed === undefined || claimed.has(memberId)
      })
      return [memberId, groupedPartitions(mine)]
    }),
  )
}
