import type { PartitionOffset as Offset, TopicPartition } from '../../api/plugins.ts'
import { idOf } from './partitions.ts'

interface InFlightBatch {
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
  readonly inFlight: InFlightBatch[]
  /** Everything before this offset is durable; null while nothing was. */
  durable: bigint | null
  /** The topic that `durable` is of. */
  topicId: string | null
  committed: bigint | null
  /** Where the next batch begins; null until the reset policy has found it. */
  next: Start
  /** Where to begin again: what is committed, or where the task began. */
  origin: Start
}

interface Start {
  readonly offset: bigint | null
  readonly topicId: string | null
}

/** Where to fetch a partition from; null leaves it to the reset policy. */
export interface FetchStart extends TopicPartition, Start {}

export interface PartitionOffset extends Offset {
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
    const batch: InFlightBatch = { nextOffset, topicId, durable: false, end: null }
    state.next = { offset: nextOffset, topicId }
    // What the reset policy finds comes first, as a batch without rows.
    if (state.origin.offset === null) state.origin = state.next
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

  /** Of these offsets, those that lie beyond what is committed, or are of a log that began anew. */
  forward(offsets: readonly PartitionOffset[]): readonly PartitionOffset[] {
    return offsets.filter(({ topic, partition, offset }) => {
      const { committed, durable } = this.#partition(topic, partition)
      const anew = durable !== null && committed !== null && durable < committed
      return committed === null || offset > committed || (anew && offset !== committed)
    })
  }

  /** These offsets were committed. */
  committed(offsets: readonly PartitionOffset[]): void {
    for (const { topic, partition, offset, topicId = null } of offsets) {
      const state = this.#partition(topic, partition)
      state.committed = offset
      state.origin = { offset, topicId }
    }
  }

  /** Partitions begin here. */
  start(
    positions: readonly (TopicPartition & {
      readonly offset: bigint | null
      readonly topicId?: string | null
    })[],
  ): void {
    for (const { topic, partition, offset, topicId = null } of positions) {
      const state = this.#partition(topic, partition)
      state.next = state.origin = { offset, topicId }
    }
  }

  /** Goes on with this offset of a partition, which becomes committable; what is in flight of it counts no more. */
  seek({ topic, partition, offset }: Offset): void {
    const { topicId } = this.#partition(topic, partition).next
    this.#restart(topic, partition, { offset, topicId }).durable = offset
  }

  /** Goes back to what is committed; what is in flight counts no more. */
  rewind(): void {
    for (const { topic, partition, origin, committed } of [...this.#partitions.values()])
      this.#restart(topic, partition, origin).committed = committed
  }

  /** Where each partition goes on. */
  next(): FetchStart[] {
    return [...this.#partitions.values()].map(({ topic, partition, next }) => ({ topic, partition, ...next }))
  }

  #restart(topic: string, partition: number, from: Start): Partition {
    this.#partitions.delete(idOf({ topic, partition }))
    const state = this.#partition(topic, partition)
    state.next = state.origin = from
    state.topicId = from.topicId
    return state
  }

  /** Forgets these, which have another owner now; a delivery that is still on its way makes nothing committable. */
  forget(partitions: readonly TopicPartition[]): void {
    for (const each of partitions) this.#partitions.delete(idOf(each))
  }

  /** Where each partition would begin again: what is committed of it, or where the task began; null before that is known. */
  origins(): (TopicPartition & { readonly offset: bigint | null })[] {
    return [...this.#partitions.values()].map(({ topic, partition, origin: { offset } }) => ({
      ...{ topic, partition, offset },
    }))
  }

  /** Forgets everything: the partitions have another owner now. */
  clear(): void {
    this.#partitions.clear()
  }

  #partition(topic: string, partition: number): Partition {
    const id = idOf({ topic, partition })
    let state = this.#partitions.get(id)
    if (state === undefined) {
      const unknown: Start = { offset: null, topicId: null }
      const none = { durable: null, topicId: null, committed: null }
      state = { topic, partition, inFlight: [], ...none, next: unknown, origin: unknown }
      this.#partitions.set(id, state)
    }
    return state
  }
}
