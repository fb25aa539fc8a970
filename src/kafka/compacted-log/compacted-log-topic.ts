import { TaskError } from '../../api/errors.ts'
import { createTopic, topicConfigs } from '../admin.ts'
import type { KafkaClient } from '../client.ts'

export interface LogTopic {
  readonly topic: string
  /** How many partitions a missing topic gets. 1 is also demanded of one that exists. */
  readonly partitions: number
  /** −1 leaves it to the broker. */
  readonly replicationFactor: number
}

/**
 * Makes sure that a compacted topic exists; returns how many partitions it has. One that would lose state (not
 * compacted) or order (several partitions where one is needed) is refused with a TaskError (`kafka.topic`).
 */
export async function ensureLogTopic(client: KafkaClient, wanted: LogTopic): Promise<number> {
  const { topic, partitions, replicationFactor } = wanted
  let count = await client.partitionCount(topic)
  if (count === null) {
    const configs = { 'cleanup.policy': 'compact' }
    const outcome = await createTopic(client, { topic, partitions, replicationFactor, configs })
    if (outcome === 'created') return partitions
    client.invalidate(topic)
    count = (await client.partitionCount(topic)) ?? partitions
  }
  const policy = (await topicConfigs(client, topic)).get('cleanup.policy') ?? 'unknown'
  if (policy !== 'compact') {
    throw new TaskError(
      'kafka.topic',
      `Topic ${topic} has cleanup.policy=${policy}, so Kafka would delete state from it. Set it to compact ` +
        `(kafka-configs.sh --alter --topic ${topic} --add-config cleanup.policy=compact) or name another topic.`,
    )
  }
  if (partitions === 1 && count !== 1) {
    throw new TaskError(
      'kafka.topic',
      `Topic ${topic} has ${count} partitions, but its records need one order, so it must have exactly 1. Name ` +
        'another topic, or delete this one and let it be created.',
    )
  }
  return count
}
