/**
 * How many rows a second do H2O's networks score, on one core and on rows that differ, beside h2o-genmodel's score0?
 *
 *   node --conditions=source bench/networks.ts [--json]
 *
 * Batches cycle through thousands of distinct flights. Figures are rows per CPU second, the median of the rounds:
 * `model.score` here (columns in, probabilities and labels out), score0 there (a ready row in, the same out). genmodel is
 * measured where Java and the jars of bench/jvm-peer are (see there); on one run, one after the other.
 */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Column } from '../src/api/batch.ts'
import { toColumn } from '../src/inference/probe.ts'
import { readMojo } from '../src/inference/readers/h2o-mojo.ts'
import { genmodelRate } from './support/genmodel.ts'

const ROUNDS = 7
const MS_PER_ROUND = 400
const BATCHES = [1, 16, 64, 256, 1024, 4096]
const ROOT = path.resolve(import.meta.dirname, '..')
const CASES = [
  ['models/airline-delay-dl/airline-delay-dl.mojo.zip', 'models/airline-delay/flights.csv.gz'],
  ['../shared/fixtures/flights/dl_flights.mojo.zip', '../shared/fixtures/flights/flights_test.csv'],
] as const

function readText(file: string): string {
  const bytes = readFileSync(file)
  return (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
}

function cut(column: Column, from: number, to: number): Column {
  if (column.type === 'float64') {
    return { ...column, values: column.values.slice(from, to), present: column.present.slice(from, to) }
  }
  return column.type === 'category' ? { ...column, levels: column.levels.slice(from, to) } : column
}

async function rowsPerCpuSecond(batches: readonly (() => Promise<unknown>)[], size: number): Promise<number> {
  const rates: number[] = []
  let next = 0
  for (let round = -2; round < ROUNDS; round++) {
    const before = process.cpuUsage()
    const started = performance.now()
    let scored = 0
    while (performance.now() - started < MS_PER_ROUND) {
      for (let i = 0; i < 8; i++) {
        await batches[next++ % batches.length]?.()
        scored += size
      }
    }
    const { user, system } = process.cpuUsage(before)
    if (round >= 0) rates.push((scored * 1e6) / (user + system)) // the first two warm up
  }
  return Math.round(rates.sort((a, b) => a - b)[ROUNDS >> 1] ?? 0)
}

async function measure(modelFile: string, rowsFile: string): Promise<Record<string, string | number | null>> {
  const model = readMojo(readFileSync(modelFile))
  const text = readText(rowsFile)
  const [header = [], ...rows] = text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(','))
  const columns = model.inputs.map((input): Column => {
    const at = header.indexOf(input.name)
    const cells = rows.map((row) => (row[at] === '' || row[at] === 'NA' ? null : row[at]))
    return toColumn(input, cells)
  })
  const found: Record<string, string | number | null> = { model: path.basename(modelFile), rows: rows.length }
  for (const size of BATCHES) {
    const batches = Array.from({ length: Math.floor(rows.length / size) }, (_, i) => {
      const batch = columns.map((column) => cut(column, i * size, (i + 1) * size))
      return async () => model.score(batch, size, model.decision)
    })
    found[`at ${size}`] = await rowsPerCpuSecond(batches, size)
  }
  const peer = genmodelRate('score0', modelFile, text)
  return { ...found, score0: peer, 'times at 256': peer === null ? null : Number(found['at 256']) / peer }
}

const measured: Record<string, string | number | null>[] = []
for (const files of CASES) {
  const [modelFile, rowsFile] = files.map((file) => path.join(ROOT, file))
  if (modelFile === undefined || rowsFile === undefined || !existsSync(modelFile) || !existsSync(rowsFile))
    continue
  measured.push(await measure(modelFile, rowsFile))
}
if (process.argv.includes('--json')) console.log(JSON.stringify(measured))
else console.table(measured)
