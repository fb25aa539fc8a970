import { DAY_MS, dayOfDate, firstWeek, weekday } from './dates.ts'
import { DAYS, isNumeric, MONTHS, short, type Token } from './date-pattern.ts'

/** What was read, by letter, in the order in which it was set last. */
type Fields = Map<string, number>

interface Reading {
  readonly text: string
  at: number
  readonly fields: Fields
}

/** Reads a text as SimpleDateFormat does, lenient and in UTC; undefined where it does not fit, or is out of range. */
export function parseTokens(tokens: readonly Token[], text: string): Date | undefined {
  const reading: Reading = { text, at: 0, fields: new Map() }
  for (const [i, token] of tokens.entries()) {
    const read =
      token.letter === undefined
        ? literal(reading, token.text)
        : field(reading, token.letter, token.count, isNumeric(tokens[i + 1]))
    if (!read) return undefined
  }
  const date = new Date(timeOf(reading.fields))
  return Number.isNaN(date.getTime()) ? undefined : date
}

function literal(reading: Reading, text: string): boolean {
  if (!reading.text.startsWith(text, reading.at)) return false
  reading.at += text.length
  return true
}

/** `fixed`: not more digits than letters, for another number follows at once. */
function field(reading: Reading, letter: string, count: number, fixed: boolean): boolean {
  while (/[ \t]/.test(reading.text[reading.at] ?? '')) reading.at++
  switch (letter) {
    case 'G':
      return name(reading, letter, ['BC', 'AD'])
    case 'a':
      return name(reading, letter, ['AM', 'PM'])
    case 'E':
      return name(reading, letter, DAYS)
    case 'z':
    case 'Z':
      return zone(reading)
    case 'X':
      return isoZone(reading, count)
    case 'M':
    case 'L':
      return count <= 2 ? number(reading, 'M', count, fixed) : name(reading, 'M', MONTHS, 1)
    default:
      return number(reading, letter, count, fixed)
  }
}

function set({ fields }: Reading, letter: string, value: number): void {
  fields.delete(letter)
  fields.set(letter, value)
}

/** The longest of some names, in full or short, in any case. */
function name(reading: Reading, letter: string, names: readonly string[], first = 0): boolean {
  const rest = reading.text.slice(reading.at).toLowerCase()
  const forms = [...names.keys()].flatMap((i) => [names[i]!, short(names[i]!)].map((form) => ({ form, i })))
  const fits = forms.filter(({ form }) => rest.startsWith(form.toLowerCase()))
  const best = fits.sort((a, b) => b.form.length - a.form.length)[0]
  if (best === undefined) return false
  reading.at += best.form.length
  set(reading, letter, best.i + first)
  return true
}

function number(reading: Reading, letter: string, count: number, fixed: boolean): boolean {
  const end = fixed ? reading.at + count : reading.text.length
  if (end > reading.text.length) return false
  const found = /^-?\d{1,18}/.exec(reading.text.slice(reading.at, end))?.[0]
  if (found === undefined) return false
  reading.at += found.length
  // Java's calendar counts in 32 bits.
  const value = Number(BigInt.asIntN(32, BigInt(found)))
  set(reading, letter, letter === 'y' && count <= 2 && /^\d\d$/.test(found) ? twoDigitYear(value) : value)
  return true
}

/** Two digits are a year within 80 before and 20 after now. */
function twoDigitYear(digits: number): number {
  const first = new Date().getUTCFullYear() - 80
  const year = first - (first % 100) + digits
  return digits < first % 100 ? year + 100 : year
}

const MINUTE = 60_000

/** Names with one meaning; minutes from UTC. */
const ZONES: Readonly<Record<string, number>> = {
  ...{ utc: 0, gmt: 0, est: -300, edt: -240, cst: -360, cdt: -300, mst: -420, mdt: -360 },
  ...{ pst: -480, pdt: -420, cet: 60, cest: 120 },
}

