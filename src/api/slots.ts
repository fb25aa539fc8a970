export interface MoreSlots {
  /** At most so many, where work stands still. */
  readonly limit: number
  /** Where nothing has ended for so long, in milliseconds, although something waits, one more begins. */
  readonly patience: number
}

/**
 * So many pieces of work at a time; the others wait for their turn, in order. Work that hangs keeps its slot: with `more`
 * it does not hold up the others for long.
 */
export class Slots {
  readonly #most: number
  readonly #more: MoreSlots | undefined
  readonly #waiting: (() => void)[] = []
  #taken = 0
  #standing: NodeJS.Timeout | undefined

  constructor(most: number, more?: MoreSlots) {
    this.#most = most
    this.#more = more
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.length
  }

  /** Begins before it returns where a slot is free. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#taken < this.#most) this.#taken++
    else {
      const turn = new Promise<void>((resolve) => this.#waiting.push(resolve))
      if (this.#standing === undefined) this.#watch()
      await turn
    }
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#taken--
      else next()
      this.#watch()
    }
  }

  /** Something has begun to wait, or a slot went on to the next. */
  #watch(): void {
    clearTimeout(this.#standing)
    this.#standing = undefined
    if (this.#more === undefined || this.#waiting.length === 0 || this.#taken >= this.#more.limit) return
    this.#standing = setTimeout(() => {
      this.#taken++
      this.#waiting.shift()?.()
      this.#watch()
    }, this.#more.patience)
    this.#standing.unref()
  }
}
