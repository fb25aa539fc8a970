import type { SourceMap } from '../../api/plugins.ts'
import { offsetJson, partitionId } from './offset-format.ts'

/** A position in a source: where a record was read, and where to go on behind it. */
export interface SourcePosition {
  readonly partition: SourceMap
  readonly offset: SourceMap
}

interface Step {
  readonly position: SourcePosition
  durable: boolean
}

interface Partition {
  /** In the order in which they were polled, the oldest first. */
  readonly inFlight: Step[]
  durable: SourcePosition | null
  /** The text of the offset that was committed last. */
  committed: string | null
}

/**
 * How far each source partition of a task is (SubmittedRecords of Kafka Connect). Invariant 1: an offset becomes
 * committable only when its record and all before it in its source partition are durable, whatever order
 * acknowledgements come in; what other partitions wait for holds nothing up.
 */
export class SourcePositions {
  readonly #partitions = new Map<string, Partition>()

  /** Records were polled. The returned function says that all that came of them is durable, or dropped. */
  begin(records: readonly SourcePosition[]): () => void {
    // Of one poll's records in a partition the last one says it all: they become durable together.
    const last = new Map(records.map((record) => [partitionId(record.partition), record]))
    const steps = Array.from(last, ([id, position]) => {
      const step: Step = { position, durable: false }
      const state = this.#partition(id)
      state.inFlight.push(step)
      return { state, step }
    })
    return () => {
      for (const { state, step } of steps) {
        step.durable = true
        while (state.inFlight[0]?.durable === true) state.durable = state.inFlight.shift()!.position
      }
    }
  }

  /** What can be committed and was not yet. */
  committable(): SourcePosition[] {
    return [...this.#partitions.values()].flatMap(({ durable, committed }) =>
      durable === null || offsetJson(durable.offset) === committed ? [] : [durable],
    )
  }

  /** These were committed. */
  committed(positions: readonly SourcePosition[]): void {
    for (const { partition, offset } of positions)
      this.#partition(partitionId(partition)).committed = offsetJson(offset)
  }

  #partition(id: string): Partition {
    let state = this.#partitions.get(id)
    if (state === undefined) {
      state = { inFlight: [], durable: null, committed: null }
      this.#partitions.set(id, state)
    }
    return state
  }
}
