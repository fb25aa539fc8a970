/**
 * How many rows a second do H2O's networks score, on one core and on rows that differ, beside h2o-genmodel's score0?
 * (`npm run bench:engines`)
 *
 * Batches cycle through thousands of distinct flights: `model.score` here (columns in, probabilities and labels out),
 * score0 there (a ready row in, the same out), one after the other in one run. `times` is at batches of 256.
 */
import { readFileSync } from 'node:fs'
import type { Column } from '../src/api/batch.ts'
import { readMojo } from '../src/inference/readers/h2o/h2o-mojo.ts'
import { type EngineCase, engineCases, reportEngines, rowsPerCpuSecond } from './support/engine-cases.ts'
import { genmodelRate } from './support/genmodel.ts'

const ROUNDS = 7
const TARGET = 2
const BATCHES = [1, 16, 64, 256, 1024, 4096]
const COMPARED = 256
const CASES = engineCases([
  ['models/airline-delay-dl/airline-delay-dl.mojo.zip', 'models/airline-delay/flights.csv.gz'],
  ['../shared/fixtures/flights/dl_flights.mojo.zip', '../shared/fixtures/flights/flights_test.csv'],
])

function cut(column: Column, from: number, to: number): Column {
  if (column.type === 'float64') {
    return { ...column, values: column.values.slice(from, to), present: column.present.slice(from, to) }
  }
  return column.type === 'category' ? { ...column, levels: column.levels.slice(from, to) } : column
}

async function measure({ columns: columnsOf, model: name, modelFile, rows, text }: EngineCase) {
  const model = readMojo(readFileSync(modelFile))
  const columns = columnsOf(model.inputs)
  const rates: Record<string, number> = {}
  for (const size of BATCHES) {
    const batches = Array.from({ length: Math.floor(rows / size) }, (_, i) =>
      columns.map((column) => cut(column, i * size, (i + 1) * size)),
    )
    let next = 0
    rates[`at ${size}`] = await rowsPerCpuSecond(ROUNDS, async () => {
      for (let i = 0; i < 8; i++)
        await model.score(batches[next++ % batches.length] ?? [], size, model.decision)
      return 8 * size
    })
  }
  const score0 = await genmodelRate('score0', modelFile, text)
  return { model: name, rows, ...rates, score0, times: (rates[`at ${COMPARED}`] ?? 0) / score0 }
}

const measured = []
for (const each of CASES) measured.push(await measure(each))
reportEngines('networks', measured, TARGET)
