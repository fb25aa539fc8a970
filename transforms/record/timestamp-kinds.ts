import { DataError, LOGICAL, type Schema, type Value } from 'sluice'
import type { DateFormat } from './java/date-format.ts'
import { kindOf } from './data.ts'

/** The forms that a timestamp may have. */
export const KINDS = ['string', 'unix', 'Date', 'Time', 'Timestamp'] as const
export type Kind = (typeof KINDS)[number]

export const isKind = (text: string): text is Kind => KINDS.some((kind) => kind === text)

/** Nanoseconds per unit. */
export const UNITS: Readonly<Record<string, bigint>> = {
  seconds: 1_000_000_000n,
  milliseconds: 1_000_000n,
  microseconds: 1_000n,
  nanoseconds: 1n,
}
const MILLISECOND = 1_000_000n
const LONG_MAX = 2n ** 63n - 1n
const DAY = 86_400_000

export function schemaOf(kind: Kind, optional: boolean): Schema {
  switch (kind) {
    case 'string':
      return { type: 'STRING', optional }
    case 'unix':
      return { type: 'INT64', optional }
    case 'Date':
      return { type: 'INT32', optional, name: LOGICAL.date, version: 1 }
    case 'Time':
      return { type: 'INT32', optional, name: LOGICAL.time, version: 1 }
    case 'Timestamp':
      return { type: 'INT64', optional, name: LOGICAL.timestamp, version: 1 }
  }
}

export function kindOfSchema({ name, type }: Schema): Kind {
  if (name === LOGICAL.timestamp) return 'Timestamp'
  if (name === LOGICAL.date) return 'Date'
  if (name === LOGICAL.time) return 'Time'
  if (type === 'STRING') return 'string'
  if (type === 'INT64') return 'unix'
  const message = `Schema ${name ?? type} does not correspond to a known timestamp type format`
  throw new DataError('record.schema', message)
}

export function kindOfValue(value: Value): Kind {
  if (value instanceof Date) return 'Timestamp'
  if (typeof value === 'bigint') return 'unix'
  if (typeof value === 'string') return 'string'
  const message = `TimestampConverter does not support ${kindOf(value)} objects as timestamps`
  throw new DataError('record.schema', message)
}

export function read(value: Value, kind: Kind, format: DateFormat | undefined, unit: string): Date {
  if (kind === 'unix' && typeof value === 'bigint')
    return dateOf(scaled(value, UNITS[unit] ?? MILLISECOND, MILLISECOND))
  if (kind === 'string' && typeof value === 'string') {
    if (format === undefined)
      throw new DataError('record.value', 'A timestamp is text, and the option format is missing.')
    const date = format.parse(value)
    if (date !== undefined) return date
    const message = `Could not parse timestamp: value (${value}) does not match pattern (${format.pattern})`
    throw new DataError('record.value', message)
  }
  if (value instanceof Date) return value
  throw new DataError('record.schema', `Expected a timestamp as ${kind}, but found ${kindOf(value)}`)
}

function dateOf(ms: bigint): Date {
  const date = new Date(Number(ms))
  if (!Number.isNaN(date.getTime())) return date
  throw new DataError('record.value', `${ms} ms is out of the range of dates`)
}

/** As java.util.concurrent.TimeUnit: towards zero, and within a long. */
function scaled(value: bigint, from: bigint, to: bigint): bigint {
  const exact = from >= to ? value * (from / to) : value / (to / from)
  if (exact > LONG_MAX) return LONG_MAX
  return exact < -LONG_MAX - 1n ? -LONG_MAX - 1n : exact
}

export function write(date: Date, kind: Kind, format: DateFormat | undefined, unit: string): Value {
  const ms = date.getTime()
  switch (kind) {
    case 'string':
      return format?.format(date) ?? null
    case 'unix':
      return scaled(BigInt(ms), MILLISECOND, UNITS[unit] ?? MILLISECOND)
    case 'Date':
      return new Date(Math.floor(ms / DAY) * DAY)
    case 'Time':
      return new Date(ms - Math.floor(ms / DAY) * DAY)
    case 'Timestamp':
      return date
  }
}
