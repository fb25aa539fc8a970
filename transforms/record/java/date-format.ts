import { type Token, tokensOf } from './date-pattern.ts'
import { formatToken } from './date-printer.ts'
import { parseTokens } from './date-parser.ts'

/** java.text.SimpleDateFormat with English names, in UTC, lenient. */
export interface DateFormat {
  readonly pattern: string
  format(date: Date): string
  /** Undefined where the text does not begin as the pattern says; what follows is ignored, as in Java. */
  parse(text: string): Date | undefined
}

/** What is wrong with a pattern, for the check of a key. */
export function checkDatePattern(pattern: string): string | undefined {
  const tokens = tokensOf(pattern)
  return typeof tokens === 'string' ? tokens : undefined
}

/** @throws Error where `checkDatePattern` has a problem */
export function dateFormat(pattern: string): DateFormat {
  const tokens = tokensOf(pattern)
  if (typeof tokens === 'string') throw new Error(tokens)
  const known: readonly Token[] = tokens
  return {
    pattern,
    format: (date) => known.map((token) => formatToken(token, date)).join(''),
    parse: (text) => parseTokens(known, text),
  }
}

const TIME = dateFormat("HH:mm:ss.SSS'Z'")
const DAY = dateFormat('yyyy-MM-dd')
const TIMESTAMP = dateFormat("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'")

/** How Connect writes a java.util.Date as text: a time within the first day, a date at midnight, else a timestamp. */
export function dateText(date: Date): string {
  const ms = date.getTime()
  if (ms < 86_400_000) return TIME.format(date)
  return (ms % 86_400_000 === 0 ? DAY : TIMESTAMP).format(date)
}

/** A date, time or timestamp by the length of its text, as Connect reads literals. */
export function parseDateText(text: string): { readonly date: Date; readonly kind: DateKind } | undefined {
  const kind = KINDS.get(text.length)
  const date = kind?.format.parse(text)
  return kind === undefined || date === undefined ? undefined : { date, kind: kind.name }
}

export type DateKind = 'date' | 'time' | 'timestamp'

const KINDS = new Map<number, { readonly name: DateKind; readonly format: DateFormat }>([
  [10, { name: 'date', format: DAY }],
  [13, { name: 'time', format: TIME }],
  [24, { name: 'timestamp', format: TIMESTAMP }],
])
