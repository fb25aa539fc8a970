import {
  createTopicsV7,
  deleteTopicsV6,
  describeConfigsV4,
  listOffsetsV6,
  listOffsetsV7,
} from '@platformatic/kafka'
import { TaskError, UnavailableError } from '../api/errors.ts'
import type { KafkaClient } from './client.ts'
import { apiVersion, chooseApi } from './connections.ts'
import { brokerError, kafkaError, responseCode } from './errors.ts'
import { retrying } from './retry.ts'

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export interface NewTopic {
  readonly topic: string
  readonly partitions: number
  /** −1, the default, leaves it to the broker. */
  readonly replicationFactor?: number
  readonly configs?: Readonly<Record<string, string>>
}

const ADMIN_WAIT_MS = 30_000
const UNKNOWN_TOPIC = 3
const TOPIC_EXISTS = 36
const TOO_FEW_BROKERS = 38
const TOPIC_RESOURCE = 2
const ANY_LEADER_EPOCH = -1

/** Creates a topic and waits until every partition has a leader. */
export async function createTopic(client: KafkaClient, topic: NewTopic): Promise<'created' | 'exists'> {
  const outcome = await retrying(ADMIN_WAIT_MS, () => requestTopic(client, topic))
  if (outcome === 'created') {
    client.invalidate(topic.topic)
    await retrying(ADMIN_WAIT_MS, () => requireLeaders(client, topic))
  }
  return outcome
}

async function requestTopic(client: KafkaClient, wanted: NewTopic): Promise<'created' | 'exists'> {
  const { topic, partitions, replicationFactor = -1, configs = {} } = wanted
  try {
    const connection = await client.connection(await client.controller())
    apiVersion(connection, createTopicsV7.api.key, [createTopicsV7.api.version])
    const request = {
      name: topic,
      numPartitions: partitions,
      replicationFactor,
      assignments: [],
      configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
    }
    await createTopicsV7.api.async(connection, [request], ADMIN_WAIT_MS, false)
    return 'created'
  } catch (error) {
    const code = responseCode(error)?.code
    if (code === TOPIC_EXISTS) return 'exists'
    if (code === TOO_FEW_BROKERS) throw tooFewBrokers(topic, replicationFactor, error)
    throw kafkaError(error, `Creating topic ${topic}`)
  }
}

function tooFewBrokers(topic: string, replicationFactor: number, cause: unknown): TaskError {
  const message =
    `Topic ${topic} cannot be created with replication factor ${replicationFactor}: this Kafka has fewer brokers. ` +
    'Set the …replication.factor of this topic lower, or to -1 for the default of the broker.'
  return new TaskError('kafka.topic', message, { cause })
}

async function requireLeaders(client: KafkaClient, { topic, partitions }: NewTopic): Promise<void> {
  const [answer] = await client.metadata([topic])
  const ready = answer?.partitions.filter((p) => p.leader >= 0).length ?? 0
  if (ready < partitions) {
    throw new UnavailableError('kafka.unavailable', `Topic ${topic} was created but has ${ready} leaders yet`)
  }
}

/** Deletes a topic and its records; false where there is none of that name. */
export async function deleteTopic(client: KafkaClient, topic: string): Promise<boolean> {
  try {
    const connection = await client.connection(await client.controller())
    apiVersion(connection, deleteTopicsV6.api.key, [deleteTopicsV6.api.version])
    await deleteTopicsV6.api.async(connection, [{ name: topic }], ADMIN_WAIT_MS)
    client.invalidate(topic)
    return true
  } catch (error) {
    if (responseCode(error)?.code === UNKNOWN_TOPIC) return false
    throw kafkaError(error, `Deleting topic ${topic}`)
  }
}

