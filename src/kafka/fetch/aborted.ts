import { AT } from '../record-batches/record-batch.ts'
import type { BatchHeader } from '../record-batches/record-batch-header.ts'
import { VarintReader } from '../record-batches/varint.ts'

/** A transaction that was aborted, as a Fetch response names it. */
export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: bigint
}

const ABORT = 0

/**
 * Which batches of a fetch belong to aborted transactions: those of a producer from the named first offset on, up to
 * its abort marker (KIP-98). Batches are asked about in order.
 */
export class AbortedRanges {
  readonly #waiting: AbortedTransaction[]
  readonly #aborting = new Set<bigint>()

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#waiting = [...aborted].sort((a, b) => Number(b.firstOffset - a.firstOffset))
  }

  /** Whether a data batch is to be dropped. A control batch ends its producer's range if it is an abort marker. */
  drops(header: BatchHeader, bytes: Buffer): boolean {
    for (;;) {
      const next = this.#waiting.at(-1)
      if (next === undefined || next.firstOffset > header.lastOffset) break
      this.#aborting.add(next.producerId)
      this.#waiting.pop()
    }
    if (!header.transactional || !this.#aborting.has(header.producerId)) return false
    if (!header.control) return true
    if (markerType(header, bytes) === ABORT) this.#aborting.delete(header.producerId)
    return false
  }
}

/** The type in the key of a control batch's only record: `version i16 · type i16`; −1 where it is not readable. */
function markerType(header: BatchHeader, bytes: Buffer): number {
  const reader = new VarintReader(bytes, header.start + AT.records)
  reader.int()
  reader.at++
  reader.long()
  reader.int()
  const keyLength = reader.int()
  return keyLength >= 4 && reader.at + 4 <= header.end ? bytes.readInt16BE(reader.at + 2) : -1
}
