import { type Field, isStruct, type Schema, type Value } from '../api/schema.ts'

/**
 * Whether two Connect schemas are the same in every part: type, optional, default, name, version, fields, …; no
 * default is the same as a default of null, as in Kafka Connect.
 */
export function sameSchema(a: Schema, b: Schema): boolean {
  if (a === b) return true
  return (
    a.type === b.type &&
    a.optional === b.optional &&
    a.name === b.name &&
    a.version === b.version &&
    a.doc === b.doc &&
    sameParameters(a.parameters, b.parameters) &&
    sameDefault(a, b) &&
    sameOptional(a.keySchema, b.keySchema) &&
    sameOptional(a.valueSchema, b.valueSchema) &&
    sameFields(a.fields ?? [], b.fields ?? [])
  )
}

export function sameFields(a: readonly Field[], b: readonly Field[]): boolean {
  if (a === b) return true
  if (a.length !== b.length) return false
  return a.every((field, i) => field.name === b[i]?.name && sameSchema(field.schema, b[i].schema))
}

function sameOptional(a: Schema | undefined, b: Schema | undefined): boolean {
  return a === undefined || b === undefined ? a === b : sameSchema(a, b)
}

function sameParameters(a: Schema['parameters'], b: Schema['parameters']): boolean {
  const left = Object.entries(a ?? {})
  const right = b ?? {}
  if (left.length !== Object.keys(right).length) return false
  return left.every(([name, value]) => Object.hasOwn(right, name) && right[name] === value)
}

function sameDefault(a: Schema, b: Schema): boolean {
  return sameValue(a.default ?? null, b.default ?? null)
}

/** Whether two Connect values are equal; NaN equals NaN. */
export function sameValue(a: Value, b: Value): boolean {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Buffer.isBuffer(a)) return Buffer.isBuffer(b) && a.equals(b)
  if (a instanceof Date) return b instanceof Date && a.getTime() === b.getTime()
  if (a instanceof Map) {
    if (!(b instanceof Map) || a.size !== b.size) return false
    const other = [...(b as ReadonlyMap<Value, Value>)]
    return [...(a as ReadonlyMap<Value, Value>)].every(([key, value], i) => {
      const entry = other[i]
      return entry !== undefined && sameValue(key, entry[0]) && sameValue(value, entry[1])
    })
  }
  if (Array.isArray(a)) {
    const items = a as readonly Value[]
    return Array.isArray(b) && items.length === b.length && items.every((x, i) => sameValue(x, b[i] as Value))
  }
  if (isStruct(a) !== isStruct(b)) return false
  const left = Object.entries(a as unknown as Record<string, Value>)
  const right = b as unknown as Record<string, Value>
  return (
    left.length === Object.keys(right).length &&
    left.every(([name, value]) => Object.hasOwn(right, name) && sameValue(value, right[name] as Value))
  )
}
