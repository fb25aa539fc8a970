import { eventually, uniqueName } from './eventually.ts'
import { kafkajsClient } from './kafka.ts'
import type { ReadMessage } from './topics.ts'

const END = 'end of what is read'

/**
 * All that is in a topic now, read by kafkajs: committed records alone, or those of open and aborted transactions too. A
 * record of its own at the end of each partition says that nothing is left to come.
 */
export async function readToEnd(
  bootstrapServers: string,
  topic: string,
  { uncommitted = false, timeoutMs = 90_000 } = {},
): Promise<ReadMessage[]> {
  const kafka = kafkajsClient(bootstrapServers)
  const [admin, producer] = [kafka.admin(), kafka.producer()]
  await Promise.all([admin.connect(), producer.connect()])
  const partitions = (await admin.fetchTopicOffsets(topic)).map(({ partition }) => partition)
  const ends = uniqueName('end')
  const messages = partitions.map((partition) => ({
    key: ends,
    value: null,
    headers: { [END]: '' },
    partition,
  }))
  await producer.send({ topic, messages })
  await Promise.all([admin.disconnect(), producer.disconnect()])
  const consumer = kafka.consumer({
    groupId: uniqueName('reader'),
    maxWaitTimeInMs: 100,
    readUncommitted: uncommitted,
  })
  // By place: kafkajs, which commits nothing here, may hand a batch over again after it joins its group anew.
  const read = new Map<string, ReadMessage>()
  const ended = new Set<number>()
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachBatch: ({ batch }) => {
      for (const message of batch.messages) {
        if (String(message.key) === ends) ended.add(batch.partition)
        else if (message.headers?.[END] === undefined)
          read.set(`${batch.partition}@${message.offset}`, { ...message, partition: batch.partition })
      }
      return Promise.resolve()
    },
  })
  try {
    await eventually(() => ended.size === partitions.length, { timeoutMs })
  } finally {
    await consumer.disconnect()
  }
  return [...read.values()]
}

/** The values of `readToEnd` as texts, by partition. */
export async function valuesOf(
  bootstrapServers: string,
  topic: string,
  partitions: number,
  isolation: 'read_committed' | 'read_uncommitted' = 'read_committed',
  timeoutMs = 30_000,
): Promise<string[][]> {
  const options = { uncommitted: isolation === 'read_uncommitted', timeoutMs }
  const values = Array.from({ length: partitions }, (): string[] => [])
  for (const { partition, value } of await readToEnd(bootstrapServers, topic, options))
    values[partition]?.push(String(value))
  return values
}
