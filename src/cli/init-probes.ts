import { CommandError } from '../api/errors.ts'
import { MISSING, type ModelColumn } from '../api/batch.ts'
import type { Model, Scores } from '../api/models.ts'
import type { LoadedModel } from '../inference/loaded-model.ts'
import { OWN, type Plain } from '../inference/probe.ts'
import type { ReadyModel } from '../inference/store/load-model.ts'
import { CsvColumns } from './csv-columns.ts'
import type { CsvRecord } from './csv.ts'
import { readRecords } from './score-csv.ts'

const MOST_PROBES = 20
/** Numbers of another engine come as texts, of float where it is a network. */
const TOLERANCE = { double: 1e-12, float: 2e-6 }

/** The first rows of a sample, and in which columns the engine that trained the model says its outputs. */
export interface Sample {
  readonly file: string
  readonly header: readonly string[]
  readonly rows: readonly CsvRecord[]
  /** The column of each output of a probe; null where the sample does not have all of them. */
  readonly outputs: ReadonlyMap<string, number> | null
}

export interface SampleProbes {
  readonly text: string
  readonly tolerance: number
  readonly said: string
}

/** True where the file names none of its columns, and a row of numbers is what it takes. */
export function isUnnamed({ inputs, namesColumns }: LoadedModel): boolean {
  return namesColumns === false && inputs.every(({ type }) => type !== 'tensor')
}

export async function readSample(file: string, { model }: ReadyModel): Promise<Sample> {
  const records: CsvRecord[] = []
  for await (const some of readRecords(file)) {
    records.push(...some)
    if (records.length > MOST_PROBES) break
  }
  const [header, ...others] = records
  if (header === undefined) throw wrong(`${file} is empty: it needs a header.`)
  const rows = others.filter(({ cells }) => header.cells.length === 1 || cells.length > 1 || cells[0] !== '')
  if (rows.length === 0) throw wrong(`${file} has a header and no rows. Add some.`)
  return {
    file,
    header: header.cells,
    rows: rows.slice(0, MOST_PROBES),
    outputs: findOutputs(model, header.cells),
  }
}

/** How a sample may call the outputs of a probe. */
function namesOf({ outputs, task }: Model): ReadonlyMap<string, readonly string[]> {
  const names = new Map(outputs.map((name) => [name, [name, `p_${name}`]]))
  if (task === 'classification') names.set('label', ['label', 'predict', 'prediction'])
  if (task === 'regression') names.set('prediction', ['prediction', 'predict'])
  return names
}

/** What a sample may have, and need not: only newer exports do. */
function calibratedNames({ isCalibrated = false, labels }: Model): readonly string[] {
  return isCalibrated ? labels.map((label) => `cal_${label}`) : []
}

function findOutputs(model: Model, header: readonly string[]): Sample['outputs'] {
  const inputs = model.inputs.map(({ name }) => name)
  const found = new Map<string, number>()
  for (const [output, names] of namesOf(model)) {
    const at = header.findIndex((name) => names.includes(name) && !inputs.includes(name))
    if (at < 0) return null
    found.set(output, at)
  }
  for (const name of calibratedNames(model)) if (header.includes(name)) found.set(name, header.indexOf(name))
  return found
}

/** The sample's names for the columns of a network whose file has none; undefined where the file names them. */
export function nameColumns({ loaded, model }: ReadyModel, sample: Sample): readonly string[] | undefined {
  const { file, header, outputs } = sample
  if (!isUnnamed(loaded) || model.inputs.some(({ name }) => header.includes(name))) return undefined
  const taken = new Set(outputs?.values() ?? [])
  const names = header.filter((_, i) => !taken.has(i))
  if (names.length === model.inputs.length) return names
  const what = `has ${names.length} columns besides outputs where the model takes ${model.inputs.length}, without names`
  throw wrong(`${file} ${what}. Leave those in that are its inputs, in its order.`)
}

/** The rows of a sample as probes. Rows without a score are left out, and said. */
export async function writeProbes(
  { loaded, model, ...ready }: ReadyModel,
  sample: Sample,
): Promise<SampleProbes> {
  const { file, header, outputs, rows } = sample
  const columns = new CsvColumns(file, header, { loaded, model, ...ready })
  const read = columns.read(rows)
  const scores = await model.score(read, rows.length)
  const lines = rows.flatMap((record, row): string[] => {
    const input = Object.fromEntries(
      model.inputs.map(({ name }, i) => [name, inputOf(read[i]!, row, record.cells[header.indexOf(name)])]),
    )
    const own = ownOutput(model, scores, row)
    const output = outputs === null ? own : givenOutput(outputs, record, own)
    if (!isFinite(own) || !isFinite(input)) return []
    return [JSON.stringify({ input, output, ...(outputs === null ? { by: OWN } : {}) })]
  })
  if (lines.length === 0)
    throw wrong(`${file}: the model gives no number for any of the first ${rows.length} rows.`)
  const left = rows.length - lines.length
  const who =
    outputs === null
      ? `outputs by Sluice itself, because the sample has no columns ${[...namesOf(model).keys()].slice(0, 10).join(', ')}: they guard against a later change, and prove nothing of the engine that trained the model`
      : 'outputs of the sample, and Sluice gives the same'
  return {
    text: `${lines.join('\n')}\n`,
    tolerance: model.format.startsWith('h2o') ? TOLERANCE.double : TOLERANCE.float,
    said: `${lines.length} probes${left === 0 ? '' : ` (${left} rows have no score)`}; ${who}`,
  }
}

type Probed = Readonly<Record<string, Plain | readonly number[]>>

/** JSON holds no infinity and no NaN. */
function isFinite(values: Probed): boolean {
  return Object.values(values)
    .flat()
    .every((value) => typeof value !== 'number' || Number.isFinite(value))
}

function inputOf(column: ModelColumn, row: number, cell: string | undefined): Plain | readonly number[] {
  if (column.type === 'tensor') {
    const size = column.shape.reduce((product, each) => product * each, 1)
    return Array.from(column.data.slice(row * size, (row + 1) * size), Number)
  }
  if (column.type === 'float64') return column.present[row] === 1 ? column.values[row]! : null
  if (column.type === 'category') return column.levels[row] === MISSING ? null : cell
  return column.type === 'string' ? column.values[row]! : undefined
}

function ownOutput(model: Model, { prediction, outputs: found, calibrated = [] }: Scores, row: number) {
  const { outputs, task } = model
  const output: Record<string, Plain> = {}
  if (task === 'classification' && prediction.type === 'category')
    output['label'] = prediction.domain[prediction.levels[row]!]
  if (task === 'regression' && prediction.type === 'float64') output['prediction'] = prediction.values[row]!
  outputs.forEach((name, k) => (output[name] = found[k]!.values[row]!))
  calibratedNames(model).forEach((name, k) => (output[name] = calibrated[k]!.values[row]!))
  return output
}

/** Numbers where Sluice has numbers; a cell that is none will differ, and is named then. */
function givenOutput(
  outputs: ReadonlyMap<string, number>,
  { cells }: CsvRecord,
  own: Readonly<Record<string, Plain>>,
): Readonly<Record<string, Plain>> {
  return Object.fromEntries(
    Array.from(outputs, ([name, at]) => {
      const cell = cells[at] ?? ''
      return [
        name,
        typeof own[name] === 'number' && cell.trim() !== '' && !Number.isNaN(Number(cell))
          ? Number(cell)
          : cell,
      ]
    }),
  )
}

function wrong(message: string): CommandError {
  return new CommandError('command.input', message)
}
