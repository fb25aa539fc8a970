import type { KafkaMessage } from 'kafkajs'
import { eventually, uniqueName } from './eventually.ts'
import { kafkajsClient } from './kafka.ts'

export interface Produced {
  readonly key: string | Buffer | null
  readonly value: Buffer | null
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * Creates a topic and writes records to it, spread over its partitions in turn, by kafkajs. `between` is called after
 * each chunk with the number of records written so far: to break something while data flows.
 */
export async function fillTopic(
  bootstrapServers: string,
  topic: string,
  partitions: number,
  records: readonly Produced[],
  between: (written: number) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const kafka = kafkajsClient(bootstrapServers)
  const admin = kafka.admin()
  // Idempotent: kafkajs sends all partitions again where one was refused because its leader is new.
  const producer = kafka.producer({ allowAutoTopicCreation: false, idempotent: true, maxInFlightRequests: 1 })
  await Promise.all([admin.connect(), producer.connect()])
  const topics = [{ topic, numPartitions: partitions, replicationFactor: 1 }]
  await admin.createTopics({ topics, waitForLeaders: false })
  // kafkajs itself fails where the broker that it asks has not heard of the topic yet.
  await eventually(async () => {
    const metadata = await admin.fetchTopicMetadata({ topics: [topic] })
    return metadata.topics[0]?.partitions.every(({ leader }) => leader >= 0)
  })
  const CHUNK = 5000
  for (let from = 0; from < records.length; from += CHUNK) {
    const messages = records.slice(from, from + CHUNK).map(({ key, value, headers }, i) => ({
      key,
      value,
      headers: { ...headers },
      partition: (from + i) % partitions,
    }))
    await producer.send({ topic, messages })
    await between(from + messages.length)
  }
  await Promise.all([admin.disconnect(), producer.disconnect()])
}

/** The sum of a topic's end offsets; 0 while it does not exist. */
export async function countRecords(bootstrapServers: string, topic: string): Promise<number> {
  const admin = kafkajsClient(bootstrapServers).admin()
  await admin.connect()
  try {
    const offsets = await admin.fetchTopicOffsets(topic)
    return offsets.reduce((sum, { high }) => sum + Number(high), 0)
  } catch {
    return 0
  } finally {
    await admin.disconnect()
  }
}

/** The sum of the offsets that a group has committed of a topic: how many records it is through with, of a topic from 0 on. */
export async function countCommitted(
  bootstrapServers: string,
  groupId: string,
  topic: string,
): Promise<number> {
  const admin = kafkajsClient(bootstrapServers).admin()
  await admin.connect()
  try {
    const [found] = await admin.fetchOffsets({ groupId, topics: [topic] })
    return (found?.partitions ?? []).reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0)
  } finally {
    await admin.disconnect()
  }
}

export type ReadMessage = KafkaMessage & { readonly partition: number }

/** Everything that is in a topic now, read from its start by kafkajs under read_committed. */
export async function readTopic(bootstrapServers: string, topic: string): Promise<ReadMessage[]> {
  const wanted = await countRecords(bootstrapServers, topic)
  const consumer = kafkajsClient(bootstrapServers).consumer({
    groupId: uniqueName('reader'),
    maxWaitTimeInMs: 100,
  })
  const messages: ReadMessage[] = []
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachBatch: ({ batch }) => {
      for (const message of batch.messages) messages.push({ ...message, partition: batch.partition })
      return Promise.resolve()
    },
  })
  try {
    await eventually(() => messages.length >= wanted, { timeoutMs: 60_000 })
  } finally {
    await consumer.disconnect()
  }
  return messages
}