function zone(reading: Reading): boolean {
  const gmt = /(?:gmt)?([+-])(\d{1,2}):?([0-5]\d)/iy
  gmt.lastIndex = reading.at
  const [whole, sign, hour, minute] = gmt.exec(reading.text) ?? []
  if (whole !== undefined && Number(hour) <= 23) return offset(reading, whole, sign, hour, minute)
  const rest = reading.text.slice(reading.at).toLowerCase()
  const found = Object.keys(ZONES)
    .filter((each) => rest.startsWith(each))
    .sort((a, b) => b.length - a.length)[0]
  if (found === undefined) return false
  reading.at += found.length
  set(reading, 'Z', (ZONES[found] ?? 0) * MINUTE)
  return true
}

const ISO = [/([+-])(\d\d)/y, /([+-])(\d\d)([0-5]\d)/y, /([+-])(\d\d?):([0-5]\d)/y]

function isoZone(reading: Reading, count: number): boolean {
  if (reading.text[reading.at] === 'Z') return offset(reading, 'Z', '+', '0', '0')
  const pattern = ISO[count - 1]!
  pattern.lastIndex = reading.at
  const [whole, sign, hour, minute] = pattern.exec(reading.text) ?? []
  return whole !== undefined && Number(hour) <= 23 && offset(reading, whole, sign, hour, minute)
}

function offset(reading: Reading, whole: string, sign = '+', hour = '0', minute = '0'): boolean {
  reading.at += whole.length
  set(reading, 'Z', (sign === '-' ? -1 : 1) * (Number(hour) * 60 + Number(minute)) * MINUTE)
  return true
}

function timeOf(fields: Fields): number {
  const of = (letter: string, fallback = 0): number => fields.get(letter) ?? fallback
  const time = hourOf(fields) * 3_600_000 + of('m') * MINUTE + of('s') * 1000 + of('S')
  return dayOf(fields) * DAY_MS + time - of('Z')
}

/** Hours of the day, or hours of a half day with their half: whichever was set last. */
function hourOf(fields: Fields): number {
  const order = [...fields.keys()]
  const last = (letters: string): string | undefined => order.filter((each) => letters.includes(each)).at(-1)
  const day = last('Hk')
  const half = last('Kh')
  const isHalf =
    half !== undefined &&
    (day === undefined ||
      (fields.has('a') && order.indexOf(day) < Math.max(order.indexOf(half), order.indexOf('a'))))
  if (!isHalf && day !== undefined) {
    const value = fields.get(day) ?? 0
    return day === 'k' && value === 24 ? 0 : value
  }
  const hour = half === undefined ? 0 : (fields.get(half) ?? 0)
  return (half === 'h' && hour === 12 ? 0 : hour) + 12 * (fields.get('a') ?? 0)
}

/** The day since 1970: by year with month and day, day of the year, or week with its day, whichever was set last. */
function dayOf(fields: Fields): number {
  const order = [...fields.keys()]
  const stamp = (letter: string): number => order.indexOf(letter)
  const year = fields.get('G') === 0 ? 1 - (fields.get('y') ?? 1) : (fields.get('y') ?? 1970)
  const dow =
    fields.has('u') && stamp('u') > stamp('E') ? (((fields.get('u') ?? 1) % 7) + 7) % 7 : fields.get('E')
  // A day of the week beyond 7 counts into the weeks that follow.
  const weeks = Math.floor(((fields.get('u') ?? 1) - 1) / 7)
  const day = stamp('d')
  const hasDow = dow !== undefined
  const byWeek = fields.has('w') && (hasDow || day < 0) && stamp('w') > Math.max(day, stamp('D'))
  if (byWeek || (fields.has('Y') && stamp('Y') > stamp('y')))
    return firstWeek(fields.get('Y') ?? year) + ((fields.get('w') ?? 1) - 1 + weeks) * 7 + (dow ?? 0)
  if (stamp('D') > Math.max(day, stamp('M'))) return dayOfDate(year, 0, fields.get('D') ?? 1)
  const month = (fields.get('M') ?? 1) - 1
  const first = dayOfDate(year, month, 1)
  if (fields.has('W') && stamp('W') > day)
    return first - weekday(first) + ((fields.get('W') ?? 1) - 1) * 7 + (dow ?? 0)
  if (fields.has('F') && hasDow && stamp('F') > day) {
    return first + ((dow - weekday(first) + 7) % 7) + ((fields.get('F') ?? 1) - 1) * 7
  }
  if (day < 0 && hasDow) return first + ((dow - weekday(first) + 7) % 7)
  return dayOfDate(year, month, fields.get('d') ?? 1)
}
