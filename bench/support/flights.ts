import { crc32 } from 'node:zlib'
import { gunzipSync } from 'node:zlib'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { REPOSITORY } from './job.ts'

/** One flight as its Avro record holds it; null is missing. */
export interface Flight {
  Year: number
  Month: number
  DayofMonth: number
  DayOfWeek: number
  CRSDepTime: number | null
  CRSArrTime: number | null
  UniqueCarrier: string
  FlightNum: number | null
  TailNum: string | null
  Origin: string
  Dest: string
  Distance: number | null
}

const SEED = 20_130_101
/** Of the rows, for each thing that can be wrong with a flight. */
const ODD_SHARE = 0.005

/**
 * Flights for ever: the model's held-out flights in turn, each moved to another day and hour. No two have the same
 * values in what the model sees, so nothing can be gained by remembering rows. Now and then a value is missing, or an
 * airline or airport is one that the model has never seen. The same flights come out each time.
 */
export function* flights(): Generator<Flight, never> {
  const real = heldOutFlights()
  const random = seededRandom(SEED)
  const seen = new Set<number>()
  for (let i = 0; ; i = (i + 1) % real.length) {
    let flight = vary(real[i]!, random)
    while (seen.has(fingerprint(flight))) flight = vary(real[i]!, random)
    seen.add(fingerprint(flight))
    yield flight
  }
}

/** Two different rows can share one; the second is then drawn again, which does no harm. */
function fingerprint(f: Flight): number {
  return crc32(
    `${f.Month} ${f.DayofMonth} ${f.CRSDepTime} ${f.CRSArrTime} ${f.UniqueCarrier} ${f.Origin} ${f.Dest} ${f.Distance}`,
  )
}

function vary(real: Flight, random: () => number): Flight {
  const below = (n: number): number => Math.floor(random() * n)
  const odd = (): boolean => random() < ODD_SHARE
  const day = new Date(Date.UTC(2013, 0, 1 + below(365)))
  const later = below(181) - 90
  return {
    ...real,
    Month: day.getUTCMonth() + 1,
    DayofMonth: day.getUTCDate(),
    DayOfWeek: day.getUTCDay() === 0 ? 7 : day.getUTCDay(),
    CRSDepTime: odd() ? null : moved(real.CRSDepTime, later),
    CRSArrTime: odd() ? null : moved(real.CRSArrTime, later + below(41) - 20),
    UniqueCarrier: odd() ? 'ZZ' : real.UniqueCarrier,
    FlightNum: odd() ? null : 1 + below(8000),
    TailNum: odd() ? null : real.TailNum,
    Dest: odd() ? 'QQQ' : real.Dest,
    Distance: odd() ? null : real.Distance,
  }
}

/** A time of day, hhmm, moved by minutes. */
function moved(hhmm: number | null, minutes: number): number | null {
  if (hhmm === null) return null
  const day = 24 * 60
  const at = (((Math.floor(hhmm / 100) * 60 + (hhmm % 100) + minutes) % day) + day) % day
  return Math.floor(at / 60) * 100 + (at % 60)
}

function heldOutFlights(): Flight[] {
  const file = path.join(REPOSITORY, 'models', 'airline-delay', 'flights.csv.gz')
  const [header = '', ...lines] = gunzipSync(readFileSync(file)).toString('utf8').trimEnd().split('\n')
  const names = header.split(',')
  return lines.map((line) => {
    const cells = new Map(line.split(',').map((cell, i) => [names[i]!, cell]))
    const text = (name: string): string | null => cells.get(name) || null
    const number = (name: string): number | null => (cells.get(name) ? Number(cells.get(name)) : null)
    return {
      Year: number('Year') ?? 2013,
      Month: number('Month') ?? 1,
      DayofMonth: number('DayofMonth') ?? 1,
      DayOfWeek: number('DayOfWeek') ?? 1,
      CRSDepTime: number('CRSDepTime'),
      CRSArrTime: number('CRSArrTime'),
      UniqueCarrier: text('UniqueCarrier') ?? '',
      FlightNum: number('FlightNum'),
      TailNum: text('TailNum'),
      Origin: text('Origin') ?? '',
      Dest: text('Dest') ?? '',
      Distance: number('Distance'),
    }
  })
}

/** Mulberry32: small, fast, good enough for rows. Values in [0, 1). */
function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
