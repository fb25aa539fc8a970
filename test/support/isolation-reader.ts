import { eventually, uniqueName } from './eventually.ts'
import { kafkajsClient } from './kafka.ts'

/** The last value of a partition: written by kafkajs when all others are. */
const LAST = 'isolation-reader: the end'

/**
 * The values that a topic shows to kafkajs, by partition. It first writes an end to each partition, outside of any
 * transaction, and reads until it sees them: under `read_committed` it waits for transactions that are open.
 */
export async function valuesOf(
  bootstrapServers: string,
  topic: string,
  partitions: number,
  isolation: 'read_committed' | 'read_uncommitted' = 'read_committed',
  timeoutMs = 30_000,
): Promise<string[][]> {
  const kafka = kafkajsClient(bootstrapServers)
  const producer = kafka.producer({ allowAutoTopicCreation: false })
  await producer.connect()
  const ends = Array.from({ length: partitions }, (_, partition) => ({ partition, value: LAST }))
  await producer.send({ topic, messages: ends })
  await producer.disconnect()
  const values = Array.from({ length: partitions }, (): string[] => [])
  const consumer = kafka.consumer({
    groupId: uniqueName('isolation'),
    maxWaitTimeInMs: 100,
    readUncommitted: isolation === 'read_uncommitted',
  })
  await consumer.connect()
  try {
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      eachBatch: ({ batch }) => {
        for (const { value } of batch.messages) values[batch.partition]?.push(String(value))
        return Promise.resolve()
      },
    })
    await eventually(() => values.every((ofPartition) => ofPartition.includes(LAST)), { timeoutMs })
  } finally {
    await consumer.disconnect()
  }
  return values.map((ofPartition) => ofPartition.filter((value) => value !== LAST))
}
