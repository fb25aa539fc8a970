import type { AvroSchema } from './avro-schema.ts'
import { isIntegral, isJsonArray, isJsonNumber, isJsonObject, javaDouble } from './json.ts'
import type { JsonValue } from './json.ts'

const RANGE = { int: 1n << 31n, long: 1n << 63n }
const MAX_DEPTH = 300

/**
 * Bounds the work on one schema: a record's default may take the defaults of its fields, which may be records again,
 * and so on without an end.
 */
export interface DefaultBudget {
  steps: number
}

/** Whether a default fits its schema, as Java Avro 1.12 checks it: in a union, any branch will do. */
export function isValidDefault(
  schema: AvroSchema,
  value: JsonValue | undefined,
  budget: DefaultBudget,
  depth = 0,
): boolean {
  if (value === undefined || depth > MAX_DEPTH || --budget.steps < 0) return false
  const check = (part: AvroSchema, item: JsonValue | undefined) =>
    isValidDefault(part, item, budget, depth + 1)
  switch (schema.type) {
    case 'null':
      return value === null
    case 'boolean':
      return typeof value === 'boolean'
    case 'string':
    case 'bytes':
    case 'enum':
    case 'fixed':
      return typeof value === 'string'
    case 'int':
    case 'long':
      return isJsonNumber(value) && isIntegral(value) && isWithin(BigInt(value.digits), RANGE[schema.type])
    case 'float':
    case 'double':
      return isJsonNumber(value)
    case 'array':
      return isJsonArray(value) && value.every((item) => check(schema.items, item))
    case 'map':
      return isJsonObject(value) && [...value.values()].every((item) => check(schema.values, item))
    case 'union':
      return schema.branches.some((branch) => check(branch, value))
    case 'record':
      return (
        isJsonObject(value) &&
        schema.fields.every(({ name, schema: type, default: own }) =>
          check(type, value.has(name) ? value.get(name) : own),
        )
      )
  }
}

const isWithin = (value: bigint, bound: bigint) => value >= -bound && value < bound

/** Java Avro reads the default of a float or double field from text too, e.g. "1e3" or "NaN". */
export function floatDefault(value: JsonValue | undefined): JsonValue | undefined {
  if (typeof value !== 'string') return value
  const trimmed = value.trim()
  if (/^[+-]?(?:NaN|Infinity)$/.test(trimmed)) return { digits: trimmed.replace(/^\+/, '') }
  const number = /^[+-]?[\d.]/.test(trimmed) ? Number(trimmed) : NaN
  return Number.isNaN(number) ? value : { digits: javaDouble(number) }
}
