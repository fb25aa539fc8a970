import { DAY_MS, dateOfDay, dayOfDate, firstWeek, weekday } from './dates.ts'
import { DAYS, MONTHS, short, type Token } from './date-pattern.ts'

/** One part of a pattern for a date, as SimpleDateFormat writes it in UTC and English. */
export function formatToken(token: Token, date: Date): string {
  if (token.letter === undefined) return token.text
  const { letter, count } = token
  const text = named(letter, count, date)
  return text ?? padded(numberOf(letter, date), count, letter)
}

function padded(value: number, count: number, letter: string): string {
  if ('yY'.includes(letter) && count === 2) return String(value % 100).padStart(2, '0')
  return String(value).padStart(count, '0')
}

const daysOf = (date: Date): number => Math.floor(date.getTime() / DAY_MS)

function named(letter: string, count: number, date: Date): string | undefined {
  const day = daysOf(date)
  const { year, month } = dateOfDay(day)
  const pick = (name: string): string => (count >= 4 ? name : short(name))
  switch (letter) {
    case 'G':
      return year > 0 ? 'AD' : 'BC'
    case 'M':
    case 'L':
      return count >= 3 ? pick(MONTHS[month] ?? '') : undefined
    case 'E':
      return pick(DAYS[weekday(day)] ?? '')
    case 'a':
      return hours(date) < 12 ? 'AM' : 'PM'
    case 'z':
      return count >= 4 ? 'Coordinated Universal Time' : 'UTC'
    case 'Z':
      return '+0000'
    case 'X':
      return 'Z'
    default:
      return undefined
  }
}

const within = (date: Date, unit: number, count: number): number => {
  const units = Math.floor(date.getTime() / unit) % count
  return units < 0 ? units + count : units
}
const hours = (date: Date): number => within(date, 3_600_000, 24)

function numberOf(letter: string, date: Date): number {
  const hour = hours(date)
  switch (letter) {
    case 'H':
      return hour
    case 'k':
      return hour === 0 ? 24 : hour
    case 'K':
      return hour % 12
    case 'h':
      return hour % 12 === 0 ? 12 : hour % 12
    case 'm':
      return within(date, 60_000, 60)
    case 's':
      return within(date, 1000, 60)
    case 'S':
      return within(date, 1, 1000)
    default:
      return dayNumber(letter, daysOf(date))
  }
}

function dayNumber(letter: string, epochDay: number): number {
  const { year, month, day } = dateOfDay(epochDay)
  switch (letter) {
    case 'y':
      return year > 0 ? year : 1 - year
    case 'Y':
      return weekYear(year, epochDay)
    case 'M':
    case 'L':
      return month + 1
    case 'w':
      return Math.floor((epochDay - firstWeek(weekYear(year, epochDay))) / 7) + 1
    // Days that have been, not the number of the day: October 1582 has no 5th to 14th.
    case 'W': {
      const first = dayOfDate(year, month, 1)
      return Math.floor((epochDay - first + weekday(first)) / 7) + 1
    }
    case 'D':
      return epochDay - dayOfDate(year, 0, 1) + 1
    case 'F':
      return Math.floor((epochDay - dayOfDate(year, month, 1)) / 7) + 1
    case 'u':
      return weekday(epochDay) === 0 ? 7 : weekday(epochDay)
    default:
      return day
  }
}

function weekYear(year: number, epochDay: number): number {
  return epochDay >= firstWeek(year + 1) ? year + 1 : year
}
