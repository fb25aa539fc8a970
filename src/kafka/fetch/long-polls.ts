/** A fetch request on its way. */
export interface LongPoll {
  readonly leader: number
  readonly waitMs: number
}

/** The longest that a broker waits for records where none come; each wait in vain is twice as long as the one before. */
const IDLE_WAIT_MS = 5_000

/** How long brokers may wait for records: the longer, the longer none came. */
export class LongPolls {
  readonly #shortest: number
  readonly #pending = new Set<LongPoll>()
  #waitMs: number

  constructor(shortest: number) {
    this.#shortest = this.#waitMs = shortest
  }

  get longest(): number {
    return Math.max(this.#shortest, IDLE_WAIT_MS)
  }

  begin(leader: number): LongPoll {
    const poll: LongPoll = { leader, waitMs: this.#waitMs }
    this.#pending.add(poll)
    return poll
  }

  answered(isEmpty: boolean): void {
    this.#waitMs = isEmpty ? Math.min(this.#waitMs * 2, this.longest) : this.#shortest
  }

  end(poll: LongPoll): void {
    this.#pending.delete(poll)
  }

  /** Of a request that has not ended: nobody waits for its answer any more. */
  isDropped(poll: LongPoll): boolean {
    return !this.#pending.has(poll)
  }

  /** There is something else to ask: drops all requests where one may wait for long; gives the brokers they were at. */
  interrupt(): readonly number[] {
    this.#waitMs = this.#shortest
    const dropped = [...this.#pending]
    if (!dropped.some(({ waitMs }) => waitMs > this.#shortest)) return []
    this.#pending.clear()
    return dropped.map(({ leader }) => leader)
  }
}
