import {
  flatPartitions,
  groupedPartitions,
  type OwnedPartitions,
  type TopicAndPartition,
} from '../consumer-protocol.ts'
import {
  compareMembers,
  compareText,
  subscribedTopics,
  type LastAssignment,
  type Subscriber,
} from './assignor.ts'

interface Seat {
  readonly memberId: string
  readonly topics: ReadonlySet<string>
  /** By topic. */
  readonly given: Map<string, number[]>
  count: number
}

interface Claim {
  owner: Seat | null
  readonly generation: number
}

/** Who had a partition in the newest generation that anybody claims it for; nobody where two say so. */
type Owners = ReadonlyMap<string, ReadonlyMap<number, Claim>>

/**
 * Shares partitions out as Kafka's sticky assignors promise, by an algorithm of our own. Balanced: nobody has two more
 * than somebody else who could take one of them. Sticky: whoever had a partition keeps it as far as that allows. `had`
 * says what a member claims to have had.
 */
export function shareSticky(
  members: readonly Subscriber[],
  partitionCounts: ReadonlyMap<string, number>,
  had: (member: Subscriber) => LastAssignment,
): Map<string, OwnedPartitions[]> {
  const topics = subscribedTopics(members, partitionCounts)
  const seats = members.toSorted(compareMembers).map(({ memberId, subscription }) => {
    const wanted = new Set(subscription.topics)
    return { memberId, topics: wanted, given: new Map<string, number[]>(), count: 0 }
  })
  const owners = previousOwners(members, seats, new Map(topics), had)
  const free = keepOwned(topics, owners)
  if (wantTheSame(seats, topics)) shareEqually(seats, topics, free)
  else shareByTopic(seats, free, owners)
  const byId = new Map(seats.map((seat) => [seat.memberId, seat]))
  return new Map(members.map(({ memberId }) => [memberId, sharesOf(byId.get(memberId))]))
}

function previousOwners(
  members: readonly Subscriber[],
  seats: readonly Seat[],
  counts: ReadonlyMap<string, number>,
  had: (member: Subscriber) => LastAssignment,
): Owners {
  const seatOf = new Map(seats.map((seat) => [seat.memberId, seat]))
  const owners = new Map<string, Map<number, Claim>>()
  for (const member of members) {
    const seat = seatOf.get(member.memberId)
    const { partitions, generation } = had(member)
    for (const { topic, partition } of flatPartitions(partitions)) {
      if (seat === undefined || !seat.topics.has(topic) || partition >= (counts.get(topic) ?? 0)) continue
      const claims = owners.get(topic) ?? new Map<number, Claim>()
      owners.set(topic, claims)
      const before = claims.get(partition)
      if (before === undefined || before.generation < generation)
        claims.set(partition, { owner: seat, generation })
      else if (before.generation === generation && before.owner !== seat) before.owner = null
    }
  }
  return owners
}

/** Gives everybody what is theirs; what is nobody's is left, those of topics with few subscribers first. */
function keepOwned(topics: readonly (readonly [string, number])[], owners: Owners): TopicAndPartition[] {
  const free: TopicAndPartition[] = []
  for (const [topic, count] of topics) {
    for (let partition = 0; partition < count; partition++) {
      const owner = owners.get(topic)?.get(partition)?.owner ?? null
      if (owner === null) free.push({ topic, partition })
      else give(owner, topic, partition)
    }
  }
  return free
}

function wantTheSame(seats: readonly Seat[], topics: readonly (readonly [string, number])[]): boolean {
  return seats.every((seat) => topics.every(([topic]) => seat.topics.has(topic)))
}

/** All may have all: everybody gets the average, some one more. Those who have more than that come first. */
function shareEqually(
  seats: readonly Seat[],
  topics: readonly (readonly [string, number])[],
  free: TopicAndPartition[],
): void {
  const total = topics.reduce((sum, [, count]) => sum + count, 0)
  const least = Math.floor(total / Math.max(1, seats.length))
  let oneMore = total - least * seats.length
  for (const seat of seats.toSorted((a, b) => b.count - a.count)) {
    const most = seat.count > least && oneMore > 0 ? least + 1 : least
    if (seat.count > least && oneMore > 0) oneMore--
    while (seat.count > most) free.push(takeLast(seat))
  }
  let open = seats.filter(({ count }) => count < least)
  let turn = 0
  for (const { topic, partition } of free.toSorted(comparePartitions)) {
    if (open.length === 0) open = seats.filter(({ count }) => count === least)
    const seat = open[turn % open.length]
    if (seat === undefined) return
    give(seat, topic, partition)
    if (seat.count >= least) open.splice(turn % open.length, 1)
    else turn++
  }
}

/** Not all want the same: each free one to the subscriber with the fewest, then moves as long as one helps. */
function shareByTopic(seats: readonly Seat[], free: readonly TopicAndPartition[], owners: Owners): void {
  const subscribers = new Map<string, Seat[]>()
  for (const seat of seats)
    for (const topic of seat.topics) subscribers.set(topic, [...(subscribers.get(topic) ?? []), seat])
  const fewest = (topic: string): Seat | undefined => {
    let best: Seat | undefined
    for (const seat of subscribers.get(topic) ?? [])
      if (best === undefined || seat.count < best.count) best = seat
    return best
  }
  const width = (topic: string): number => subscribers.get(topic)?.length ?? 0
  for (const { topic, partition } of free.toSorted((a, b) => width(a.topic) - width(b.topic))) {
    const seat = fewest(topic)
    if (seat !== undefined) give(seat, topic, partition)
  }
  // Each move makes the sum of squares of the counts smaller, so this ends.
  for (let moved = true; moved;) {
    moved = false
    for (const from of seats.toSorted((a, b) => b.count - a.count)) {
      for (const topic of from.given.keys()) {
        const to = fewest(topic)
        if (to === undefined || to.count + 1 >= from.count) continue
        give(to, topic, takeFor(to, from, topic, owners))
        moved = true
      }
    }
  }
}

/** Takes a partition away: rather one that goes back to who had it, or that was not this one's. */
function takeFor(to: Seat, from: Seat, topic: string, owners: Owners): number {
  const given = from.given.get(topic) ?? []
  const owner = (partition: number): Seat | null => owners.get(topic)?.get(partition)?.owner ?? null
  let at = given.findIndex((partition) => owner(partition) === to)
  if (at === -1) at = given.findIndex((partition) => owner(partition) !== from)
  const [partition = 0] = given.splice(at, 1) // −1 is the last one
  if (given.length === 0) from.given.delete(topic)
  from.count--
  return partition
}

function give(seat: Seat, topic: string, partition: number): void {
  const partitions = seat.given.get(topic)
  if (partitions === undefined) seat.given.set(topic, [partition])
  else partitions.push(partition)
  seat.count++
}

/** The last one of the topic of which the seat has most, so that topics stay spread. */
function takeLast(seat: Seat): TopicAndPartition {
  let [largest, partitions]: [string, number[]] = ['', []]
  for (const [topic, given] of seat.given)
    if (given.length > partitions.length) [largest, partitions] = [topic, given]
  const partition = partitions.pop() ?? 0
  seat.count--
  return { topic: largest, partition }
}

function sharesOf(seat: Seat | undefined): OwnedPartitions[] {
  const given = [...(seat?.given ?? [])].flatMap(([topic, partitions]) =>
    partitions.map((partition) => ({ topic, partition })),
  )
  return groupedPartitions(given.toSorted(comparePartitions))
}

function comparePartitions(a: TopicAndPartition, b: TopicAndPartition): number {
  return compareText(a.topic, b.topic) || a.partition - b.partition
}
