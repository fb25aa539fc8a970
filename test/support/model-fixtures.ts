import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { LoadedModel } from '../../src/inference/loaded-model.ts'
import { toColumn } from '../../src/inference/probe.ts'

export const FIXTURES = path.resolve(import.meta.dirname, '../fixtures/models')
/** Models with their own engines' outputs that the project does not ship; absent on most machines. */
export const SHARED = path.resolve(import.meta.dirname, '../../../shared/fixtures')

export interface Table {
  readonly header: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** A CSV file without quotes, plain or gzipped. */
export function readTable(file: string): Table {
  const bytes = readFileSync(file)
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8')
  const [header = [], ...rows] = text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(','))
  return { header, rows }
}

/** A model's columns of a table; empty cells, NA (where it is no level) and absent columns are missing. */
export function columnsFor({ inputs }: Pick<LoadedModel, 'inputs'>, { header, rows }: Table) {
  return inputs.map((input) => {
    const at = header.indexOf(input.name)
    const isMissing = (cell?: string) =>
      cell === '' || (cell === 'NA' && input.domain?.includes(cell) !== true)
    const cells = rows.map((row) => (isMissing(row[at]) ? null : row[at]))
    return toColumn(input, cells)
  })
}

/** The shared fixtures call an autoencoder's error `mse`. */
function columnOf({ header }: Table, name: string): number {
  const at = header.indexOf(name)
  return at < 0 && name === 'reconstructionError' ? header.indexOf('mse') : at
}

export interface Difference {
  /** The largest difference of any number; relative where it is above 1. */
  readonly largest: number
  readonly labels: number
  readonly rows: number
}

/** Scores a table and holds the scores against another engine's, row by row. */
export async function compare(model: LoadedModel, input: Table, expected: Table): Promise<Difference> {
  const { rows } = expected
  const scores = await model.score(columnsFor(model, input), input.rows.length, model.decision)
  const { prediction, outputs, calibrated = [] } = scores
  let largest = 0
  let labels = 0
  rows.forEach((row, i) => {
    const gap = (found: number, cell: string | undefined) => {
      const wanted = Number(cell)
      const difference = found === wanted ? 0 : Math.abs(found - wanted) / Math.max(1, Math.abs(wanted))
      largest = Number.isNaN(difference) ? Infinity : Math.max(largest, difference)
    }
    if (model.task === 'regression' && prediction.type === 'float64') gap(prediction.values[i]!, row[0])
    if (prediction.type === 'category' && prediction.domain[prediction.levels[i]!] !== row[0]) labels++
    model.outputs.forEach((name, k) => gap(outputs[k]!.values[i]!, row[columnOf(expected, name)]))
    // Columns of the other engine that are not given are differences too.
    model.labels.forEach((label, k) => {
      const at = expected.header.indexOf(`cal_${label}`)
      if (at >= 0 || k < calibrated.length) gap(calibrated[k]?.values[i] ?? NaN, row[at])
    })
  })
  return { largest, labels, rows: rows.length === input.rows.length ? rows.length : NaN }
}

export function sharedExists(name: string): boolean {
  return existsSync(path.join(SHARED, name))
}
