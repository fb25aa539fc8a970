/**
 * The embedded protocol of consumer groups (classic group protocol, protocol type `consumer`), as Kafka's
 * ConsumerProtocolSubscription.json and ConsumerProtocolAssignment.json define it; none of it is flexible.
 *
 *   subscription  version:int16 topics:[string] userData:nullable bytes
 *                 v1+ owned:[topic:string partitions:[int32]]   v2+ generation:int32   v3+ rack:nullable string (KIP-881)
 *   assignment    version:int16 assigned:[topic:string partitions:[int32]] userData:nullable bytes
 *
 * A newer version only adds fields at the end, so it is read as the newest one known.
 */
import { TaskError } from '../../api/errors.ts'
import { GroupReader, GroupWriter } from './group-bytes.ts'

export interface OwnedPartitions {
  readonly topic: string
  readonly partitions: readonly number[]
}

export interface Subscription {
  readonly topics: readonly string[]
  readonly userData: Buffer | null
  readonly owned: readonly OwnedPartitions[]
  /** The generation in which `owned` was assigned; −1 where there is none. */
  readonly generation: number
  readonly rack: string | null
}

export interface ConsumerAssignment {
  readonly assigned: readonly OwnedPartitions[]
  readonly userData: Buffer | null
}

export interface TopicAndPartition {
  readonly topic: string
  readonly partition: number
}

export function flatPartitions(owned: readonly OwnedPartitions[]): TopicAndPartition[] {
  return owned.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })))
}

export function groupedPartitions(flat: readonly TopicAndPartition[]): OwnedPartitions[] {
  return [...Map.groupBy(flat, ({ topic }) => topic)].map(([topic, each]) => ({
    topic,
    partitions: each.map(({ partition }) => partition),
  }))
}

/** A subscription to topics, of a member that owns nothing yet (what an eager assignor asks for). */
export function subscriptionTo(topics: readonly string[]): Subscription {
  return { topics, userData: null, owned: [], generation: -1, rack: null }
}

export function encodeSubscription(subscription: Subscription, version: 0 | 1 | 2 | 3 = 3): Buffer {
  const writer = new GroupWriter().int16(version)
  writer.array(subscription.topics.toSorted(), (topic) => writer.nullableString(topic))
  writer.nullableBytes(subscription.userData)
  if (version >= 1) writePartitions(writer, subscription.owned)
  if (version >= 2) writer.int32(subscription.generation)
  if (version >= 3) writer.nullableString(subscription.rack)
  return writer.bytes()
}

export function decodeSubscription(bytes: Buffer): Subscription {
  const reader = new GroupReader(bytes)
  const version = readVersion(reader)
  return {
    topics: reader.array(() => reader.string()),
    userData: reader.nullableBytes(),
    // kafkajs writes version 1 without the fields of version 1, so what is missing at the end has its default.
    owned: version >= 1 && !reader.atEnd ? readPartitions(reader) : [],
    generation: version >= 2 && !reader.atEnd ? reader.int32() : -1,
    rack: version >= 3 && !reader.atEnd ? reader.nullableString() : null,
  }
}

export function encodeAssignment(assignment: ConsumerAssignment, version: 0 | 1 | 2 | 3 = 3): Buffer {
  const writer = new GroupWriter().int16(version)
  writePartitions(writer, assignment.assigned)
  return writer.nullableBytes(assignment.userData).bytes()
}

/** No bytes at all (a leader that left a member out) are an empty assignment. */
export function decodeAssignment(bytes: Buffer): ConsumerAssignment {
  if (bytes.length === 0) return { assigned: [], userData: null }
  const reader = new GroupReader(bytes)
  readVersion(reader)
  return { assigned: readPartitions(reader), userData: reader.nullableBytes() }
}

function readVersion(reader: GroupReader): number {
  const version = reader.int16()
  if (version >= 0) return version
  throw new TaskError(
    'kafka.protocol',
    `A member sent consumer protocol version ${version}, which cannot be.`,
  )
}

export function writePartitions(writer: GroupWriter, owned: readonly OwnedPartitions[]): void {
  writer.array(owned, ({ topic, partitions }) =>
    writer.nullableString(topic).array(partitions, (partition) => writer.int32(partition)),
  )
}

export function readPartitions(reader: GroupReader): OwnedPartitions[] {
  return reader.array(() => ({ topic: reader.string(), partitions: reader.array(() => reader.int32()) }))
}
