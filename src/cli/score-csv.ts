import { createReadStream, createWriteStream } from 'node:fs'
import { realpath, rename, rm, stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { CommandError, ConnectError, messageOf } from '../api/errors.ts'
import type { Model, Scores } from '../api/models.ts'
import type { ReadyModel } from '../inference/store/load-model.ts'
import { csvCell, CsvReader, type CsvRecord } from './csv.ts'
import { CsvColumns } from './csv-columns.ts'
import { keepNot, step } from './steps.ts'

const MOST_ROWS = 4096
const FIRST_ROWS = 64
/** What scoring one batch should take, so that a slow model does not meet the deadline of a step. */
const BATCH_MS = 1000
const PROGRESS_MS = 1000

/** What `sluice models score --json` prints. */
export interface ScoreSummary {
  readonly model: string
  readonly version: string
  readonly rows: number
  /** How often each label was predicted; classification only. */
  readonly labels?: Readonly<Record<string, number>>
  /** Rows without a score: a number that the model needs is missing, or it failed on them. */
  readonly unscored: number
  readonly seconds: number
}

interface Tally {
  rows: number
  unscored: number
  /** Why the first of these was not scored, where the engine said. */
  problem: string | undefined
  readonly labels: Map<string, number>
}

export interface ScoreFiles {
  readonly input: string
  readonly output: string
  /** Told what is not right, but no reason to stop. */
  readonly warn: (message: string) => void
}

/** Scores a CSV file into another, row by row as it is read. The output appears when it is complete. */
export async function scoreFile(
  ready: ReadyModel,
  { input, output, warn }: ScoreFiles,
): Promise<ScoreSummary> {
  const started = performance.now()
  const tally: Tally = {
    rows: 0,
    unscored: 0,
    problem: undefined,
    labels: new Map(ready.model.labels.map((label) => [label, 0])),
  }
  const target = await targetOf(input, output)
  if (target !== output) keepNot(target)
  const progress = showProgress(tally)
  try {
    await pipeline(scoreLines(ready, { input, output, warn }, tally), createWriteStream(target))
    if (target !== output) await rename(target, output)
    if (tally.unscored > 0) warn(unscoredText(tally))
  } catch (error) {
    if (target !== output) await rm(target, { force: true })
    if (error instanceof ConnectError) throw error
    throw new CommandError(
      'command.input',
      `${input} cannot be scored into ${output}: ${messageOf(error)}.`,
      {
        cause: error,
      },
    )
  } finally {
    progress()
  }
  return {
    model: ready.model.name,
    version: ready.model.version,
    rows: tally.rows,
    ...(ready.model.task === 'classification' ? { labels: Object.fromEntries(tally.labels) } : {}),
    unscored: tally.unscored,
    seconds: Math.round(performance.now() - started) / 1000,
  }
}

/** A file beside the output that is renamed at the end; the output itself where that is a device or a pipe. */
async function targetOf(input: string, output: string): Promise<string> {
  const found = await stat(output).catch(() => undefined)
  if (found === undefined) return `${output}.${process.pid}.part`
  if (found.isDirectory()) throw new CommandError('command.input', `${output} is a folder. Name a file.`)
  if (!found.isFile()) return output
  if ((await realpath(input).catch(() => undefined)) === (await realpath(output))) {
    throw new CommandError('command.input', `${output} is the input itself. Name another file.`)
  }
  return `${output}.${process.pid}.part`
}

/** The records of a CSV file of any size. */
export async function* readRecords(file: string): AsyncGenerator<CsvRecord[]> {
  const reader = new CsvReader(file)
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const decode = (bytes?: Buffer) => {
    try {
      return decoder.decode(bytes, { stream: bytes !== undefined })
    } catch (error) {
      throw new CommandError('command.input', `${file} is not UTF-8 text. Convert it.`, { cause: error })
    }
  }
  for await (const chunk of createReadStream(file, { highWaterMark: 2 ** 18 })) {
    yield reader.push(decode(chunk as Buffer))
  }
  yield reader.push(decode())
  yield reader.end()
}

async function* scoreLines(
  ready: ReadyModel,
  { input: file, warn }: ScoreFiles,
  tally: Tally,
): AsyncGenerator<string> {
  const { model } = ready
  let columns: CsvColumns | undefined
  let size = FIRST_ROWS
  for await (const records of readRecords(file)) {
    if (columns === undefined) {
      const header = records.shift()
      if (header === undefined) continue
      columns = new CsvColumns(file, header.cells, ready)
      if (!columns.isHeader) records.unshift(header)
      if (columns.order !== null)
        warn(`${file}: the model's columns have no names there; taken in order: ${columns.order}.`)
      if (columns.absent.length > 0) warn(`${file} lacks ${columns.absent.join(', ')}: missing in every row.`)
      yield `${headerOf(model).map(csvCell).join(',')}\n`
    }
    const rows = columns.withoutBlankLines(records)
    for (let from = 0; from < rows.length;) {
      const batch = rows.slice(from, from + size)
      from += batch.length
      const scoring = `Scoring rows ${tally.rows + 1} to ${tally.rows + batch.length} of ${file}`
      const read = columns.read(batch)
      const started = performance.now()
      const scores = await step(scoring, async () => model.score(read, batch.length))
      size = nextSize(batch.length, performance.now() - started)
      yield formatRows(model, scores, batch.length, tally)
    }
  }
  if (columns === undefined) throw new CommandError('command.input', `${file} is empty: it needs a header.`)
}

function nextSize(rows: number, milliseconds: number): number {
  const fitting = Math.round((rows * BATCH_MS) / Math.max(1, milliseconds))
  return Math.max(1, Math.min(fitting, rows * 8, MOST_ROWS))
}

function unscoredText({ rows, unscored, problem }: Tally): string {
  const why = problem === undefined ? 'a number that the model needs is missing' : problem
  return `${unscored} of ${rows} rows have no score: ${why}.`
}

/** Classification: `predict`, the classes, and their calibrated probabilities where there are such; regression: `predict`; others: their outputs. */
function headerOf({ isCalibrated = false, labels, task, outputs }: Model): readonly string[] {
  if (isCalibrated) return ['predict', ...outputs, ...labels.map((label) => `cal_${label}`)]
  return task === 'classification' || task === 'regression' ? ['predict', ...outputs] : outputs
}

/** 17 significant digits give the same double back. */
function digits(value: number): string {
  return value.toPrecision(17)
}

function formatRows(model: Model, scores: Scores, length: number, tally: Tally): string {
  tally.rows += length
  const columns = [...scores.outputs, ...(scores.calibrated ?? [])]
  if (model.task === 'regression' && scores.prediction.type === 'float64') columns.unshift(scores.prediction)
  const labels = model.labels.map(csvCell)
  let text = ''
  for (let row = 0; row < length; row++) {
    if (Number.isNaN(columns[0]?.values[row])) {
      tally.unscored++
      tally.problem ??= scores.problems?.get(row)
    }
    const cells = columns.map(({ values, exact }) =>
      exact === undefined || Number.isNaN(values[row]) ? digits(values[row]!) : String(exact[row]),
    )
    if (scores.prediction.type === 'category') {
      const level = scores.prediction.levels[row]!
      // No label where nothing was predicted: the row's offset is missing.
      const isScored = !Number.isNaN(scores.outputs[0]?.values[row])
      const label = model.labels[level]
      if (isScored && label !== undefined) tally.labels.set(label, (tally.labels.get(label) ?? 0) + 1)
      cells.unshift(isScored ? (labels[level] ?? '') : '')
    }
    text += `${cells.join(',')}\n`
  }
  return text
}

/** Counts on a terminal's standard error; returns what ends it. */
function showProgress(tally: Tally): () => void {
  if (!process.stderr.isTTY) return () => undefined
  let isShown = false
  const timer = setInterval(() => {
    isShown = true
    process.stderr.write(`\r${tally.rows} rows`)
  }, PROGRESS_MS)
  return () => {
    clearInterval(timer)
    if (isShown) process.stderr.write('\r\x1b[K')
  }
}
