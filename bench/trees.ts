/**
 * How many rows a second do the tree engines score, on one core and on rows that differ?
 *
 *   node --conditions=source bench/trees.ts [--json]
 *
 * Cycling through few rows would make branches predictable and flatter the walk; these are thousands of distinct
 * flights. Figures are rows per CPU second of this process, the median of the rounds.
 */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Column } from '../src/api/batch.ts'
import { createTabulated } from '../src/inference/engines/tabulated.ts'
import type { TreeColumns, TreeEngine } from '../src/inference/engines/tree-ensemble.ts'
import { createWalk } from '../src/inference/engines/walk.ts'
import { toColumn } from '../src/inference/probe.ts'
import { readGbm } from '../src/inference/readers/h2o-mojo.ts'
import { genmodelRate } from './support/genmodel.ts'

const ROUNDS = 5
const MS_PER_ROUND = 400
const ROOT = path.resolve(import.meta.dirname, '..')
const CASES = [
  ['models/airline-delay/airline-delay.mojo.zip', 'models/airline-delay/flights.csv.gz'],
  ['../shared/fixtures/flights/gbm_flights.mojo.zip', '../shared/fixtures/flights/flights_test.csv'],
] as const

interface Measured {
  readonly model: string
  readonly rows: number
  readonly trees: number
  /** Rows per CPU second. */
  readonly walk: number
  readonly tabulated: number
  /** Tabulated, with links, probabilities and labels. */
  readonly score: number
  /** h2o-genmodel's EasyPredictModelWrapper; null without the jars of bench/jvm-peer. */
  readonly easyPredict: number | null
  readonly times: number | null
}

function readRows(file: string): { text: string; header: string[]; rows: string[][] } {
  const bytes = readFileSync(file)
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
  const [header = [], ...rows] = text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(','))
  return { text, header, rows }
}

function rowsPerCpuSecond(length: number, work: () => unknown): number {
  const rates: number[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    const before = process.cpuUsage()
    const started = performance.now()
    let runs = 0
    while (performance.now() - started < MS_PER_ROUND) {
      work()
      runs++
    }
    const { user, system } = process.cpuUsage(before)
    if (round > 0) rates.push((runs * length * 1e6) / (user + system)) // the first round warms up
  }
  return Math.round(rates.sort((a, b) => a - b)[ROUNDS >> 1] ?? 0)
}

function measure(modelFile: string, rowsFile: string): Measured {
  const { model, trees } = readGbm(readFileSync(path.join(ROOT, modelFile)))
  const { text, header, rows } = readRows(path.join(ROOT, rowsFile))
  const columns = model.inputs.map((input): Column => {
    const at = header.indexOf(input.name)
    return toColumn(
      input,
      rows.map((row) => (row[at] === '' || row[at] === 'NA' ? null : row[at])),
    )
  })
  const values: TreeColumns = columns.map((column) => {
    if (column.type === 'float64') return column.values
    return column.type === 'category' ? column.levels : new Float64Array(rows.length)
  })
  const sums = new Float64Array(rows.length * trees.outputs)
  const rate = (engine: TreeEngine | null) =>
    engine === null ? NaN : rowsPerCpuSecond(rows.length, () => engine.sum(values, rows.length, sums))
  const score = rowsPerCpuSecond(rows.length, () => model.score(columns, rows.length, model.decision))
  const easyPredict = genmodelRate('easy', path.join(ROOT, modelFile), text)
  return {
    model: path.basename(modelFile),
    rows: rows.length,
    trees: trees.roots.length - 1,
    walk: rate(createWalk(trees)),
    tabulated: rate(createTabulated(trees)),
    score,
    easyPredict,
    times: easyPredict === null ? null : score / easyPredict,
  }
}

const measured = CASES.filter((files) => files.every((file) => existsSync(path.join(ROOT, file)))).map(
  ([modelFile, rowsFile]) => measure(modelFile, rowsFile),
)
if (process.argv.includes('--json')) console.log(JSON.stringify(measured))
else console.table(measured)
