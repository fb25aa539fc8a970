import { type FetchedBatch, offsetOf, sliceBatch } from '../../kafka/record-batches/records.ts'
import type { PartitionOffset } from './positions.ts'
import type { RowRange, SuspectRows, PoisonCause } from '../host/protocol.ts'

/** A fetched batch, or a part of one, that goes through the plugins by itself. */
export interface Chunk {
  readonly fetched: FetchedBatch
  /** One row of a suspect range: whatever its plugins leave behind must show before the next one begins. */
  readonly apart: boolean
  /** One row that was found out: no plugin gets it. */
  readonly poison: PoisonCause | null
}

/**
 * The rows of a task's partitions over which task hosts died. Batches are cut so that each suspect row goes alone; all
 * others go as they come.
 */
export class SuspectChunks {
  #suspects: readonly SuspectRows[]

  constructor(suspects: readonly SuspectRows[]) {
    this.#suspects = suspects
  }

  get any(): boolean {
    return this.#suspects.length > 0
  }

  cut(fetched: FetchedBatch): readonly Chunk[] {
    const suspects = this.any && fetched.length > 0 ? this.#suspectsIn(rangeOf(fetched)) : []
    if (suspects.length === 0) return [{ fetched, apart: false, poison: null }]
    const chunks: Chunk[] = []
    let from = 0
    const take = (to: number, by?: SuspectRows): void => {
      if (to === from) return
      const { poison = null } = by ?? {}
      chunks.push({ fetched: sliceBatch(fetched, from, to), apart: by !== undefined, poison })
      from = to
    }
    for (let row = 0; row < fetched.length; row++) {
      const offset = offsetOf(fetched, row)
      const found = suspects.filter(({ first, last }) => first <= offset && offset <= last)
      if (found.length === 0) continue
      take(row)
      take(row + 1, found.find(({ poison }) => poison !== null) ?? found[0])
    }
    take(fetched.length)
    return chunks
  }

  #suspectsIn(rows: RowRange): readonly SuspectRows[] {
    return this.#suspects.filter(
      (each) => each.apart && isOf(each, rows) && each.first <= rows.last && rows.first <= each.last,
    )
  }

  /** Forgets what lies before these offsets, which are committed; gives those that something lay before. */
  clear(
    committed: readonly { topic: string; partition: number; offset: bigint | null }[],
  ): PartitionOffset[] {
    const cleared: PartitionOffset[] = []
    for (const { topic, partition, offset } of committed) {
      if (offset === null) continue
      const left = this.#suspects.filter((each) => !isOf(each, { topic, partition }) || each.last >= offset)
      if (left.length < this.#suspects.length) cleared.push({ topic, partition, offset })
      this.#suspects = left
    }
    return cleared
  }
}

/** All rows of a batch that has some. */
export function rangeOf(fetched: FetchedBatch): RowRange {
  const { topic, partition, length } = fetched
  return { topic, partition, first: offsetOf(fetched, 0), last: offsetOf(fetched, length - 1) }
}

interface Place {
  readonly topic: string
  readonly partition: number
}

function isOf(rows: Place, { topic, partition }: Place): boolean {
  return rows.topic === topic && rows.partition === partition
}
