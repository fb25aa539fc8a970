import type { Kafka } from 'kafkajs'
import { uniqueName } from '../support/eventually.ts'
import { type Names, normalText } from './rest-replay.ts'

/** A record of a compacted topic, as committed to the golden files. */
export interface GoldenRecord {
  readonly partition: number
  readonly offset: string
  readonly timestamp: string
  readonly key: string | null
  /** The text of the value. */
  readonly value: string | null
}

/** The records of one connector in the order they were written, comparable between workers: key and parsed value. */
export function recordsOf(
  connector: string,
  records: readonly GoldenRecord[],
  names: Names,
): readonly (readonly [string, unknown])[] {
  return records.flatMap(({ key, value }) => {
    if (key === null || !new RegExp(`^[a-z-]+-${connector}(-\\d+)?$`).test(key)) return []
    return [[key, JSON.parse(normalText(value ?? 'null', names)) as unknown] as const]
  })
}

/** Everything that a topic holds, read with kafkajs; in the order of partition and offset. */
export async function readTopic(kafka: Kafka, topic: string): Promise<GoldenRecord[]> {
  const admin = kafka.admin()
  const consumer = kafka.consumer({ groupId: uniqueName('reader'), maxWaitTimeInMs: 100 })
  const found: GoldenRecord[] = []
  try {
    await Promise.all([admin.connect(), consumer.connect()])
    const ends = await admin.fetchTopicOffsets(topic)
    const open = new Map(ends.filter((p) => p.high !== p.low).map((p) => [p.partition, BigInt(p.high)]))
    await consumer.subscribe({ topic, fromBeginning: true })
    if (open.size > 0)
      await new Promise<void>((resolve, reject) => {
        const eachBatch: NonNullable<Parameters<typeof consumer.run>[0]>['eachBatch'] = ({ batch }) => {
          for (const { key, value, offset, timestamp } of batch.messages) {
            const [k, v] = [key?.toString() ?? null, value?.toString() ?? null]
            found.push({ partition: batch.partition, offset, timestamp, key: k, value: v })
          }
          if (BigInt(batch.lastOffset()) + 1n >= (open.get(batch.partition) ?? 0n))
            open.delete(batch.partition)
          if (open.size === 0) resolve()
          return Promise.resolve()
        }
        consumer.run({ eachBatch }).catch(reject)
      })
  } finally {
    await Promise.all([admin.disconnect(), consumer.disconnect()])
  }
  return found.sort((a, b) => a.partition - b.partition || Number(BigInt(a.offset) - BigInt(b.offset)))
}
