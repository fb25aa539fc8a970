import { type AvroType, LOGICAL, type Value } from 'sluice'
import { type Annotations, shown } from './annotations.ts'
import { type Generator, generator, NOTHING } from './generator.ts'

const MS_PER_DAY = 86_400_000
const LATEST = 100_000_000 * MS_PER_DAY
const NANOS_PER_MS = 1_000_000n
const NANOSECONDS = { earliest: -9_223_372_036_854, latest: 9_223_372_036_854 }

/** A time as its type has it, where the type is none of Connect's: by the `logicalType` of a long. */
const LONGS = new Map<unknown, bigint>([
  ['timestamp-micros', 1000n],
  ['local-timestamp-micros', 1000n],
  ['timestamp-nanos', NANOS_PER_MS],
  ['local-timestamp-nanos', NANOS_PER_MS],
])

/** Undefined for a type that holds no point in time. */
function timeForm({ type, connect, attributes }: AvroType): ((ms: number) => Value) | undefined {
  if (connect?.name === LOGICAL.timestamp) return (ms) => new Date(ms)
  if (connect?.name === LOGICAL.date) return (ms) => new Date(Math.floor(ms / MS_PER_DAY) * MS_PER_DAY)
  if (type === 'string') return (ms) => new Date(ms).toISOString()
  if (type !== 'long') return undefined
  const units = LONGS.get(attributes['logicalType']) ?? 1n
  return (ms) => BigInt(ms) * units
}

export function holdsTime(type: AvroType): boolean {
  return timeForm(type) !== undefined
}

/** `"now"`, or from `start` on, `step` milliseconds a record. */
export function timestamps(annotations: Annotations, type: AvroType): Generator {
  const form = timeForm(type)
  if (form === undefined) return NOTHING
  const given = annotations.get('timestamp')
  const size = type.type === 'string' ? 27 : 1
  if (given === 'now') return generator(({ now }) => form(now), size)
  if (typeof given === 'string') {
    annotations.problem(
      `has timestamp ${shown(given)}, which must be "now" or an object with start and step.`,
    )
    return NOTHING
  }
  const stamp = annotations.object('timestamp', ['start', 'step'])
  if (stamp === undefined) return NOTHING
  const start = readTime(stamp)
  const step = stamp.number('step') ?? 1000
  const isNanos = LONGS.get(type.attributes['logicalType']) === NANOS_PER_MS
  const { earliest, latest } = isNanos ? NANOSECONDS : { earliest: -LATEST, latest: LATEST }
  if (!Number.isSafeInteger(step) || step === 0)
    stamp.problem(
      `has step ${shown(stamp.get('step'))}, which must be a whole number of milliseconds, not 0.`,
    )
  else if (start !== undefined && (start < earliest || start > latest))
    stamp.problem(`has a start that ${isNanos ? 'nanoseconds do' : 'a date does'} not reach.`)
  else if (start !== undefined) {
    // At the end of time it begins anew.
    const length = 1 + Math.floor((step > 0 ? latest - start : start - earliest) / Math.abs(step))
    return generator(({ index }) => form(start + (index % length) * step), size)
  }
  return NOTHING
}

function readTime(stamp: Annotations): number | undefined {
  const given = stamp.get('start')
  const ms = typeof given === 'string' ? Date.parse(given) : given
  if (typeof ms === 'number' && Number.isSafeInteger(ms)) return ms
  stamp.problem(
    `has start ${shown(given)}, which must be a time such as "2026-01-31T12:00:00Z", or milliseconds since 1970.`,
  )
  return undefined
}
