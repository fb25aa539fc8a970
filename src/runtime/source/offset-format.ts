import { TaskError } from '../../api/errors.ts'
import type { SourceMap } from '../../api/plugins.ts'
import { parseExact, stringifyExact } from '../../converters/exact-json.ts'

/**
 * The records of the offset topic, as Kafka Connect writes them (KafkaOffsetBackingStore, JSON without schemas): the key
 * is `["connector",{partition}]`, the value the offset.
 */
export function offsetKey(connector: string, partition: SourceMap): string {
  return offsetJson([connector, partition])
}

/** JSON text as Jackson writes it: control characters in upper-case hexadecimal, all others as they are. */
export function offsetJson(value: SourceMap | readonly [string, SourceMap]): string {
  return stringifyExact(value).replace(
    /(\\\\)|\\u([0-9a-f]{4})/g,
    (whole, pair: string | undefined, code: string) =>
      pair === undefined ? `\\u${code.toUpperCase()}` : whole,
  )
}

/** Equal for equal partitions, whatever the order of their keys. */
export function partitionId(partition: SourceMap): string {
  return offsetJson(Object.fromEntries(Object.entries(partition).sort(([a], [b]) => (a < b ? -1 : 1))))
}

/** Whose a record's key is; undefined where it is no key of an offset. */
export function parseOffsetKey(
  key: string,
): { readonly connector: string; readonly partition: SourceMap } | undefined {
  const parsed = parsedJson(key)
  if (!Array.isArray(parsed) || parsed.length !== 2) return undefined
  const [connector, partition] = parsed as readonly unknown[]
  return typeof connector === 'string' && isObject(partition)
    ? { connector, partition: partition as SourceMap }
    : undefined
}

/** An offset; null where there is none; undefined where the text is no offset. */
export function parseOffset(value: string | null): SourceMap | null | undefined {
  if (value === null) return null
  const parsed = parsedJson(value)
  if (parsed === null) return null
  return isObject(parsed) ? (parsed as SourceMap) : undefined
}

/**
 * What a source says of itself must be a flat JSON object (Kafka Connect's rule). `what` names it in the error.
 * @throws TaskError `source.offset`
 */
export function requireSourceMap(value: unknown, what: string): asserts value is SourceMap {
  const wrong = sourceMapProblem(value)
  if (wrong !== undefined) throw new TaskError('source.offset', `${what} ${wrong}.`)
}

/** Undefined where all is right. */
export function sourceMapProblem(value: unknown): string | undefined {
  if (!isObject(value)) return `is ${kindOf(value)}, not a plain object`
  for (const [key, item] of Object.entries(value)) {
    const scalar = item === null || ['boolean', 'bigint', 'string'].includes(typeof item)
    if (scalar || (typeof item === 'number' && Number.isFinite(item))) continue
    return `has ${kindOf(item)} as "${key}": only null, booleans, finite numbers and text can be stored`
  }
  return undefined
}

function isObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value === 'number') return String(value)
  if (Array.isArray(value)) return 'an array'
  if (typeof value !== 'object') return typeof value
  return isObject(value) ? 'an object' : `an instance of ${(value as object).constructor.name}`
}

function parsedJson(text: string): unknown {
  try {
    return parseExact(text)
  } catch {
    return undefined
  }
}
