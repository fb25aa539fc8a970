import { readFileSync } from 'node:fs'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import avro from 'avsc'
import { REPOSITORY } from './process.ts'

export type Flight = Readonly<Record<string, number | string | null>>

const SCHEMA_TEXT = readFileSync(path.join(REPOSITORY, 'schemas/flight.avsc'), 'utf8')
const TEXT_FIELDS = new Set(['UniqueCarrier', 'TailNum', 'Origin', 'Dest'])

export const flightSchema = SCHEMA_TEXT
export const flightType = avro.Type.forSchema(JSON.parse(SCHEMA_TEXT) as avro.Schema)

/** The held-out flights of models/airline-delay, or the first of them, and what really happened to each. */
export function heldOutFlights(limit = Infinity): readonly { flight: Flight; happened: string }[] {
  const text = gunzipSync(
    readFileSync(path.join(REPOSITORY, 'models/airline-delay/flights.csv.gz')),
  ).toString()
  const [header = '', ...lines] = text.trimEnd().split('\n')
  const names = header.split(',')
  return lines.slice(0, limit).map((line) => {
    const cells = line.split(',')
    const value = (name: string, i: number): number | string | null => {
      const cell = cells[i] ?? ''
      if (cell === '') return null
      return TEXT_FIELDS.has(name) ? cell : Number(cell)
    }
    const flight = Object.fromEntries(names.slice(0, -1).map((name, i) => [name, value(name, i)]))
    return { flight, happened: cells.at(-1) ?? '' }
  })
}

/** A flight in Confluent's wire format: magic byte, schema id, Avro. */
export function encodeFlight(flight: Flight, schemaId: number): Buffer {
  const header = Buffer.alloc(5)
  header.writeInt32BE(schemaId, 1)
  return Buffer.concat([header, flightType.toBuffer(flight)])
}
