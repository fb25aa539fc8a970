import type { SourceRecord, TransactionContext } from '../../api/plugins.ts'

export type TransactionEnd = 'commit' | 'abort'

/** Records of a poll that stay together, and what follows them. */
export interface PollPiece {
  readonly records: readonly SourceRecord[]
  readonly end: TransactionEnd | undefined
}

/** Where a source's transactions end (`transaction.boundary`). */
export type TransactionBoundary =
  | { readonly kind: 'poll' }
  | { readonly kind: 'interval'; readonly ms: number }
  | { readonly kind: 'connector'; readonly requests: BoundaryRequests }

/** What a source asked of its transactions since the last poll (`transaction.boundary=connector`). */
export class BoundaryRequests implements TransactionContext {
  #afterRecord = new Map<SourceRecord, TransactionEnd>()
  #afterPoll: TransactionEnd | undefined

  commit(record?: SourceRecord): void {
    this.#ask('commit', record)
  }

  abort(record?: SourceRecord): void {
    this.#ask('abort', record)
  }

  /** A poll in pieces, each of which ends where a transaction does; what was asked is done with. */
  cut(records: readonly SourceRecord[]): PollPiece[] {
    const pieces: PollPiece[] = []
    let from = 0
    for (const [i, record] of records.entries()) {
      const isLast = i === records.length - 1
      const end = this.#afterRecord.get(record) ?? (isLast ? this.#afterPoll : undefined)
      if (end === undefined && !isLast) continue
      pieces.push({ records: records.slice(from, i + 1), end })
      from = i + 1
    }
    // A poll without records can end what polls before it have begun.
    if (records.length === 0 && this.#afterPoll !== undefined) pieces.push({ records, end: this.#afterPoll })
    this.#afterRecord = new Map()
    this.#afterPoll = undefined
    return pieces
  }

  #ask(end: TransactionEnd, record: SourceRecord | undefined): void {
    if (record === undefined) this.#afterPoll = end
    else this.#afterRecord.set(record, end)
  }
}
