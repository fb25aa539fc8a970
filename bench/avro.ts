// How much CPU Avro costs per record: nine columns are read, four fields are appended, in place (`spliced`), by objects
// of our own (`plain`) and by objects of avsc's (`avsc`). No Kafka, no registry.
// Usage: node --conditions=source bench/avro.ts [records] > bench/results/avro.json
import { readFileSync } from 'node:fs'
import { availableParallelism, loadavg } from 'node:os'
import avro from 'avsc'
import { AvroRows } from '../src/converters/avro/avro-rows.ts'
import { AvroSide } from '../src/converters/avro/avro-side.ts'
import { OutputSchemas } from '../src/converters/avro/output-schemas.ts'
import { parseSchema } from '../src/converters/avro/parse-schema.ts'
import type { SchemaRegistry } from '../src/converters/avro/schema-registry.ts'
import { encodeSpliced } from '../src/converters/avro/spliced-rows.ts'
import { encodeValue } from '../src/converters/avro/encode.ts'
import { WriterSchema } from '../src/converters/avro/writer-schema.ts'
import { encodeRows } from '../src/converters/encode-rows.ts'
import { recordsSide } from '../src/converters/records-side.ts'
import {
  type CategoryColumn,
  type Column,
  type EncodedRows,
  type Field,
  type Float64Column,
  OPTIONAL_FLOAT64,
  OPTIONAL_STRING,
  type Slices,
} from '../src/index.ts'

const loadAtStart = loadavg()[0] ?? 0
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
const client = { lookup: () => Promise.resolve(8) } as unknown as SchemaRegistry
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
const COLUMNS: Column[] = [prediction, probability, probability, version]
const header = Buffer.from([0, 0, 0, 0, 8])

let sum = 0

function writeAll(encoded: EncodedRows): void {
  let end = 0
  for (let row = 0; row < BATCH; row++) {
    if (encoded.size(row) >= 0) end = encoded.write(row, target, end)
  }
}

async function runSpliced(slices: Slices): Promise<void> {
  const side = new AvroSide(new AvroRows(slices, [writer], new Int32Array(BATCH)))
  for (const name of NUMBERS) sum += side.column(name, 'float64', live, fail).present[1]!
  for (const [name, domain] of CATEGORIES) sum += side.column(name, { domain }, live, fail).levels[1]!
  writeAll(await encodeSpliced('scores', side.append(FIELDS, COLUMNS, live, fail), rows, outputs, fail))
}

/** The same by the plain form: every record becomes an object, and bytes again. */
async function runPlain(slices: Slices): Promise<void> {
  const side = new AvroSide(new AvroRows(slices, [writer], new Int32Array(BATCH)))
  const schemas = Array.from(rows, (row) => side.schema(row, fail))
  const values = Array.from(rows, (row) => side.value(row, fail))
  const appended = recordsSide(schemas, values).append(FIELDS, COLUMNS, live, fail)
  const output = await outputs.ofSchema('scores', appended.schema(0, fail)!)
  const encoded = encodeRows(appended, rows, fail, (out, value) => {
    out.raw(header)
    encodeValue(out, output.root, value, '')
  })
  writeAll(encoded)
}

const avscIn = avro.Type.forSchema(JSON.parse(FLIGHT) as avro.Schema)
const avscOut = avro.Type.forSchema({
  ...(JSON.parse(FLIGHT) as object),
  fields: [
    ...(JSON.parse(FLIGHT) as { fields: object[] }).fields,
    { name: 'prediction', type: ['null', 'string'], default: null },
    { name: 'p_NO', type: ['null', 'double'], default: null },
    { name: 'p_YES', type: ['null', 'double'], default: null },
    { name: 'model_version', type: ['null', 'string'], default: null },
  ],
} as avro.Schema)

/** The same by avsc, without any check of the bytes. */
function runAvsc({ bytes: source, start, end }: Slices): void {
  let at = 0
  for (let row = 0; row < BATCH; row++) {
    const flight = avscIn.fromBuffer(source.subarray(start[row]! + 5, end[row])) as Record<string, unknown>
    for (const name of NUMBERS) sum += (flight[name] as number | null) ?? 0
    for (const [name] of CATEGORIES) if (flight[name] === '') sum++
    const scored = {
      ...flight,
      prediction: prediction.domain[prediction.levels[row]!],
      p_NO: probability.values[row],
      p_YES: probability.values[row],
      model_version: '1',
    }
    header.copy(target, at)
    at += 5
    at += avscOut.toBuffer(scored).copy(target, at)
  }
}

/** CPU seconds of all records. */
async function measured(work: (slices: Slices) => Promise<void> | void): Promise<number> {
  for (let i = 0; i < 4; i++) await work(batches[i]!)
  const cpu = process.cpuUsage()
  for (let done = 0, i = 0; done < total; done += BATCH, i++) await work(batches[i % DISTINCT]!)
  const used = process.cpuUsage(cpu)
  return Math.round((used.user + used.system) / 1e3) / 1e3
}

const cpuSeconds = {
  spliced: await measured(runSpliced),
  plain: await measured(runPlain),
  avsc: await measured(runAvsc),
}
const result = {
  records: total,
  machine: {
    date: new Date().toISOString(),
    cores: availableParallelism(),
    node: process.versions.node,
    loadAtStart: Math.round(loadAtStart),
  },
  cpuSeconds,
  checksum: Number.isFinite(sum),
}
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`)
