import { DataError, type Decimal, decimalText, javaNumber, LOGICAL, type Schema, type Value } from 'sluice'
import { dateText } from './date-format.ts'
import { decimalNumber, wholePart, widened } from './number-text.ts'

export const CASTS = ['INT8', 'INT16', 'INT32', 'INT64', 'FLOAT32', 'FLOAT64', 'BOOLEAN', 'STRING'] as const
export type CastType = (typeof CASTS)[number]

const BITS: Partial<Record<CastType, number>> = { INT8: 8, INT16: 16, INT32: 32, INT64: 64 }
const DAY = 86_400_000

/** A value of another type, as Java casts it. Without a schema an integer is a bigint, whatever its width. */
export function castTo(type: CastType, value: Value, schema: Schema | null): Value {
  if (value === null) return null
  const input = type === 'STRING' ? value : encoded(value, schema)
  switch (type) {
    case 'STRING':
      return textOf(value, schema)
    case 'BOOLEAN':
      return typeof input === 'string' ? input.toLowerCase() === 'true' : longOf(input) !== 0n
    case 'FLOAT32':
      return schema === null ? widened(Math.fround(doubleOf(input))) : Math.fround(doubleOf(input))
    case 'FLOAT64':
      return doubleOf(input)
    default:
      return integerOf(type, input, schema === null)
  }
}

/** A date, time or timestamp as the number that stands for it. */
function encoded(value: Value, schema: Schema | null): Value {
  if (!(value instanceof Date) || schema === null) return value
  const time = value.getTime()
  if (schema.name === LOGICAL.date) {
    if (time % DAY !== 0)
      throw wrong('Kafka Connect Date type should not have any time fields set to non-zero values.')
    return time / DAY
  }
  if (schema.name === LOGICAL.time && (time < 0 || time > DAY))
    throw wrong('Kafka Connect Time type should not have any date fields set to non-zero values.')
  return schema.name === LOGICAL.time ? time : BigInt(time)
}

const wrong = (message: string) => new DataError('record.value', message)

function unexpected(value: Value): DataError {
  const kind = typeof value === 'object' ? 'this type' : typeof value
  return new DataError('record.schema', `Cast transformation does not support casting from ${kind}`)
}

function isDecimal(value: Value): value is Decimal {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as { unscaled?: unknown }).unscaled === 'bigint' &&
    Object.getPrototypeOf(value) !== null
  )
}

function textOf(value: Value, schema: Schema | null): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number') {
    if (schema?.type.startsWith('INT') === true) return String(value)
    return javaNumber(value, schema?.type === 'FLOAT32')
  }
  if (typeof value !== 'object' || value === null) return String(value)
  if (Buffer.isBuffer(value)) return value.toString('base64')
  if (schema !== null && value instanceof Date) return dateText(value)
  if (schema !== null && isDecimal(value)) return decimalText(value)
  throw unexpected(value)
}

function integerOf(type: CastType, value: Value, schemaless: boolean): Value {
  const bits = BITS[type] ?? 64
  const whole = typeof value === 'string' ? parsed(value, bits) : narrowed(value, bits)
  return type === 'INT64' || schemaless ? whole : Number(whole)
}

/** Java's narrowing: a float first becomes an int (or long) within its bounds; upper bits are lost. */
function narrowed(value: Value, bits: number): bigint {
  if (typeof value !== 'number' || Number.isInteger(value)) return BigInt.asIntN(bits, longOf(value, bits))
  return BigInt.asIntN(bits, saturated(value, Math.max(bits, 32)))
}

function saturated(value: number, bits: number): bigint {
  const limit = 2n ** BigInt(bits - 1)
  if (Number.isNaN(value)) return 0n
  if (value >= Number(limit)) return limit - 1n
  return value <= -Number(limit) ? -limit : BigInt(Math.trunc(value))
}

/** As a long; of a float within the bounds of an int where it is to be narrower. */
function longOf(value: Value, bits = 64): bigint {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return saturated(value, Math.max(bits, 32))
  if (typeof value === 'boolean') return value ? 1n : 0n
  if (isDecimal(value)) return BigInt.asIntN(64, wholePart(value))
  throw unexpected(value)
}

function parsed(text: string, bits: number): bigint {
  if (/^[+-]?\d{1,40}$/.test(text)) {
    const whole = BigInt(text.replace(/^\+/, ''))
    if (BigInt.asIntN(bits, whole) === whole) return whole
  }
  throw wrong(`Value (${text}) was out of range for requested data type`)
}

const FLOAT = /^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fFdD]?|NaN|Infinity)$/

function doubleOf(value: Value): number {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  if (typeof value === 'boolean') return value ? 1 : 0
  if (isDecimal(value)) return decimalNumber(value)
  if (typeof value !== 'string') throw unexpected(value)
  const text = value.replace(/^[\0- ]+|[\0- ]+$/g, '')
  if (!FLOAT.test(text)) throw wrong(`Value (${value}) was out of range for requested data type`)
  if (/[NI]/.test(text)) return Number(text.replace(/[+-]?NaN/, 'NaN'))
  return Number(text.replace(/[fFdD]$/, ''))
}
