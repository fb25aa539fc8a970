/** What a schema may be at most: everything that reads one is recursive, and a schema comes from outside. */
export const SCHEMA_LIMITS = {
  /** Characters of its text. */
  text: 1 << 20,
  /** Types inside types. */
  depth: 64,
  /** Types after every reference to a named type is replaced by its definition. */
  types: 50_000,
} as const

/** What a value may be at most, beside what its own length allows. */
export const VALUE_LIMITS = {
  /** Values inside values; only a recursive schema can get there. */
  depth: 128,
  /** Values that need no bytes: so many per record, and so many more per byte of it. */
  values: 10_000,
  valuesPerByte: 64,
  /** The same of JSON, whose values take bytes but for absent fields and defaults. */
  jsonValuesPerByte: 8,
} as const
