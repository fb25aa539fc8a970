import type { Value } from 'sluice'
import type { Draw } from './draw.ts'

/** Makes the values of one type. */
export interface Generator {
  readonly make: (draw: Draw) => Value
  /** Of the largest value: how many values and characters it has at most. */
  readonly size: number
}

/** Stands for what cannot be made: it was reported. */
export const NOTHING: Generator = { make: () => null, size: 1 }

export function generator(make: (draw: Draw) => Value, size = 1): Generator {
  return { make, size }
}
