import { CUTOVER, DAY_MS, daysInMonth, firstOfMonth, firstWeek, weekday } from './dates.ts'

/**
 * What was read of a date, by letter (`E` is 1 for Sunday, `H` from 0 to 23, `h` from 0 to 11), in the order in which it was
 * set last. The zone is that of a name (`z`), before which an offset counts (`Z`), and `summer` what summer time adds to it.
 * Values may be out of range: the calendar is lenient.
 */
export type Fields = Map<string, number>

const UNSET = -1
const REFORM_YEAR = 1582

/** How a day is given: by its month, or by its year alone, which counts otherwise in the year of the reform. */
interface Given {
  readonly inYear: boolean
  readonly day: (first: number, year: number, month: number) => number
}

/** The time in milliseconds since 1970, as java.util.GregorianCalendar computes it of fields that may contradict each other. */
export function timeOf(fields: Fields): number {
  const of = (field: string): number => fields.get(field) ?? 0
  const time = hourOf(fields) * 3_600_000 + of('m') * 60_000 + of('s') * 1000 + of('S')
  const days = Math.floor(time / DAY_MS)
  return dayOf(fields, days) * DAY_MS + (time - days * DAY_MS) - (fields.get('Z') ?? of('z')) - of('summer')
}

const stampsOf = (fields: Fields) => {
  const order = [...fields.keys()]
  return (field: string): number => order.indexOf(field)
}

/** Two fields that count only together, since the later one. */
const both = (a: number, b: number): number => (a === UNSET || b === UNSET ? UNSET : Math.max(a, b))

/** The hour of the day, or that of a half day with its half: whichever was set last. */
function hourOf(fields: Fields): number {
  const stamp = stampsOf(fields)
  const day = stamp('H')
  let half = both(stamp('h'), stamp('a'))
  if (day === UNSET && half === UNSET) half = Math.max(stamp('h'), stamp('a'))
  if (day >= half) return fields.get('H') ?? 0
  return (fields.get('h') ?? 0) + 12 * (fields.get('a') ?? 0)
}

/** The day since 1970, with `more` days that the hours are over. */
function dayOf(fields: Fields, more: number): number {
  const stamp = stampsOf(fields)
  if (stamp('Y') > stamp('y')) return weekDate(fields) + more
  const written = fields.get('y') ?? 1970
  const year = fields.get('G') === 0 ? 1 - written : written
  const given = givenBy(fields)
  const inCalendar = (gregorian: boolean): number => {
    const months = given.inYear ? 0 : (fields.get('M') ?? 1) - 1
    const [y, m] = [year + Math.floor(months / 12), ((months % 12) + 12) % 12]
    return given.day(firstOfMonth(y, m, gregorian), y, m) + more
  }
  const isJulian = year < REFORM_YEAR || (year === REFORM_YEAR && given.inYear)
  const day = isJulian ? 0 : inCalendar(true)
  return !isJulian && day >= CUTOVER ? day : inCalendar(false)
}

/** Of the ways to give a day the one that was completed last. */
function givenBy(fields: Fields): Given {
  const stamp = stampsOf(fields)
  const dow = stamp('E')
  const date = stamp('d')
  let ofMonth = both(stamp('W'), dow)
  let nth = both(stamp('F'), dow)
  const ofYear = stamp('D')
  let week = both(stamp('w'), dow)
  let best = Math.max(date, ofMonth, nth, ofYear, week)
  if (best === UNSET) {
    // No way is complete: a part of one will do.
    ofMonth = stamp('W')
    nth = Math.max(stamp('F'), dow)
    week = stamp('w')
    best = Math.max(ofMonth, nth, week)
  }
  if (best === UNSET || best === date)
    return { inYear: false, day: (first) => first + (fields.get('d') ?? 1) - 1 }
  const isOfMonth = best === ofMonth && stamp('W') >= stamp('w')
  const isNth = best === nth && stamp('F') >= stamp('w')
  if (isOfMonth && !(isNth && stamp('F') > stamp('W'))) return { inYear: false, day: weekOfMonth(fields) }
  if (isNth) return { inYear: false, day: nthOfMonth(fields) }
  if (best === ofYear) return { inYear: true, day: (first) => first + (fields.get('D') ?? 1) - 1 }
  return { inYear: true, day: weekOfYear(fields) }
}

/** The last day up to this one that is such a day of the week; 1 is Sunday. */
function onOrBefore(day: number, dayOfWeek: number): number {
  return day - ((((weekday(day) - (dayOfWeek - 1)) % 7) + 7) % 7)
}

const inFirstWeek = (first: number, fields: Fields): number =>
  onOrBefore(first - weekday(first) + 6, fields.get('E') ?? 1)

const weekOfMonth = (fields: Fields) => (first: number) =>
  inFirstWeek(first, fields) + 7 * ((fields.get('W') ?? 1) - 1)

const weekOfYear = (fields: Fields) => (first: number) =>
  inFirstWeek(first, fields) + 7 * ((fields.get('w') ?? 1) - 1)

/** The first such day of the week in a month, the second, …; −1 is the last. */
const nthOfMonth = (fields: Fields) => (first: number, year: number, month: number) => {
  const [dayOfWeek, nth] = [fields.get('E') ?? 1, fields.get('F') ?? 1]
  const end = nth >= 0 ? 7 * nth : daysInMonth(year, month) + 7 * (nth + 1)
  return onOrBefore(first + end - 1, dayOfWeek)
}

/** A day of the week that is none counts into the weeks before and after. */
function weekDate(fields: Fields): number {
  let week = fields.get('w') ?? 1
  let dayOfWeek = fields.get('E') ?? 1
  if (dayOfWeek < 1 || dayOfWeek > 7) {
    const iso = dayOfWeek > 7 ? dayOfWeek - 1 : dayOfWeek
    const within = dayOfWeek > 7 ? (iso % 7) + 1 : ((((iso - 1) % 7) + 7) % 7) + 1
    week += dayOfWeek > 7 ? Math.floor(iso / 7) : (iso - within) / 7
    dayOfWeek = (within % 7) + 1
  }
  const written = fields.get('Y') ?? 1970
  const year = fields.get('G') === 0 ? 1 - written : written
  return firstWeek(year) + 7 * (week - 1) + dayOfWeek - 1
}
