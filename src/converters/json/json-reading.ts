import { DataError } from '../../api/errors.ts'
import { isStruct, type Schema, type Value } from '../../api/schema.ts'
import { VALUE_LIMITS } from '../limits.ts'

/** Which values a schema's default stands in for: none, those that are absent, or null ones too as in Kafka Connect. */
export type UseDefault = boolean | 'absent'

const weights = new WeakMap<Schema, number>()

/**
 * How the values of one record are read, and how many more it may have. Without that limit a few bytes are hours of
 * work: `{}` stands for all fields of its schema, and `null` for a default of any size.
 */
export class JsonReading {
  readonly useDefault: UseDefault
  #budget: number

  /** `size`: of the record and its schema together, in bytes or characters. */
  constructor(useDefault: UseDefault, size: number) {
    this.useDefault = useDefault
    this.#budget = VALUE_LIMITS.values + VALUE_LIMITS.jsonValuesPerByte * size
  }

  charge(values: number): void {
    this.#budget -= values
    if (this.#budget < 0)
      throw new DataError('record.malformed', 'The JSON stands for far more values than it has bytes.')
  }

  /** The default of a schema in place of a value that is null or absent; undefined where there is none. */
  defaultOf(schema: Schema, json: unknown): Value | undefined {
    const isReplaced = this.useDefault === 'absent' ? json === undefined : this.useDefault
    if (!isReplaced || schema.default === undefined) return undefined
    let weight = weights.get(schema)
    if (weight === undefined) weights.set(schema, (weight = weightOf(schema.default)))
    this.charge(weight)
    return schema.default
  }
}

/** How much there is to write of a value, roughly. */
function weightOf(value: Value): number {
  if (typeof value === 'string' || Buffer.isBuffer(value)) return value.length
  if (value instanceof Map) {
    return weightOfAll([...(value as ReadonlyMap<Value, Value>)].flat())
  }
  if (Array.isArray(value)) return weightOfAll(value as readonly Value[])
  return value !== null && isStruct(value) ? weightOfAll(Object.values(value)) : 1
}

function weightOfAll(values: readonly Value[]): number {
  return values.reduce<number>((sum, value) => sum + weightOf(value), 1)
}
