/**
 * What FilterExpression and ComputeField do per second of CPU with flights in Avro, a batch of 1000 after the other, beside the
 * evaluator of the package whose parser they use, which is given objects: node --conditions=source bench/expressions.ts
 */
import { readFileSync } from 'node:fs'
import { Environment } from '@marcbachmann/cel-js'
import type { Side } from '../src/api/batch.ts'
import { expressionOf, type RecordBatch, SILENT } from '../src/index.ts'
import { Batch } from '../src/runtime/records/batch.ts'
import { RowStates } from '../src/runtime/records/row-states.ts'
import { avroSide, avscType } from '../test/converters/avro/support.ts'
import { batchOf } from '../test/support/example-batch.ts'
import { computeField } from '../transforms/expression/compute-field.ts'
import { filterExpression } from '../transforms/expression/filter-expression.ts'

const ROWS = 1000
const SECONDS = 1
const CONDITION = 'value.Distance > 500 && value.UniqueCarrier == "WN"'
const KILOMETRES = 'value.Distance * 1.609344 + double(value.Month)'

const schema = readFileSync(new URL('../schemas/flight.avsc', import.meta.url), 'utf8')
const flights = Array.from({ length: ROWS }, (_, i) => ({
  ...{ Year: 2008, Month: (i % 12) + 1, DayofMonth: 3, DayOfWeek: 4, CRSDepTime: 1955, CRSArrTime: 2225 },
  ...{
    UniqueCarrier: ['WN', 'AA', 'DL'][i % 3]!,
    FlightNum: i,
    TailNum: 'N712SW',
    Origin: 'IAD',
    Dest: 'TPA',
  },
  Distance: i * 3,
}))

/** The flights in bytes, as if just fetched. */
function fetched(): RecordBatch {
  const type = avscType(JSON.parse(schema))
  const fields = (JSON.parse(schema) as { fields: { name: string; type: unknown }[] }).fields
  const wrapped = flights.map((flight) =>
    Object.fromEntries(
      fields.map(({ name, type: of }) => {
        const value = flight[name as keyof typeof flight] as unknown
        const branch = Array.isArray(of) ? (of as string[]).find((each) => each !== 'null') : undefined
        return [name, branch === undefined ? value : { [branch]: value }]
      }),
    ),
  )
  return withSide(
    avroSide(
      schema,
      wrapped.map((flight) => type.toBuffer(flight)),
    ),
  )
}

function withSide(value: Side): RecordBatch {
  const plain = batchOf(flights.map(() => ({})))
  return new Batch(plain.origin, new RowStates(ROWS), { key: plain.sides.key, value })
}

/** `work` handles a batch that `make` makes, which is not counted. */
async function measure<T>(name: string, make: () => T, work: (made: T) => unknown): Promise<void> {
  let rows = 0
  let microseconds = 0
  for (let round = 0; microseconds < SECONDS * 1e6; round++) {
    const made = make()
    const start = process.cpuUsage()
    await work(made)
    if (round < 100) continue
    microseconds += process.cpuUsage(start).user
    rows += ROWS
  }
  console.log(
    `${name.padEnd(58)} ${Math.round((rows / microseconds) * 1000).toLocaleString('en')} thousand rows/s`,
  )
}

const open = { side: 'value' as const, models: { load: () => Promise.reject(new Error()) }, log: SILENT }
const filter = await filterExpression.open(filterExpression.config.read({ condition: CONDITION }), open)
const compute = await computeField.open(
  computeField.config.read({ field: 'km', expression: KILOMETRES, 'field.type': 'float64' }),
  open,
)
const objects = flights.map((flight) => {
  const entries = Object.entries(flight).map(
    ([name, value]) =>
      [name, typeof value === 'number' && name !== 'Distance' ? BigInt(value) : value] as const,
  )
  return new Map<string, bigint | number | string>(entries)
})

await measure(`FilterExpression, Avro: ${CONDITION}`, fetched, (batch) => filter.apply(batch))
await measure(`ComputeField, Avro: ${KILOMETRES}`, fetched, (batch) => compute.apply(batch))
for (const text of [CONDITION, KILOMETRES]) {
  const expression = expressionOf(text)
  const decoded = batchOf(objects.map((flight) => ({ value: flight })))
  await measure(
    `objects: ${text}`,
    () => decoded,
    (batch) => {
      const run = expression.over(batch)
      for (let row = 0; row < ROWS; row++) run(row)
    },
  )
  const parsed = new Environment().registerVariable('value', 'dyn').parse(text)
  await measure(
    `the package's evaluator, objects: ${text}`,
    () => objects,
    (each) => {
      for (const value of each) parsed({ value })
    },
  )
}
