import { isStruct, type Schema, type Value } from '../../src/index.ts'
import { NAMES } from './transform-data.ts'
import type { Dice } from './transform-dice.ts'

/** Names for a configuration: mostly those of fields that the data has, so that not every case is an error. */
export class Picks {
  readonly isStruct: boolean
  readonly #dice: Dice
  readonly #value: Value
  readonly #names: readonly string[]

  constructor(dice: Dice, schema: Schema | null, value: Value) {
    this.#dice = dice
    this.#value = value
    const fields = schema?.fields?.map(({ name }) => name)
    this.#names = fields ?? (isStruct(value) ? Object.keys(value) : [])
    this.isStruct = fields !== undefined || isStruct(value)
  }

  one(): string {
    const isKnown = this.#names.length > 0 && this.#dice.chance(0.85)
    return this.#dice.of(isKnown ? this.#names : NAMES)
  }

  some(most = 3): string[] {
    return Array.from({ length: 1 + this.#dice.below(most) }, () => this.one())
  }

  list(): string {
    return (
      [...new Set(this.some())].join(',') +
      (this.#dice.chance(0.04) ? this.#dice.of([',', ', ,zz', ' , zz']) : '')
    )
  }

  /** In the syntax of KIP-821. */
  path(): string {
    const steps: string[] = []
    for (let at = this.#value; isStruct(at) && (steps.length === 0 || this.#dice.chance(0.7));) {
      const names = Object.keys(at)
      if (names.length === 0) break
      const name = this.#dice.of(names)
      steps.push(/[.`]/.test(name) ? `\`${name}\`` : name)
      at = at[name] ?? null
    }
    return steps.length === 0 ? this.one() : steps.join('.')
  }
}
