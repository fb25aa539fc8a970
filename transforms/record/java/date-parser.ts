import { type Fields, timeOf } from './date-fields.ts'
import { DAYS, isNumeric, MONTHS, short, type Token } from './date-pattern.ts'

interface Reading {
  readonly text: string
  at: number
  readonly fields: Fields
  /** Whether the year read last is of two digits, and either in the first or the last of the 100 years they stand for. */
  isAmbiguous: boolean
}

/** Reads a text as SimpleDateFormat does, lenient and in UTC; undefined where it does not fit, or is out of range. */
export function parseTokens(tokens: readonly Token[], text: string): Date | undefined {
  const reading: Reading = { text, at: 0, fields: new Map(), isAmbiguous: false }
  for (const [i, token] of tokens.entries()) {
    const read =
      token.letter === undefined
        ? literal(reading, token.text)
        : field(reading, token.letter, token.count, isNumeric(tokens[i + 1]))
    if (!read) return undefined
  }
  const time = timeOf(reading.fields)
  const isTooEarly = reading.isAmbiguous && time < firstOfCentury().getTime()
  const date = new Date(isTooEarly ? timeOf(aCenturyOn(reading.fields)) : time)
  return Number.isNaN(date.getTime()) ? undefined : date
}

function literal(reading: Reading, text: string): boolean {
  if (!reading.text.startsWith(text, reading.at)) return false
  reading.at += text.length
  return true
}

/** `fixed`: not more digits than letters, for another number follows at once. */
function field(reading: Reading, letter: string, count: number, fixed: boolean): boolean {
  const start = reading.at
  while (/[ \t]/.test(reading.text[reading.at] ?? '')) reading.at++
  // As in Java: before a number and a zone blanks do not count, and a name has none before it.
  if (start < reading.at && isNamed(letter, count)) return false
  const end = fixed ? start + count : reading.text.length
  switch (letter) {
    case 'G':
      return name(reading, letter, ['BC', 'AD'])
    case 'a':
      return name(reading, letter, ['AM', 'PM'])
    case 'E':
      return name(reading, letter, DAYS, 1)
    case 'z':
    case 'Z':
      return zone(reading, start)
    case 'X':
      return isoZone(reading, count)
    case 'M':
    case 'L':
      return count <= 2 ? number(reading, 'M', count, end) : name(reading, 'M', MONTHS, 1)
    default:
      return number(reading, letter, count, end)
  }
}

const isNamed = (letter: string, count: number): boolean =>
  'GaE'.includes(letter) || ('ML'.includes(letter) && count > 2)

/** Letters that set the same field as another one: the day of the week, the hour of the day or half day, the zone. */
const SAME: Readonly<Record<string, string>> = { u: 'E', k: 'H', K: 'h', X: 'Z' }

