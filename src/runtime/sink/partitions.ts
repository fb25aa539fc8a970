import type { TopicPartition } from '../../api/plugins.ts'
import type { TopicPartitions } from '../host/protocol.ts'

/** One word for maps and messages. */
export function idOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}

export function flat(partitions: readonly TopicPartitions[]): TopicPartition[] {
  return partitions.flatMap(({ topic, partitions: numbers }) =>
    numbers.map((partition) => ({ topic, partition })),
  )
}

/** By topic, in the order in which they come. */
export function grouped(partitions: readonly TopicPartition[]): TopicPartitions[] {
  return [...Map.groupBy(partitions, ({ topic }) => topic)].map(([topic, each]) => ({
    topic,
    partitions: each.map(({ partition }) => partition),
  }))
}

/** Those of `partitions` that are not among `others`. */
export function without(
  partitions: readonly TopicPartition[],
  others: readonly TopicPartition[],
): TopicPartition[] {
  const gone = new Set(others.map(idOf))
  return partitions.filter((each) => !gone.has(idOf(each)))
}
