import { type ConnectError, TaskError } from '../../api/errors.ts'
import type { TopicPartition } from '../admin.ts'
import type { TopicMetadata } from '../client.ts'
import { brokerError } from '../errors.ts'

const UNKNOWN_TOPIC_OR_PARTITION = 3
const LEADER_NOT_AVAILABLE = 5

/** Why a partition cannot be asked for at the moment. */
export function leaderless(
  { topic, partition }: TopicPartition,
  answers: readonly TopicMetadata[],
): ConnectError {
  const answer = answers.find((a) => a.topic === topic)
  const exists = answer?.error === 0 && answer.partitions.some((p) => p.partition === partition)
  const code = exists ? LEADER_NOT_AVAILABLE : answer?.error || UNKNOWN_TOPIC_OR_PARTITION
  return brokerError(code, `Looking for the leader of ${topic}-${partition}`)
}

/** There is nowhere to begin, and the reset policy is none. */
export function noOffset(positions: readonly TopicPartition[]): TaskError {
  const names = positions.map((p) => `${p.topic}-${p.partition}`).join(', ')
  return new TaskError(
    'kafka.offset',
    `No valid committed offset for ${names}, and auto.offset.reset is none. Set the offsets of the group, or the reset policy to earliest or latest.`,
  )
}
