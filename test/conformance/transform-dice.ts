/** Numbers that are the same in every run of the same seed. */
export class Dice {
  #state: number
  constructor(seed: number) {
    this.#state = seed
  }
  /** From 0 to 1. */
  roll(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  below(n: number): number {
    return Math.floor(this.roll() * n)
  }
  chance(p: number): boolean {
    return this.roll() < p
  }
  of<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T
  }
  some<T>(items: readonly T[], most = 3): T[] {
    return Array.from({ length: 1 + this.below(most) }, () => this.of(items))
  }
}
