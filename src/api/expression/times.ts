/** A span of time in whole milliseconds, the precision of Kafka Connect's timestamps. */
export class Duration {
  readonly milliseconds: bigint

  constructor(milliseconds: bigint) {
    this.milliseconds = milliseconds
  }
}

const LONGEST_TEXT = 40
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/
const DURATION = /^(?:\d{1,10}h)?(?:\d{1,10}m)?(?:\d{1,10}s)?(?:\d{1,10}ms)?$/
const PART = /(\d+)(ms|h|m|s)/g
const MILLISECONDS: Readonly<Record<string, bigint>> = { h: 3_600_000n, m: 60_000n, s: 1000n, ms: 1n }
const DATE_LENGTH = 'YYYY-MM-DD'.length
const MS_PER_MINUTE = 60_000
/** Milliseconds; what lies beyond is no Date. */
const LAST = 8_640_000_000_000_000n

/** Undefined where it is not an RFC 3339 time. What it has beyond milliseconds is cut off, as Kafka Connect's type does. */
export function parseTimestamp(text: string): Date | undefined {
  if (text.length > LONGEST_TEXT || !RFC_3339.test(text)) return undefined
  const time = new Date(text)
  if (Number.isNaN(time.getTime())) return undefined
  // V8 reads 30 February as 1 March: what comes out must have the date that went in.
  const zone = text.endsWith('Z') ? 0 : zoneMinutes(text.slice(-'+00:00'.length))
  const local = new Date(time.getTime() + zone * MS_PER_MINUTE).toISOString()
  return local.startsWith(text.slice(0, DATE_LENGTH)) ? time : undefined
}

function zoneMinutes(zone: string): number {
  const [hours = 0, minutes = 0] = zone.slice(1).split(':').map(Number)
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes)
}

/** `1h30m`, `-2s500ms`; undefined where it is none. */
export function parseDuration(text: string): Duration | undefined {
  const span = text.replace(/^[+-]/, '')
  if (text.length > LONGEST_TEXT || span === '' || !DURATION.test(span)) return undefined
  let sum = 0n
  for (const [, digits = '', unit = ''] of span.matchAll(PART)) sum += BigInt(digits) * MILLISECONDS[unit]!
  return new Duration(text.startsWith('-') ? -sum : sum)
}

/** Undefined where it is beyond what a timestamp holds. */
export function timestampOf(milliseconds: bigint): Date | undefined {
  return milliseconds > LAST || milliseconds < -LAST ? undefined : new Date(Number(milliseconds))
}

const MS_PER_DAY = 86_400_000

/** CEL's parts of a timestamp, in UTC: months and days count from 0, but for getDate. */
export const TIME_PARTS: Readonly<Record<string, (time: Date) => number>> = {
  getFullYear: (time) => time.getUTCFullYear(),
  getMonth: (time) => time.getUTCMonth(),
  getDate: (time) => time.getUTCDate(),
  getDayOfMonth: (time) => time.getUTCDate() - 1,
  getDayOfWeek: (time) => time.getUTCDay(),
  getDayOfYear: dayOfYear,
  getHours: (time) => time.getUTCHours(),
  getMinutes: (time) => time.getUTCMinutes(),
  getSeconds: (time) => time.getUTCSeconds(),
  getMilliseconds: (time) => time.getUTCMilliseconds(),
}

function dayOfYear(time: Date): number {
  const newYear = new Date(time)
  newYear.setUTCMonth(0, 1)
  newYear.setUTCHours(0, 0, 0, 0)
  return Math.floor((time.getTime() - newYear.getTime()) / MS_PER_DAY)
}
