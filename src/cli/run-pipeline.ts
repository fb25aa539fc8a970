import { CommandError, ConnectError, messageOf } from '../api/errors.ts'
import { stopSignal } from '../dev/signals.ts'
import type { Round } from '../runtime/dry-run/dry-run.ts'
import type { InputRecord } from '../runtime/dry-run/input-batches.ts'
import { SinkDryRun } from '../runtime/dry-run/sink-dry-run.ts'
import { commandLog, INTERRUPTED } from './command-client.ts'
import { readConnectorFile } from './connector-file.ts'
import { type InputLine, linesOf, wrongLine } from './input-lines.ts'
import { type InputForm, InputRecords, sourceRecord } from './input-records.ts'
import { openPipeline, openWorkbench, type Pipeline, type Schemas, shapeOf } from './pipeline.ts'
import { partsOf, RecordPrinter, TOPIC_PARTS, type ValueFormat } from './record-printer.ts'
import { OutputLines, RoundPrinter, STANDARD_STREAMS, type Streams } from './round-printer.ts'
import { readSchemaFile } from './schema-file.ts'
import { step } from './steps.ts'

export interface RunOptions extends InputForm {
  readonly input?: string
  readonly schema?: string
  readonly keySchema?: string
  readonly topic?: string
  readonly limit?: number
  readonly all: boolean
  readonly with?: string
  readonly format: ValueFormat
  readonly worker?: string
  readonly models?: string
  /** Keys of the configuration, over those of the file. */
  readonly set?: Readonly<Record<string, string>>
}

interface Run {
  readonly pipeline: Pipeline
  readonly printer: RoundPrinter
  readonly options: RunOptions
  readonly stopping: AbortSignal
  readonly tell: Streams['tell']
}

const PROGRESS_MS = 2000

/** Runs a connector on a file and ends the process. @throws CommandError, ConfigError */
export async function runPipeline(connector: string, options: RunOptions): Promise<void> {
  const stopping = stopSignal(() => undefined)
  process.stdout.on('error', () => process.exit()) // whoever read it, `head` say, has enough
  process.exitCode = await runConnector(connector, options, { ...STANDARD_STREAMS, stopping })
  process.stdout.write('', () => process.exit()) // standard input may still be open
}

/**
 * The same without an end of the process: gives the exit code.
 * @throws CommandError, ConfigError
 */
export async function runConnector(
  connector: string,
  options: RunOptions,
  surroundings: Streams & { readonly stopping: AbortSignal },
): Promise<number> {
  check(options)
  const { stopping, tell } = surroundings
  const started = performance.now()
  const parts = partsOf(options.with, TOPIC_PARTS)
  const { input, all, format } = options
  const pipeline = await opened(connector, options)
  const lines = new OutputLines(new RecordPrinter({ format, parts, registry: pipeline.registry }))
  const place = input === undefined ? 'record' : `${nameOf(input)}, line`
  const printer = new RoundPrinter({ ...surroundings, lines, all, place })
  const run = { pipeline, printer, options, stopping, tell }
  let stop: unknown
  try {
    stop = input === undefined ? await pollSource(run) : await runInput(run, input)
  } finally {
    await pipeline.close()
    if (printer.records > 0 || stop !== undefined) summarise(run, performance.now() - started)
  }
  if (stop !== undefined) tell(`sluice: the task would be FAILED: ${messageOf(stop)}\n`)
  if (stopping.aborted) return INTERRUPTED
  return stop !== undefined || printer.unreadable > 0 ? 1 : 0
}

function check({ key, keySeparator, keySchema, records, input }: RunOptions): void {
  const ofLines = key ?? keySeparator
  const problem =
    key !== undefined && keySeparator !== undefined
      ? 'Give either --key or --key-separator.'
      : keySeparator === ''
        ? '--key-separator is empty.'
        : records === true && ofLines !== undefined
          ? '--records have their keys: leave out --key and --key-separator.'
          : records !== true && keySchema !== undefined
            ? '--key-schema is for --records; other lines have keys of text.'
            : input === undefined && (records === true || ofLines !== undefined)
              ? 'Name the file of the records with --input.'
              : undefined
  if (problem !== undefined) throw new CommandError('command.input', problem)
}

