/** Where a consumer begins without an offset: `auto.offset.reset`. `by_duration:P1D` is what was written in the last day. */
export type OffsetReset = 'earliest' | 'latest' | 'none' | `by_duration:${string}`

const PREFIX = 'by_duration:'
const FORMS = 'earliest, latest, none, by_duration:<ISO 8601 duration> (PT1H, P7D)'
const DAY_MS = 86_400_000

/** What is wrong with a value of `auto.offset.reset`, in any case of letters. */
export function checkOffsetReset(text: string): string | undefined {
  return readOffsetReset(text) === undefined ? `Must be one of: ${FORMS}` : undefined
}

/** Undefined where it is none. */
export function readOffsetReset(text: string): OffsetReset | undefined {
  const lower = text.toLowerCase()
  if (lower === 'earliest' || lower === 'latest' || lower === 'none') return lower
  if (!lower.startsWith(PREFIX) || durationMs(text.slice(PREFIX.length)) === undefined) return undefined
  return `${PREFIX}${text.slice(PREFIX.length)}`
}

/** What to ask a broker for at a time: its first offset, its end, or the first at or after a time in milliseconds. */
export function startingPoint(
  reset: Exclude<OffsetReset, 'none'>,
  now: number,
): 'earliest' | 'latest' | bigint {
  if (reset === 'earliest' || reset === 'latest') return reset
  return BigInt(Math.max(0, Math.round(now - (durationMs(reset.slice(PREFIX.length)) ?? 0))))
}

/** Days to seconds of ISO 8601, as Java's Duration.parse reads them; none may be negative. */
function durationMs(text: string): number | undefined {
  const found =
    /^P(?:(\d{1,9})D)?(?:T(?=\d)(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,12}(?:[.,]\d{0,9})?)S)?)?$/i.exec(text)
  if (found === null || /^P$/i.test(text)) return undefined
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = found
    .slice(1)
    .map((part: string | undefined) => Number((part ?? '0').replace(',', '.')))
  return days * DAY_MS + hours * 3_600_000 + minutes * 60_000 + seconds * 1000
}
