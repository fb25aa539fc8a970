import { createTopic } from '../../kafka/admin.ts'
import type { KafkaClient } from '../../kafka/client.ts'
import { TaskError } from '../../api/errors.ts'
import type { Logger } from '../../api/log.ts'

export interface TopicLike {
  readonly sourceTopic: string
  readonly keepPartitions: boolean
}

/** Creates a missing target topic with the source's partition count; refuses one that is too narrow to keep partitions. */
export async function ensureTopic(
  client: KafkaClient,
  log: Logger,
  topic: string,
  like: TopicLike,
): Promise<void> {
  await client.metadata([like.sourceTopic, topic]) // what is cached may be from before partitions were added
  const wanted = await client.partitionCount(like.sourceTopic)
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
