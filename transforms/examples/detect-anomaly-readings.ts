import { OPTIONAL_FLOAT64, type Schema, type Value } from 'sluice'

const NAMES = Array.from({ length: 9 }, (_, i) => `f${i + 1}`)

/** Nine sensors of a shuttle, for examples. */
export const SENSORS: Schema = {
  type: 'STRUCT',
  optional: false,
  name: 'Readings',
  fields: NAMES.map((name) => ({ name, schema: OPTIONAL_FLOAT64 })),
}

/** f1 to f9. */
export function readings(values: readonly (number | null)[]): Readonly<Record<string, Value>> {
  return Object.fromEntries(NAMES.map((name, i) => [name, values[i] ?? null]))
}