async function opened(connector: string, options: RunOptions): Promise<Pipeline> {
  const { schema, keySchema, topic, worker, models: modelsDir, set = {} } = options
  const config = { ...(await readConnectorFile(connector)), ...set }
  const schemas: Schemas = {
    key: keySchema === undefined ? null : await readSchemaFile(keySchema),
    value: schema === undefined ? null : await readSchemaFile(schema),
  }
  const bench = await openWorkbench({ worker, modelsDir, log: commandLog() })
  const open = () => openPipeline(bench, config, { schemas, topic })
  return step(`Opening the plugins and models of ${connector}`, open)
}

async function runInput(run: Run, input: string): Promise<unknown> {
  const { pipeline, printer, options, stopping, tell } = run
  const now = () => BigInt(Date.now())
  const schemaOption = { key: '--key-schema FILE.avsc', value: '--schema FILE.avsc' }
  const reader = new InputRecords({ ...shapeOf(pipeline), now, schemaOption }, options)
  const name = nameOf(input)
  const progress = new Progress()
  let left = options.limit ?? Infinity
  for await (const lines of linesOf(input === '-' ? undefined : input, stopping)) {
    const { records, numbers, wrong } = readLines(reader, lines.slice(0, left), name)
    left -= records.length
    const work = () => runRecords(pipeline, records, { name, numbers, stopping })
    const round = await step(`${name}, lines ${numbers[0] ?? 0} to ${numbers.at(-1) ?? 0}`, work)
    await printer.print(round, numbers)
    const { unusable } = round
    if (unusable !== undefined) throw wrongLine(name, numbers[unusable.record] ?? 0, unusable.error)
    if (round.stop !== undefined) return round.stop
    if (wrong !== undefined) throw wrong
    if (stopping.aborted || left <= 0) return undefined
    progress.tell(printer.records)
  }
  if (printer.records === 0 && !stopping.aborted) tell(`${name} has no records\n`)
  return undefined
}

/** The records of lines up to one that is no record. */
function readLines(reader: InputRecords, lines: readonly InputLine[], name: string) {
  const records: InputRecord[] = []
  const numbers: number[] = []
  for (const { text, number } of lines) {
    try {
      records.push(reader.line(text))
      numbers.push(number)
    } catch (error) {
      if (!(error instanceof ConnectError) || error instanceof CommandError) throw error
      return { records, numbers, wrong: wrongLine(name, number, error) }
    }
  }
  return { records, numbers }
}

interface Origin {
  readonly name: string
  readonly numbers: readonly number[]
  readonly stopping: AbortSignal
}

/** Of a source, lines are what one poll brought. */
function runRecords(
  { dry }: Pipeline,
  records: readonly InputRecord[],
  { name, numbers, stopping }: Origin,
): Promise<Round> {
  if (dry instanceof SinkDryRun) return dry.run(records, stopping)
  const polled = records.map((record, i) => sourceRecord(record, { file: name }, { line: numbers[i] ?? 0 }))
  return dry.run(polled, stopping)
}

async function pollSource({ pipeline, printer, options, stopping }: Run): Promise<unknown> {
  const { dry } = pipeline
  if (dry instanceof SinkDryRun)
    throw new CommandError(
      'command.input',
      'a sink needs records: name their file with --input (- is standard input)',
    )
  const progress = new Progress()
  let polled = 0
  for await (const records of dry.poll(stopping)) {
    const taken = records.slice(0, (options.limit ?? Infinity) - polled)
    const numbers = taken.map((_, i) => polled + i + 1)
    polled += taken.length
    const round = await step(`Records ${numbers[0] ?? 0} to ${polled}`, () => dry.run(taken, stopping))
    await printer.print(round, numbers)
    if (round.stop !== undefined) return round.stop
    if (polled >= (options.limit ?? Infinity)) return undefined
    progress.tell(printer.records)
  }
  return undefined
}

function nameOf(input: string): string {
  return input === '-' ? 'standard input' : input
}

/** Says on a terminal, at times, how far it is. */
class Progress {
  #toldAt = performance.now()

  tell(records: number): void {
    if (!process.stderr.isTTY || performance.now() - this.#toldAt < PROGRESS_MS) return
    this.#toldAt = performance.now()
    process.stderr.write(`${records} records…\n`)
  }
}

function summarise({ printer, tell }: Run, milliseconds: number): void {
  const { records, printed, dropped, failed } = printer
  const seconds = (milliseconds / 1000).toFixed(1)
  tell(`${records} records in, ${printed} out, ${dropped} dropped, ${failed} failed, ${seconds} s\n`)
}
