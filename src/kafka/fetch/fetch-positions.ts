import type { TopicPartition } from '../admin.ts'
import { backOffMs } from '../retry.ts'

export interface StartPosition extends TopicPartition {
  /** null leaves it to the reset policy. */
  readonly offset: bigint | null
  /** The id of the topic that the offset is of; where it is not known, the offset is taken as it is. */
  readonly topicId?: string | null
}

/** Where reading of one partition stands. */
export interface Position extends TopicPartition {
  /** The next offset to ask for; null until the reset policy has found one. */
  offset: bigint | null
  maxBytes: number
  /** The topic that the offset is of; null until it was asked for, or where brokers give none. */
  topicId: string | null
  /** Where what can be read of it ended at the last answer; null before the first. */
  endOffset: bigint | null
  /** Whether `topicId` was compared with what the cluster says. */
  identified: boolean
  /** Failures in a row, and when to try again (performance.now()). */
  failures: number
  retryAt: number
}

export interface DuePositions {
  readonly ready: ReadonlyMap<number, Position[]>
  /** Without leader or offset, or not known to be of the topic that is there now. */
  readonly unprepared: readonly Position[]
}

/**
 * The partitions of one assignment, in the order of their turns: who got data goes to the end, for a broker fills its
 * answer in the order it was asked.
 */
export class FetchPositions {
  readonly #positions = new Map<string, Position>()

  constructor(positions: readonly StartPosition[], maxPartitionBytes: number) {
    this.add(positions, maxPartitionBytes)
  }

  add(positions: readonly StartPosition[], maxPartitionBytes: number): void {
    for (const { topic, partition, offset, topicId = null } of positions) {
      const start = { topic, partition, offset, topicId, endOffset: null, identified: false }
      const position = { ...start, maxBytes: maxPartitionBytes, failures: 0, retryAt: 0 }
      this.#positions.set(FetchPositions.key(position), position)
    }
  }

  static key({ topic, partition }: TopicPartition): string {
    return `${partition} ${topic}`
  }

  get(partition: TopicPartition): Position | undefined {
    return this.#positions.get(FetchPositions.key(partition))
  }

  delete(partition: TopicPartition): void {
    this.#positions.delete(FetchPositions.key(partition))
  }

  /** Positions that need not wait, by leader. */
  due(leaderOf: (position: TopicPartition) => number | null): DuePositions {
    const now = performance.now()
    const ready = new Map<number, Position[]>()
    const unprepared: Position[] = []
    for (const position of this.#positions.values()) {
      if (position.retryAt > now) continue
      const leader = leaderOf(position)
      if (leader === null || position.offset === null || !position.identified) unprepared.push(position)
      else if (ready.get(leader)?.push(position) === undefined) ready.set(leader, [position])
    }
    return { ready, unprepared }
  }

  /** Whether some partition backs off. */
  anyWaiting(): boolean {
    const now = performance.now()
    for (const { retryAt } of this.#positions.values()) if (retryAt > now) return true
    return false
  }

  succeeded(position: Position, gotData: boolean): void {
    position.failures = 0
    if (!gotData) return
    const key = FetchPositions.key(position)
    this.#positions.delete(key)
    this.#positions.set(key, position)
  }

  backOff(position: Position): void {
    position.retryAt = performance.now() + backOffMs(position.failures++)
  }
}
