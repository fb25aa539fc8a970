import { type Schema, struct, type Struct } from 'sluice'

const NUMBER: Schema = { type: 'FLOAT64', optional: true, default: null }
export const COLUMNS = ['sepal_length', 'sepal_width', 'petal_length', 'petal_width']

/** The records of the examples: a flower by its four sizes in centimetres. */
export function flowerSchema(names: readonly string[]): Schema {
  const fields = names.map((name) => ({ name, schema: NUMBER }))
  return { type: 'STRUCT', optional: false, name: 'Flower', fields }
}

export const FLOWER = flowerSchema(COLUMNS)

export function flower(sizes: readonly (number | null)[], names: readonly string[] = COLUMNS): Struct {
  return struct(Object.fromEntries(names.map((name, i) => [name, sizes[i] ?? null])))
}
