// How much CPU Avro costs per record: nine columns are read, four fields are spliced. No Kafka, no registry.
// Usage: node --conditions=source bench/avro.ts [records]
import { readFileSync } from 'node:fs'
import avro from 'avsc'
import { AvroRows } from '../src/converters/avro/avro-rows.ts'
import { AvroSide } from '../src/converters/avro/avro-side.ts'
import { OutputSchemas } from '../src/converters/avro/output-schemas.ts'
import { parseSchema } from '../src/converters/avro/parse-schema.ts'
import type { RegistryClient } from '../src/converters/avro/registry-client.ts'
import { encodeSpliced } from '../src/converters/avro/spliced-rows.ts'
import { WriterSchema } from '../src/converters/avro/writer-schema.ts'
import {
  type CategoryColumn,
  type Field,
  type Float64Column,
  OPTIONAL_FLOAT64,
  OPTIONAL_STRING,
  type Slices,
} from '../src/index.ts'

const BATCH = 5_000
const DISTINCT = 20
const total = Number(process.argv[2] ?? 1_000_000)

const FLIGHT = readFileSync(new URL('../schemas/flight.avsc', import.meta.url), 'utf8')
const CARRIERS = [
  '9E',
  'AA',
  'AS',
  'B6',
  'DL',
  'EV',
  'F9',
  'FL',
  'HA',
  'MQ',
  'OO',
  'UA',
  'US',
  'VX',
  'WN',
  'YV',
]
const AIRPORTS = Array.from({ length: 105 }, (_, i) =>
  String.fromCharCode(65 + (i % 26), 65 + ((i * 7) % 26), 65 + ((i * 11) % 26)),
)

function random(n: number): number {
  return Math.floor(Math.random() * n)
}

function makeBatch(): Slices {
  const type = avro.Type.forSchema(JSON.parse(FLIGHT) as avro.Schema, { wrapUnions: 'never' })
  const records = Array.from({ length: BATCH }, () => {
    const payload = type.toBuffer({
      Year: 2013,
      Month: 1 + random(12),
      DayofMonth: 1 + random(28),
      DayOfWeek: 1 + random(7),
      CRSDepTime: random(2400),
      CRSArrTime: random(50) === 0 ? null : random(2400),
      UniqueCarrier: CARRIERS[random(16)],
      FlightNum: random(6000),
      TailNum: random(100) === 0 ? null : `N${10_000 + random(80_000)}`,
      Origin: AIRPORTS[random(3)],
      Dest: AIRPORTS[random(105)],
      Distance: 80 + random(4900),
    })
    return Buffer.concat([Buffer.from([0, 0, 0, 0, 7]), payload])
  })
  const start = new Int32Array(BATCH)
  const end = new Int32Array(BATCH)
  let at = 0
  for (const [i, record] of records.entries()) {
    start[i] = at
    at = end[i] = at + record.length
  }
  return { bytes: Buffer.concat(records), start, end, length: BATCH }
}

const live = { isLive: () => true }
const fail = (_row: number, error: Error) => {
  throw error
}
const client = { lookup: () => Promise.resolve(8) } as unknown as RegistryClient
const outputs = new OutputSchemas(client, (topic) => `${topic}-value`, true)
const writer = new WriterSchema(parseSchema(FLIGHT))
const batches = Array.from({ length: DISTINCT }, makeBatch)
const rows = Int32Array.from({ length: BATCH }, (_, i) => i)
const target = Buffer.alloc(BATCH * 256)

const NUMBERS = ['Month', 'DayofMonth', 'DayOfWeek', 'CRSDepTime', 'CRSArrTime', 'Distance']
const CATEGORIES: [string, readonly string[]][] = [
  ['UniqueCarrier', CARRIERS],
  ['Origin', AIRPORTS],
  ['Dest', AIRPORTS],
]
const FIELDS: Field[] = [
  { name: 'prediction', schema: OPTIONAL_STRING },
  { name: 'p_NO', schema: OPTIONAL_FLOAT64 },
  { name: 'p_YES', schema: OPTIONAL_FLOAT64 },
  { name: 'model_version', schema: OPTIONAL_STRING },
]
const probability: Float64Column = {
  type: 'float64',
  values: Float64Array.from({ length: BATCH }, Math.random),
  present: new Uint8Array(BATCH).fill(1),
}
const prediction: CategoryColumn = {
  type: 'category',
  levels: Int32Array.from({ length: BATCH }, () => random(2)),
  domain: ['NO', 'YES'],
}
const version: CategoryColumn = { type: 'category', levels: new Int32Array(BATCH), domain: ['1'] }

const spent = { columns: 0, splice: 0, write: 0 }
let bytes = 0
let sum = 0

function timed(part: keyof typeof spent, from: number): number {
  const now = performance.now()
  spent[part] += now - from
  return now
}

async function run(slices: Slices): Promise<void> {
  let at = performance.now()
  const side = new AvroSide(new AvroRows(slices, [writer], new Int32Array(BATCH)))
  for (const name of NUMBERS) sum += side.column(name, 'float64', live, fail).values[1]!
  for (const [name, domain] of CATEGORIES) sum += side.column(name, { domain }, live, fail).levels[1]!
  at = timed('columns', at)
  const appended = side.append(FIELDS, [prediction, probability, probability, version], live, fail)
  const encoded = await encodeSpliced('scores', appended, rows, outputs, fail)
  at = timed('splice', at)
  let end = 0
  for (let row = 0; row < BATCH; row++) {
    if (encoded.size(row) >= 0) end = encoded.write(row, target, end)
  }
  bytes += end
  timed('write', at)
}

for (let i = 0; i < 4; i++) await run(batches[i]!)
for (const part of ['columns', 'splice', 'write'] as const) spent[part] = 0
bytes = 0
const cpu = process.cpuUsage()
for (let done = 0, i = 0; done < total; done += BATCH, i++) await run(batches[i % DISTINCT]!)
const used = process.cpuUsage(cpu)
const cpuSeconds = (used.user + used.system) / 1e6
const round = (ms: number) => Math.round(ms) / 1000
const result = {
  records: total,
  cpuSeconds: Math.round(cpuSeconds * 1000) / 1000,
  nsPerRecord: Math.round((cpuSeconds / total) * 1e9),
  wallSeconds: { columns: round(spent.columns), splice: round(spent.splice), write: round(spent.write) },
  bytesPerRecord: Math.round(bytes / total),
  checksum: Number.isFinite(sum),
}
process.stdout.write(`${JSON.stringify(result)}\n`)
