interface Batch {
  readonly nextOffset: bigint
  readonly topicId: string | null
  durable: boolean
  /** Only what comes before this offset became durable; null: all of it. */
  end: bigint | null
}

interface Partition {
  readonly topic: string
  readonly partition: number
  /** Batches in the order in which they were fetched, the oldest first. */
  readonly inFlight: Batch[]
  /** Everything before this offset is durable; null while nothing was. */
  durable: bigint | null
  /** The topic that `durable` is of. */
  topicId: string | null
  committed: bigint | null
}

export interface PartitionOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** Which topic of that name it is of; null or absent where that is not known. */
  readonly topicId?: string | null
}

/**
 * How far each partition of a task is. Invariant 1: an offset becomes committable only when every batch before it is
 * durable, whatever order acknowledgements come in. Invariant 2: it only moves forward, as what is fetched does; it goes
 * back with it where the log itself began anew (a topic that was created again).
 */
export class Positions {
  readonly #partitions = new Map<string, Partition>()

  /**
   * A batch was fetched. The returned function says that all that it produced is durable; where it is told an offset, only
   * what comes before that, and nothing after it will be.
   */
  begin(topic: string, partition: number, nextOffset: bigint, topicId: string | null = null) {
    const state = this.#partition(topic, partition)
    const batch: Batch = { nextOffset, topicId, durable: false, end: null }
    state.inFlight.push(batch)
    return (before?: bigint): void => {
      batch.end = before ?? null
      batch.durable = true
      while (state.inFlight[0]?.durable === true) {
        const done = state.inFlight[0]
        state.durable = done.end ?? done.nextOffset
        state.topicId = done.topicId
        if (done.end !== null) return // and stays the first
        state.inFlight.shift()
      }
    }
  }

  /** What can be committed and was not yet. */
  committable(): PartitionOffset[] {
    const offsets: PartitionOffset[] = []
    for (const { topic, partition, durable, committed, topicId } of this.#partitions.values()) {
      if (durable !== null && durable !== committed)
        offsets.push({ topic, partition, offset: durable, ...(topicId === null ? {} : { topicId }) })
    }
    return offsets
  }

  /** These offsets were committed. */
  committed(offsets: readonly PartitionOffset[]): void {
    for (const { topic, partition, offset } of offsets) this.#partition(topic, partition).committed = offset
  }

  /** Forgets everything: the partitions have another owner now. */
  clear(): void {
    this.#partitions.clear()
  }

  #partition(topic: string, partition: number): Partition {
    const id = `${topic}-${partition}`
    let state = this.#partitions.get(id)
    if (state === undefined) {
      state = { topic, partition, inFlight: [], durable: null, topicId: null, committed: null }
      this.#partitions.set(id, state)
    }
    return state
  }
}
