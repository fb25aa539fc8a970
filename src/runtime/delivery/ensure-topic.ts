import { createTopic } from '../../kafka/admin.ts'
import type { KafkaClient } from '../../kafka/client.ts'
import { TaskError } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'

export interface TopicLike {
  readonly sourceTopic: string
  readonly keepPartitions: boolean
}

interface Wanted {
  readonly topic: string
  readonly like: TopicLike
  readonly log: Logger
}

/**
 * Creates a missing target topic with the source's partition count; refuses one that is too narrow to keep partitions. The
 * two may be topics of two Kafkas.
 */
export async function ensureTopic(
  source: KafkaClient,
  client: KafkaClient,
  { topic, like, log }: Wanted,
): Promise<void> {
  // What is cached may be from before partitions were added.
  if (source !== client) await source.metadata([like.sourceTopic])
  await client.metadata(source === client ? [like.sourceTopic, topic] : [topic])
  const wanted = await source.partitionCount(like.sourceTopic)
  if (wanted === null)
    throw new TaskError('kafka.topic', `Topic ${like.sourceTopic} does not exist (any more).`)
  let partitions = await client.partitionCount(topic)
  if (partitions === null) {
    const outcome = await createTopic(client, { topic, partitions: wanted, replicationFactor: -1 })
    if (outcome === 'created') log.info('created the target topic', { topic, partitions: wanted })
    partitions = (await client.partitionCount(topic)) ?? wanted
  }
  if (like.keepPartitions && partitions < wanted) {
    throw new TaskError(
      'kafka.topic',
      `Topic ${topic} has ${partitions} partitions and ${like.sourceTopic} has ${wanted}, so partitions cannot be kept. Add partitions to ${topic}, or set target.partition=key.`,
    )
  }
}
