/** A member's place in one generation of its group. */
export interface Seat {
  readonly memberId: string
  readonly generation: number
}

export interface SessionOptions {
  readonly sessionTimeoutMs: number
  readonly heartbeatMs: number
  /** How long a rebalance waits for a member to join; whoever has not is out, however well it is heard of. */
  readonly rebalanceTimeoutMs: number
  /** Sends one heartbeat. */
  beat(seat: Seat): Promise<void>
  /** A heartbeat failed. Returns true where the coordinator answered and still knows the member. */
  onRefused(seat: Seat, error: unknown): boolean
  onHeard(): void
  /** The coordinator may have given the seat away; why. */
  onExpired(reason: string): void
}

const SOONEST_RETRY_MS = 250

/**
 * The heartbeats of a member, and the session clock, which this side keeps by itself (invariant 4: a member that cannot
 * reach its coordinator must know that it was replaced). The clock is monotonic and starts at the moment at which the
 * last successful heartbeat was *sent*, which is before the coordinator restarted its own, so this side expires first. A
 * member that is heard of but does not join a rebalance (its request was lost, or hangs) loses its seat as well, when the
 * coordinator waits no longer.
 */
export class GroupSession {
  readonly #options: SessionOptions
  #seat: Seat | null = null
  #heardAt = 0
  /** When the group was last known to wait for nobody: a rebalance has begun after it. */
  #settledAt = 0
  #isSynced = false
  #beatTimer: NodeJS.Timeout | undefined
  #expiryTimer: NodeJS.Timeout | undefined

  constructor(options: SessionOptions) {
    this.#options = options
  }

  /**
   * Heartbeats for a seat from now on. Where `held`, the member already held something: its clock runs on, because
   * when the coordinator's began is not known. Otherwise it starts now.
   */
  begin(seat: Seat, held: boolean): void {
    if (!held || this.#seat === null) this.#heardAt = this.#settledAt = performance.now()
    this.#seat = seat
    this.#isSynced = false
    this.#beatIn(this.#options.heartbeatMs)
    this.#watch()
  }

  /** When the seat is lost unless the coordinator is heard of before (performance.now()); 0 without a seat. */
  get expiresAt(): number {
    return this.#seat === null ? 0 : this.#end
  }

  /** The seat has its assignment; it was asked for at `sentAt` (performance.now()). */
  synced(sentAt: number): void {
    this.#isSynced = true
    this.#heard(sentAt, true)
  }

  get #end(): number {
    const { sessionTimeoutMs, rebalanceTimeoutMs } = this.#options
    return Math.min(this.#heardAt + sessionTimeoutMs, this.#settledAt + rebalanceTimeoutMs)
  }

  /** The coordinator took a request that was sent at `sentAt`. */
  #heard(sentAt: number, settled: boolean): void {
    this.#heardAt = Math.max(this.#heardAt, sentAt)
    if (settled && this.#isSynced) this.#settledAt = Math.max(this.#settledAt, sentAt)
  }

  end(): void {
    this.#seat = null
    clearTimeout(this.#beatTimer)
    clearTimeout(this.#expiryTimer)
  }

  #beatIn(ms: number): void {
    clearTimeout(this.#beatTimer)
    this.#beatTimer = setTimeout(() => void this.#beat(), ms)
  }

  async #beat(): Promise<void> {
    const seat = this.#seat
    if (seat === null) return
    const sentAt = performance.now()
    const heard = await this.#sent(seat)
    if (seat !== this.#seat) return // of an earlier generation, or over
    if (heard !== 'refused') this.#heard(sentAt, heard === 'settled')
    const { heartbeatMs } = this.#options
    const next = heard !== 'refused' ? heartbeatMs : Math.min(heartbeatMs, SOONEST_RETRY_MS)
    this.#beatIn(Math.max(0, sentAt + next - performance.now()))
  }

  /** `settled`: no rebalance was going on. */
  async #sent(seat: Seat): Promise<'settled' | 'rebalancing' | 'refused'> {
    try {
      await this.#options.beat(seat)
    } catch (error) {
      return seat === this.#seat && this.#options.onRefused(seat, error) ? 'rebalancing' : 'refused'
    }
    if (seat === this.#seat) this.#options.onHeard()
    return 'settled'
  }

  #watch(): void {
    clearTimeout(this.#expiryTimer)
    this.#expiryTimer = setTimeout(
      () => {
        const now = performance.now()
        if (now < this.#end) {
          this.#watch()
          return
        }
        const { sessionTimeoutMs, rebalanceTimeoutMs } = this.#options
        const isSilent = now >= this.#heardAt + sessionTimeoutMs
        this.end()
        this.#options.onExpired(
          isSilent
            ? `no heartbeat reached the coordinator for ${sessionTimeoutMs} ms (session.timeout.ms)`
            : `a rebalance was not joined in ${rebalanceTimeoutMs} ms (rebalance.timeout.ms)`,
        )
      },
      Math.max(1, this.#end - performance.now()),
    )
  }
}
