const TWO_32 = 2 ** 32
const TWO_21 = 2 ** 21
const TWO_53 = 2 ** 53
const ROUNDS = 12

/**
 * The chances of one record. They follow from seed, task and number of the record alone, not from the records before
 * it, so that a task which goes on in the middle makes the records that it would have made. A small fast counting
 * generator (sfc32).
 */
export class Draw {
  readonly #seed: readonly number[]
  #a = 0
  #b = 0
  #c = 0
  #counter = 0
  /** The number of the record, from 0. */
  index = 0
  /** The present time in milliseconds. */
  now = 0

  constructor(seed: bigint, task: number) {
    const bits = BigInt.asUintN(64, seed)
    this.#seed = [Number(bits & 0xffffffffn), Number(bits >> 32n), task]
  }

  /** Begins a record. */
  begin(index: number, now: number): void {
    const [low = 0, high = 0, task = 0] = this.#seed
    this.index = index
    this.now = now
    this.#a = low ^ mixed(index | 0)
    this.#b = high ^ mixed(Math.floor(index / TWO_32) | 0)
    this.#c = mixed(task)
    this.#counter = 1
    for (let i = 0; i < ROUNDS; i++) this.bits()
  }

  /** 32 bits, as a number from 0 on. */
  bits(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    return sum >>> 0
  }

  /** From 0 to less than 1. */
  unit(): number {
    return ((this.bits() >>> 11) * TWO_32 + this.bits()) / TWO_53
  }

  /** A whole number from 0 to less than `count`, which is at most 2^53. */
  below(count: number): number {
    if (count <= TWO_21) return Math.floor((this.bits() / TWO_32) * count)
    return Math.floor(this.unit() * count)
  }

  /** The same for any count. */
  bigBelow(count: bigint): bigint {
    const words = Math.ceil(count.toString(16).length / 8) + 1
    let bits = 0n
    for (let i = 0; i < words; i++) bits = (bits << 32n) | BigInt(this.bits())
    return (bits * count) >> BigInt(32 * words)
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T
  }
}

/** Spreads near numbers over 32 bits. */
function mixed(word: number): number {
  let bits = (word + 0x9e3779b9) | 0
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35)
  return bits ^ (bits >>> 16)
}
