/**
 * How many rows a second do the tree engines score, on one core and on rows that differ, beside h2o-genmodel's
 * EasyPredict? (`npm run bench:engines`)
 *
 * `score` takes columns and gives links, probabilities and labels, as transforms use it; EasyPredict takes its RowData,
 * which is made before, and gives the same. `walk` and `tabulated` are the two engines alone.
 */
import { readFileSync } from 'node:fs'
import { createTabulated } from '../src/inference/engines/tabulated.ts'
import type { TreeColumns, TreeEngine } from '../src/inference/engines/tree-ensemble.ts'
import { createWalk } from '../src/inference/engines/walk.ts'
import { readGbm } from '../src/inference/readers/h2o/h2o-mojo.ts'
import { type EngineCase, engineCases, reportEngines, rowsPerCpuSecond } from './support/engine-cases.ts'
import { genmodelRate } from './support/genmodel.ts'

const ROUNDS = 5
const TARGET = 6
const CASES = engineCases([
  ['models/airline-delay/airline-delay.mojo.zip', 'models/airline-delay/flights.csv.gz'],
  ['../shared/fixtures/flights/gbm_flights.mojo.zip', '../shared/fixtures/flights/flights_test.csv'],
])

async function measure({ columns: columnsOf, model: name, modelFile, rows, text }: EngineCase) {
  const { model, trees } = readGbm(readFileSync(modelFile))
  const columns = columnsOf(model.inputs)
  const values: TreeColumns = columns.map((column) => {
    if (column.type === 'float64') return column.values
    return column.type === 'category' ? column.levels : new Float64Array(rows)
  })
  const sums = new Float64Array(rows * trees.outputs)
  const rate = async (engine: TreeEngine | null) =>
    engine === null ? null : rowsPerCpuSecond(ROUNDS, () => (engine.sum(values, rows, sums), rows))
  const scored = () => (model.score(columns, rows, model.decision), rows)
  const [walk, tabulated] = [await rate(createWalk(trees)), await rate(createTabulated(trees))]
  const score = await rowsPerCpuSecond(ROUNDS, scored)
  const easyPredict = await genmodelRate('easy', modelFile, text)
  const count = trees.roots.length - 1
  return { model: name, rows, trees: count, walk, tabulated, score, easyPredict, times: score / easyPredict }
}

const measured = []
for (const each of CASES) measured.push(await measure(each))
reportEngines('trees', measured, TARGET)