function set({ fields }: Reading, letter: string, value: number): void {
  const field = SAME[letter] ?? letter
  fields.delete(field)
  fields.set(field, value)
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

function number(reading: Reading, letter: string, count: number, end: number): boolean {
  if (end > reading.text.length) return false
  const found = /^-?\d{1,18}/.exec(reading.text.slice(reading.at, end))?.[0]
  if (found === undefined) return false
  reading.at += found.length
  // Java's calendar counts in 32 bits.
  const value = Number(BigInt.asIntN(32, BigInt(found)))
  if ('yY'.includes(letter) && count <= 2 && /^\d\d$/.test(found)) twoDigitYear(reading, letter, value)
  else set(reading, letter, calendarValue(letter, value))
  return true
}

/** As the calendar counts: half days and days have an hour 0, and weeks begin with Sunday, which is 1. */
function calendarValue(letter: string, value: number): number {
  if (letter === 'k') return value === 24 ? 0 : value
  if (letter === 'h') return value === 12 ? 0 : value
  // A day of the week that there is not is left as it is.
  return letter === 'u' && value >= 1 && value <= 7 ? (value % 7) + 1 : value
}

/** 80 years ago: two digits are a year within the 100 that begin here. */
function firstOfCentury(): Date {
  const now = new Date()
  now.setUTCFullYear(now.getUTCFullYear() - 80)
  return now
}

function twoDigitYear(reading: Reading, letter: string, digits: number): void {
  const first = firstOfCentury().getUTCFullYear()
  const year = first - (first % 100) + digits
  reading.isAmbiguous = digits === first % 100
  set(reading, letter, digits < first % 100 ? year + 100 : year)
}

function aCenturyOn(fields: Fields): Fields {
  return new Map([...fields].map(([field, value]) => [field, 'yY'.includes(field) ? value + 100 : value]))
}

const MINUTE = 60_000

/** Names with one meaning that are the same in summer; in UTC. */
const UTC = ['utc', 'gmt', 'coordinated universal time', 'greenwich mean time']

/** Names with one meaning; minutes from UTC, without what summer time adds. */
const ZONES: Readonly<Record<string, number>> = {
  ...{ est: -300, edt: -300, cst: -360, cdt: -360, mst: -420, mdt: -420, pst: -480, pdt: -480 },
  ...{ cet: 60, cest: 60 },
  ...{ 'eastern standard time': -300, 'eastern daylight time': -300, 'central standard time': -360 },
  ...{ 'central daylight time': -360, 'mountain standard time': -420, 'mountain daylight time': -420 },
  ...{ 'pacific standard time': -480, 'pacific daylight time': -480 },
  ...{
    'central european time': 60,
    'central european standard time': 60,
    'central european summer time': 60,
  },
}
const SUMMER = /daylight|summer|[ecmp]dt|cest/

/** `GMT` and `GMT+1:30` with no blank before it, `+0130`, or a name. */
function zone(reading: Reading, start: number): boolean {
  const { text, at } = reading
  if (/[+-]/.test(text[at] ?? '')) return numericZone(reading, /([+-])(\d\d)([0-5]\d)/y)
  if (start === at && /gmt/i.test(text.slice(at, at + 3))) {
    if (/[+-]/.test(text[at + 3] ?? '')) return numericZone(reading, /gmt([+-])(\d{1,2}):([0-5]\d)/iy)
    return offset(reading, text.slice(at, at + 3))
  }
  return namedZone(reading)
}

/** A name that is the same in summer leaves an offset and the summer time that were read before. */
function namedZone(reading: Reading): boolean {
  const rest = reading.text.slice(reading.at).toLowerCase()
  const found = [...UTC, ...Object.keys(ZONES)]
    .filter((each) => rest.startsWith(each))
    .sort((a, b) => b.length - a.length)[0]
  if (found === undefined) return false
  reading.at += found.length
  set(reading, 'z', (ZONES[found] ?? 0) * MINUTE)
  if (UTC.includes(found)) return true
  reading.fields.delete('Z')
  set(reading, 'summer', SUMMER.test(found) ? 60 * MINUTE : 0)
  return true
}

const ISO = [/([+-])(\d\d)/y, /([+-])(\d\d)([0-5]\d)/y, /([+-])(\d\d):([0-5]\d)/y]

function isoZone(reading: Reading, count: number): boolean {
  return reading.text[reading.at] === 'Z' ? offset(reading, 'Z') : numericZone(reading, ISO[count - 1]!)
}

function numericZone(reading: Reading, pattern: RegExp): boolean {
  pattern.lastIndex = reading.at
  const [whole, sign, hour, minute] = pattern.exec(reading.text) ?? []
  return whole !== undefined && Number(hour) <= 23 && offset(reading, whole, sign, hour, minute)
}

function offset(reading: Reading, whole: string, sign = '+', hour = '0', minute = '0'): boolean {
  reading.at += whole.length
  set(reading, 'Z', (sign === '-' ? -1 : 1) * (Number(hour) * 60 + Number(minute)) * MINUTE)
  set(reading, 'summer', 0)
  return true
}
