import { offsetCommitV8, offsetCommitV9, offsetFetchV8, offsetFetchV9 } from '@platformatic/kafka'
import { type ConnectError, FencedError, UnavailableError } from '../../api/errors.ts'
import type { KafkaClient } from '../client.ts'
import { chooseApi } from '../connections.ts'
import { kafkaError, responseCode } from '../errors.ts'
import { retrying } from '../retry.ts'

export interface PartitionsOfTopic {
  readonly topic: string
  readonly partitions: readonly number[]
}

export interface CommittedOffset {
  readonly topic: string
  readonly partition: number
  /** The next offset to read; null where nothing is committed. */
  readonly offset: bigint | null
  /** The id of the topic that it was committed for; absent where who committed it did not say. */
  readonly topicId?: string
}

export interface OffsetToCommit {
  readonly topic: string
  readonly partition: number
  /** The next offset to read. */
  readonly offset: bigint
  /** The id of the topic that it is of, to be read again with it. */
  readonly topicId?: string | null
}

/** A member's place in a generation of its group: what fences a commit. */
export interface CommitSeat {
  readonly memberId: string
  readonly generation: number
  readonly groupInstanceId?: string | null
  /**
   * The member goes on while its group joins again, and hears of its new generation when that is over. A commit in
   * between comes too early: it is refused for now, and no sign that the member was replaced.
   */
  readonly cooperative?: boolean
}

const WAIT_MS = 10_000
const ANOTHER_COORDINATOR: readonly number[] = [15, 16]
const REBALANCE_IN_PROGRESS = 27
const ILLEGAL_GENERATION = 22
const UNKNOWN_LEADER_EPOCH = -1
/** A commit that no member makes; the broker takes it while the group has no members (admin tools, an empty group). */
export const NOBODY: CommitSeat = { memberId: '', generation: -1 }
const NO_EPOCH = -1
/** What we put beside an offset: group offsets name topics, and a topic may be deleted and created again. */
const TOPIC_ID = /^topic-id=([0-9a-f-]{36})$/

/**
 * What a group has committed, in the order asked. Waits for transactions that are about to commit offsets (KIP-447).
 * Throws UnavailableError where the coordinator cannot be reached for some seconds.
 */
export function fetchOffsets(
  client: KafkaClient,
  groupId: string,
  topics: readonly PartitionsOfTopic[],
): Promise<CommittedOffset[]> {
  if (topics.length === 0) return Promise.resolve([])
  return retrying(WAIT_MS, () => fetchOnce(client, groupId, topics))
}

async function fetchOnce(
  client: KafkaClient,
  groupId: string,
  topics: readonly PartitionsOfTopic[],
): Promise<CommittedOffset[]> {
  const request = {
    groupId,
    memberId: null,
    memberEpoch: NO_EPOCH,
    topics: topics.map(({ topic, partitions }) => ({ name: topic, partitionIndexes: [...partitions] })),
  }
  try {
    const connection = await client.connection(await client.coordinator('group', groupId))
    const api = chooseApi(connection, [offsetFetchV9.api, offsetFetchV8.api])
    const { groups } = await api.async(connection, [request], true)
    const found = new Map<string, { offset: bigint; topicId?: string }>()
    for (const { name, partitions } of groups[0]?.topics ?? []) {
      for (const { partitionIndex, committedOffset, metadata } of partitions) {
        const topicId = TOPIC_ID.exec(metadata ?? '')?.[1]
        found.set(`${name} ${partitionIndex}`, {
          offset: committedOffset,
          ...(topicId === undefined ? {} : { topicId }),
        })
      }
    }
    return topics.flatMap(({ topic, partitions }) =>
      partitions.map((partition) => {
        const { offset = -1n, ...rest } = found.get(`${topic} ${partition}`) ?? {}
        return { topic, partition, offset: offset < 0n ? null : offset, ...rest }
      }),
    )
  } catch (error) {
    throw failed(client, groupId, error, `Reading the committed offsets of group ${groupId}`)
  }
}

/**
 * Commits offsets as a member of the group (`seat`), or as nobody (null) into a group that has no members.
 *
 * Invariant 2: FencedError where the member was replaced, its generation is over or the group has already joined
 * again without this commit; it must stop, and never retry. UnavailableError where the coordinator could not be
 * reached for some seconds; whether the commit happened is then not known, and committing again is safe. So it is with
 * `kafka.rebalancing`, which a cooperative member is told at once: it commits again when its group has joined.
 */
export async function commitOffsets(
  client: KafkaClient,
  groupId: string,
  seat: CommitSeat | null,
  offsets: readonly OffsetToCommit[],
): Promise<void> {
  if (offsets.length === 0) return
  const passed = await retrying(WAIT_MS, () =>
    commitOnce(client, groupId, seat ?? NOBODY, offsets).catch((error: unknown) => {
      if (error instanceof UnavailableError && NOTHING_TO_WAIT_FOR.includes(error.code)) return error
      throw error
    }),
  )
  if (passed instanceof UnavailableError) throw passed
}

/**
 * A topic may never come back, and the offsets of the others are committed. A rebalance is over when the member is told
 * so, which it cannot be while it waits here.
 */
const NOTHING_TO_WAIT_FOR: readonly string[] = ['kafka.topic', 'kafka.rebalancing']

async function commitOnce(
  client: KafkaClient,
  groupId: string,
  { memberId, generation, groupInstanceId = null, cooperative = false }: CommitSeat,
  offsets: readonly OffsetToCommit[],
): Promise<void> {
  const topics = [...Map.groupBy(offsets, ({ topic }) => topic)].map(([name, entries]) => ({
    name,
    partitions: entries.map(({ partition, offset, topicId = null }) => ({
      partitionIndex: partition,
      committedOffset: offset,
      committedLeaderEpoch: UNKNOWN_LEADER_EPOCH,
      committedMetadata: offsetMetadata(topicId),
    })),
  }))
  try {
    const connection = await client.connection(await client.coordinator('group', groupId))
    const api = chooseApi(connection, [offsetCommitV9.api, offsetCommitV8.api])
    await api.async(connection, groupId, generation, memberId, groupInstanceId, topics)
  } catch (error) {
    const what = `Committing offsets of group ${groupId}`
    const code = responseCode(error)?.code
    const refused = code === undefined ? null : seatRefusal(code, cooperative, what)
    throw refused ?? failed(client, groupId, error, what)
  }
}

/** What a commit says of the topic of an offset. */
export function offsetMetadata(topicId: string | null): string {
  return topicId === null ? '' : `topic-id=${topicId}`
}

/** The error of a member whose group rebalances; null where the code means something else. */
export function seatRefusal(code: number, cooperative: boolean, what: string): ConnectError | null {
  if (cooperative && (code === REBALANCE_IN_PROGRESS || code === ILLEGAL_GENERATION))
    return new UnavailableError(
      'kafka.rebalancing',
      `${what}: the group rebalances; they are committed after it`,
    )
  if (code !== REBALANCE_IN_PROGRESS) return null
  return new FencedError(
    'kafka.fenced',
    `${what}: the group has joined again; the offsets belong to the past`,
  )
}

function failed(client: KafkaClient, groupId: string, error: unknown, what: string): Error {
  const code = responseCode(error)?.code ?? null
  if (code === null || ANOTHER_COORDINATOR.includes(code)) client.invalidateCoordinator('group', groupId)
  return kafkaError(error, what)
}
