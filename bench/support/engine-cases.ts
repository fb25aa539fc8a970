import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Column } from '../../src/api/batch.ts'
import type { ModelInput } from '../../src/api/models.ts'
import { toColumn } from '../../src/inference/probe.ts'
import { REPOSITORY } from './job.ts'

/** A model and thousands of rows that differ: cycling through few would make branches predictable. */
export interface EngineCase {
  readonly model: string
  readonly modelFile: string
  /** The rows as CSV with a header, for genmodel. */
  readonly text: string
  readonly rows: number
  readonly columns: (inputs: readonly ModelInput[]) => Column[]
}

/** The cases whose files are there: those of ../shared are not part of a clone. */
export function engineCases(files: readonly (readonly [model: string, rows: string])[]): EngineCase[] {
  const absolute = files.map((pair) => pair.map((file) => path.join(REPOSITORY, file)))
  return absolute
    .filter((pair) => pair.every((file) => existsSync(file)))
    .map(([m = '', r = '']) => open(m, r))
}

function open(modelFile: string, rowsFile: string): EngineCase {
  const bytes = readFileSync(rowsFile)
  const text = (rowsFile.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
  const [header = [], ...rows] = text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(','))
  const columns = (inputs: readonly ModelInput[]): Column[] =>
    inputs.map((input) => {
      const at = header.indexOf(input.name)
      const cells = rows.map((row) => (row[at] === '' || row[at] === 'NA' ? null : row[at]))
      return toColumn(input, cells)
    })
  return { model: path.basename(modelFile), modelFile, text, rows: rows.length, columns }
}

const MS_PER_ROUND = 400

/** The median of some rounds after two that warm up. `work` scores and returns how many rows it scored. */
export async function rowsPerCpuSecond(
  rounds: number,
  work: () => Promise<number> | number,
): Promise<number> {
  const rates: number[] = []
  for (let round = -2; round < rounds; round++) {
    const before = process.cpuUsage()
    const started = performance.now()
    let scored = 0
    while (performance.now() - started < MS_PER_ROUND) scored += await work()
    const { user, system } = process.cpuUsage(before)
    if (round >= 0) rates.push((scored * 1e6) / (user + system))
  }
  return Math.round(rates.sort((a, b) => a - b)[rounds >> 1] ?? 0)
}

export interface Figures {
  readonly model: string
  /** Sluice's rows per CPU second against genmodel's, in this run. */
  readonly times: number
}

/** Prints the figures and writes them to bench/results; the command fails where `times` is below its target. */
export function reportEngines(name: string, measured: readonly Figures[], target: number): void {
  console.table(measured)
  const file = path.join(REPOSITORY, 'bench/results', `${name}.json`)
  const date = new Date().toISOString().slice(0, 10)
  const result = { date, unit: 'rows per CPU second, one core', measured }
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`)
  for (const { model, times } of measured.filter((each) => each.times < target)) {
    console.error(`${model}: ${times.toFixed(1)} times genmodel, the target is ${target}`)
    process.exitCode = 1
  }
}
