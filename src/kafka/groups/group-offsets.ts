import { deleteGroupsV2, offsetDeleteV0, offsetFetchV8, offsetFetchV9 } from '@platformatic/kafka'
import type { TopicPartition } from '../admin.ts'
import type { KafkaClient } from '../client.ts'
import { apiVersion, chooseApi } from '../connections.ts'
import { kafkaError, responseCode } from '../errors.ts'
import { retrying } from '../retry.ts'

/** An offset that a group has committed. */
export interface GroupOffset extends TopicPartition {
  /** The next offset to read. */
  readonly offset: bigint
}

/**
 * What came of changing a group from outside: `in use` where it has members that read the topic, `absent` where there is no
 * such group.
 */
export type GroupChange = 'done' | 'in use' | 'absent'

const WAIT_MS = 10_000
const ANOTHER_COORDINATOR: readonly number[] = [15, 16]
const NON_EMPTY_GROUP = 68
const GROUP_ID_NOT_FOUND = 69
const GROUP_SUBSCRIBED_TO_TOPIC = 86
const OUTCOMES = new Map<number | undefined, GroupChange>([
  [NON_EMPTY_GROUP, 'in use'],
  [GROUP_SUBSCRIBED_TO_TOPIC, 'in use'],
  [GROUP_ID_NOT_FOUND, 'absent'],
])

/** All that a group has committed, by topic and partition; nothing of a group that is not there. */
export function groupOffsets(client: KafkaClient, groupId: string): Promise<GroupOffset[]> {
  const request = { groupId, memberId: null, memberEpoch: -1, topics: null }
  return retrying(WAIT_MS, () =>
    atCoordinator(
      client,
      groupId,
      `Reading the committed offsets of group ${groupId}`,
      async (connection) => {
        const api = chooseApi(connection, [offsetFetchV9.api, offsetFetchV8.api])
        const { groups } = await api.async(connection, [request], true)
        const found = (groups[0]?.topics ?? []).flatMap(({ name, partitions }) =>
          partitions.map(({ partitionIndex, committedOffset }) => {
            return { topic: name, partition: partitionIndex, offset: committedOffset }
          }),
        )
        return found.filter(({ offset }) => offset >= 0n).sort(byPartition)
      },
    ),
  )
}

/** Removes what a group has committed for some partitions. Where it has committed nothing for them there is nothing to do. */
export function deleteGroupOffsets(
  client: KafkaClient,
  groupId: string,
  partitions: readonly TopicPartition[],
): Promise<GroupChange> {
  const topics = [...Map.groupBy(partitions, ({ topic }) => topic)].map(([name, entries]) => ({
    name,
    partitions: entries.map(({ partition }) => ({ partitionIndex: partition })),
  }))
  return changing(client, groupId, `Removing offsets of group ${groupId}`, async (connection) => {
    apiVersion(connection, offsetDeleteV0.api.key, [offsetDeleteV0.api.version])
    await offsetDeleteV0.api.async(connection, groupId, topics)
  })
}

/** Removes a group with all that it has committed. */
export function deleteGroup(client: KafkaClient, groupId: string): Promise<GroupChange> {
  return changing(client, groupId, `Removing group ${groupId}`, async (connection) => {
    apiVersion(connection, deleteGroupsV2.api.key, [deleteGroupsV2.api.version])
    await deleteGroupsV2.api.async(connection, [groupId])
  })
}

type Connection = Awaited<ReturnType<KafkaClient['connection']>>

async function changing(
  client: KafkaClient,
  groupId: string,
  what: string,
  request: (connection: Connection) => Promise<void>,
): Promise<GroupChange> {
  return retrying(WAIT_MS, () =>
    atCoordinator(client, groupId, what, async (connection): Promise<GroupChange> => {
      try {
        await request(connection)
        return 'done'
      } catch (error) {
        const outcome = OUTCOMES.get(responseCode(error)?.code)
        if (outcome === undefined) throw error
        return outcome
      }
    }),
  )
}

async function atCoordinator<T>(
  client: KafkaClient,
  groupId: string,
  what: string,
  ask: (connection: Connection) => Promise<T>,
): Promise<T> {
  try {
    return await ask(await client.connection(await client.coordinator('group', groupId)))
  } catch (error) {
    const code = responseCode(error)?.code
    if (code === undefined || ANOTHER_COORDINATOR.includes(code))
      client.invalidateCoordinator('group', groupId)
    throw kafkaError(error, what)
  }
}

function byPartition(a: GroupOffset, b: GroupOffset): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1
  return a.partition - b.partition
}
