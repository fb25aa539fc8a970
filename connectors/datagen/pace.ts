/** Says when records are due. Times are milliseconds of a clock that never goes back. */
export interface Pace {
  /** How many records are due, at most `most`; they count as made. */
  take(now: number, most: number): number
  /** When the next one is due. */
  readonly next: number
}

/**
 * Whoever is later than this was paused, or is slower than the rate: what was missed is not made up for. Below it is, so
 * that the rate is exact over seconds.
 */
const PAUSE_MS = 1000

/** As fast as they are taken. */
export const UNLIMITED: Pace = { take: (_now, most) => most, next: -Infinity }

/** A record after each gap, which is asked for in milliseconds. */
export function paced(gap: () => number): Pace {
  let next: number | undefined
  return {
    take: (now, most) => {
      if (next === undefined || now - next > PAUSE_MS) next = now
      let count = 0
      for (; count < most && next <= now; count++) next += gap()
      return count
    },
    get next() {
      return next ?? -Infinity
    },
  }
}
