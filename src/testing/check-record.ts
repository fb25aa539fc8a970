import { checkValue } from '../converters/json/to-json.ts'
import type { SinkRecord } from '../api/batch.ts'
import { messageOf } from '../api/errors.ts'
import type { Value } from '../api/schema.ts'

type Data = Pick<SinkRecord, 'key' | 'keySchema' | 'value' | 'valueSchema'>

/**
 * What a worker would refuse of a record that a plugin gives, or another plugin would not understand; undefined where
 * all is right.
 */
export function problemOf(record: Data): string | undefined {
  for (const side of ['key', 'value'] as const) {
    const schema = side === 'key' ? record.keySchema : record.valueSchema
    const found = plainObject(record[side])
    if (found !== undefined)
      return `the ${side} has a plain object${found}, which no transform takes for a struct. Make it with struct({ … })`
    if (schema === null) continue
    try {
      checkValue(record[side], schema)
    } catch (error) {
      return `the ${side} does not fit its schema: ${messageOf(error)}`
    }
  }
  return undefined
}

/** Where in a value there is an object that is no struct, map, date or decimal; undefined where nowhere. */
function plainObject(value: Value, path = ''): string | undefined {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value) || value instanceof Date)
    return undefined
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype && typeof (value as { unscaled?: unknown }).unscaled !== 'bigint')
    return path === '' ? '' : ` at ${path}`
  const items = value instanceof Map ? [...value] : Object.entries(value)
  for (const [name, item] of items) {
    const found = plainObject(item as Value, path === '' ? String(name) : `${path}.${String(name)}`)
    if (found !== undefined) return found
  }
  return undefined
}
