/** A member's place in one generation of its group. */
export interface Seat {
  readonly memberId: string
  readonly generation: number
}

export interface SessionOptions {
  readonly sessionTimeoutMs: number
  readonly heartbeatMs: number
  /** Sends one heartbeat. */
  beat(seat: Seat): Promise<void>
  /** A heartbeat failed. Returns true where the coordinator answered and still knows the member. */
  onRefused(seat: Seat, error: unknown): boolean
  onHeard(): void
  /** No heartbeat got through for the session timeout: the coordinator has given the seat away. */
  onExpired(): void
}

const SOONEST_RETRY_MS = 250

/**
 * The heartbeats of a member, and the session clock, which this side keeps by itself (invariant 4: a member that cannot
 * reach its coordinator must know that it was replaced). The clock is monotonic and starts at the moment at which the
 * last successful heartbeat was *sent*, which is before the coordinator restarted its own, so this side expires first.
 */
export class GroupSession {
  readonly #options: SessionOptions
  #seat: Seat | null = null
  #heardAt = 0
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
    if (!held || this.#seat === null) this.#heardAt = performance.now()
    this.#seat = seat
    this.#beatIn(this.#options.heartbeatMs)
    this.#watch()
  }

  /** When the seat is lost unless the coordinator is heard of before (performance.now()); 0 without a seat. */
  get expiresAt(): number {
    return this.#seat === null ? 0 : this.#heardAt + this.#options.sessionTimeoutMs
  }

  /** The coordinator took a request of this seat that was sent at `sentAt` (performance.now()). */
  heard(sentAt: number): void {
    this.#heardAt = Math.max(this.#heardAt, sentAt)
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
    const known = await this.#sent(seat)
    if (seat !== this.#seat) return // of an earlier generation, or over
    if (known) this.heard(sentAt)
    const { heartbeatMs } = this.#options
    const next = known ? heartbeatMs : Math.min(heartbeatMs, SOONEST_RETRY_MS)
    this.#beatIn(Math.max(0, sentAt + next - performance.now()))
  }

  async #sent(seat: Seat): Promise<boolean> {
    try {
      await this.#options.beat(seat)
    } catch (error) {
      return seat === this.#seat && this.#options.onRefused(seat, error)
    }
    if (seat === this.#seat) this.#options.onHeard()
    return true
  }

  #watch(): void {
    clearTimeout(this.#expiryTimer)
    const left = this.#heardAt + this.#options.sessionTimeoutMs - performance.now()
    this.#expiryTimer = setTimeout(
      () => {
        if (performance.now() < this.#heardAt + this.#options.sessionTimeoutMs) {
          this.#watch()
          return
        }
        this.end()
        this.#options.onExpired()
      },
      Math.max(1, left),
    )
  }
}
