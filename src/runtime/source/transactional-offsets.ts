import { TaskError } from '../../api/errors.ts'
import type { KafkaClient } from '../../kafka/client.ts'
import { keyedRows } from '../../kafka/compacted-log/compacted-log-rows.ts'
import { partitionForKey } from '../../kafka/produce/partitioner.ts'
import type { BatchWriter } from '../../kafka/transactions/transactional-producer.ts'
import type { OffsetText } from '../host/protocol.ts'

export interface TransactionalOffsetsParts {
  readonly client: Pick<KafkaClient, 'partitionCount'>
  readonly producer: Pick<BatchWriter, 'send'>
  readonly topic: string
}

/** Writes source offsets with the producer of their records, each to the partition of its key, as a compacted log does. */
export async function writeOffsetTexts(
  texts: readonly OffsetText[],
  { client, producer, topic }: TransactionalOffsetsParts,
): Promise<void> {
  if (texts.length === 0) return
  const partitions = await client.partitionCount(topic)
  if (partitions === null)
    throw new TaskError('kafka.topic', `The offset topic ${topic} does not exist (any more).`)
  const records = texts.map(({ key, value }) => {
    const bytes = Buffer.from(key)
    return {
      key: bytes,
      value: value === null ? null : Buffer.from(value),
      partition: partitionForKey(bytes, partitions),
    }
  })
  const tooLarge = (_: number, size: number): never => {
    const message = `An offset has ${size} bytes, more than topic ${topic} takes (max.message.bytes).`
    throw new TaskError('source.offset', message)
  }
  const byPartition = Map.groupBy(records, ({ partition }) => partition)
  await Promise.all(
    [...byPartition].map(([partition, rows]) => producer.send(topic, partition, keyedRows(rows), tooLarge)),
  )
}
