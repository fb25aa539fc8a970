/** Days and dates as java.util.GregorianCalendar counts them: Julian before 15 October 1582. */

export const DAY_MS = 86_400_000
/** The first Gregorian day, in days since 1970. */
export const CUTOVER = -141_427

export interface YearMonthDay {
  /** Astronomical: 0 is 1 BC. */
  readonly year: number
  /** From 0. */
  readonly month: number
  readonly day: number
}

/** The date of a day, counted from 1970-01-01. */
export function dateOfDay(epochDay: number): YearMonthDay {
  return civil(epochDay, epochDay >= CUTOVER)
}

/** The day of a date; month and day may be out of range, as in a lenient calendar. */
export function dayOfDate(year: number, month: number, day: number): number {
  const y = year + Math.floor(month / 12)
  const m = ((month % 12) + 12) % 12
  const gregorian = firstOfMonth(y, m, true) + day - 1
  if (gregorian >= CUTOVER) return gregorian
  const julian = firstOfMonth(y, m, false) + day - 1
  // The days that the reform left out go on from the Julian calendar.
  return julian
}

/** The first day of a month in one of the two calendars; months are 0 to 11. */
export function firstOfMonth(year: number, month: number, gregorian: boolean): number {
  const before = year - 1
  const leaps = Math.floor(before / 4) - (gregorian ? Math.floor(before / 100) - Math.floor(before / 400) : 0)
  // 719162 days lie between 0001-01-01 and 1970-01-01 in the Gregorian calendar; the Julian one starts 2 days earlier.
  const start = before * 365 + leaps - 719_162 - (gregorian ? 0 : 2)
  return start + daysBefore(month, isLeap(year, gregorian))
}

const MONTH_STARTS = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334]

export function daysInMonth(year: number, month: number): number {
  const isLong = [3, 5, 8, 10].includes(month) ? 30 : 31
  return month === 1 ? (isLeap(year, year >= 1582) ? 29 : 28) : isLong
}

function daysBefore(month: number, leap: boolean): number {
  return (MONTH_STARTS[month] ?? 0) + (leap && month > 1 ? 1 : 0)
}

function isLeap(year: number, gregorian: boolean): boolean {
  return year % 4 === 0 && (!gregorian || year % 100 !== 0 || year % 400 === 0)
}

function civil(epochDay: number, gregorian: boolean): YearMonthDay {
  let year = Math.floor(epochDay / (gregorian ? 365.2425 : 365.25)) + 1970
  while (firstOfMonth(year, 0, gregorian) > epochDay) year--
  while (firstOfMonth(year + 1, 0, gregorian) <= epochDay) year++
  let month = 11
  while (firstOfMonth(year, month, gregorian) > epochDay) month--
  return { year, month, day: epochDay - firstOfMonth(year, month, gregorian) + 1 }
}

/** 0 is Sunday. */
export function weekday(epochDay: number): number {
  return (((epochDay + 4) % 7) + 7) % 7
}

/** The first day of the first week of a year: weeks begin on Sunday, and the first has 1 January in it. */
export function firstWeek(year: number): number {
  const first = dayOfDate(year, 0, 1)
  return first - weekday(first)
}