/** The effective settings of a topic, defaults included. */
export async function topicConfigs(client: KafkaClient, topic: string): Promise<Map<string, string>> {
  try {
    const connection = await client.connection('any')
    apiVersion(connection, describeConfigsV4.api.key, [describeConfigsV4.api.version])
    const resource = { resourceType: TOPIC_RESOURCE, resourceName: topic, configurationKeys: null } as const
    const { results } = await describeConfigsV4.api.async(connection, [resource])
    return new Map((results[0]?.configs ?? []).map((c) => [c.name, c.value ?? '']))
  } catch (error) {
    throw kafkaError(error, `Reading the settings of topic ${topic}`)
  }
}

/**
 * The first offsets (`earliest`) or the ends (`latest`; read committed: the last stable offsets) of partitions, in the
 * order asked.
 */
export async function listOffsets(
  client: KafkaClient,
  partitions: readonly TopicPartition[],
  position: 'earliest' | 'latest',
  isolation: 'read_committed' | 'read_uncommitted' = 'read_uncommitted',
): Promise<bigint[]> {
  return retrying(ADMIN_WAIT_MS, () => askOffsets(client, partitions, position, isolation))
}

/**
 * `listOffsets`, tried once. A position that is a time in milliseconds is the first offset of a record of that time or
 * later, and the end where there is none.
 */
export async function askOffsets(
  client: KafkaClient,
  partitions: readonly TopicPartition[],
  position: 'earliest' | 'latest' | bigint,
  isolation: 'read_committed' | 'read_uncommitted',
): Promise<bigint[]> {
  const isolationLevel = isolation === 'read_committed' ? 1 : 0
  const offsets = new Array<bigint>(partitions.length).fill(-1n)
  const leaders: number[] = []
  for (const { topic, partition } of partitions) leaders.push(await client.leader(topic, partition))
  const byLeader = Map.groupBy(partitions.keys(), (row) => leaders[row]!)
  const asked = [...byLeader].map(async ([leader, rows]) => {
    const wanted = rows.map((row) => partitions[row]!)
    const answers = await offsetsOfLeader(client, leader, wanted, { position, isolationLevel })
    for (const [i, row] of rows.entries()) offsets[row] = answers[i]!
  })
  await Promise.all(asked)
  const none = partitions.filter((_, row) => offsets[row] === -1n)
  if (typeof position !== 'bigint' || none.length === 0) return offsets
  const ends = await askOffsets(client, none, 'latest', isolation)
  return offsets.map((offset) => (offset === -1n ? ends.shift()! : offset))
}

async function offsetsOfLeader(
  client: KafkaClient,
  leader: number,
  partitions: readonly TopicPartition[],
  { position, isolationLevel }: { position: 'earliest' | 'latest' | bigint; isolationLevel: number },
): Promise<bigint[]> {
  const timestamp = typeof position === 'bigint' ? position : position === 'earliest' ? -2n : -1n
  const topics = [...new Set(partitions.map((p) => p.topic))].map((name) => ({
    name,
    partitions: partitions
      .filter((p) => p.topic === name)
      .map((p) => ({ partitionIndex: p.partition, currentLeaderEpoch: ANY_LEADER_EPOCH, timestamp })),
  }))
  const which = typeof position === 'bigint' ? `first since ${position} ms` : position
  const what = `Asking for the ${which} offsets of ${topics.map((t) => t.name).join(', ')}`
  try {
    const connection = await client.connection(leader)
    const api = chooseApi(connection, [listOffsetsV6.api, listOffsetsV7.api])
    const response = await api.async(connection, -1, isolationLevel, topics)
    return partitions.map(({ topic, partition }) => {
      const answer = response.topics.find((t) => t.name === topic)?.partitions
      const offset = answer?.find((p) => p.partitionIndex === partition)?.offset
      if (offset === undefined) throw brokerError(-1, `${what}: ${topic}-${partition} is not in the answer`)
      return offset
    })
  } catch (error) {
    for (const { name } of topics) client.invalidate(name)
    throw kafkaError(error, what)
  }
}

export function clusterId(client: KafkaClient): Promise<string> {
  return client.clusterId()
}
