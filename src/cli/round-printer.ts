import { once } from 'node:events'
import type { SinkRecord } from '../api/batch.ts'
import { withoutCredentials } from '../api/credentials.ts'
import { messageOf } from '../api/errors.ts'
import type { FetchedBatch } from '../kafka/record-batches/records.ts'
import type { Written } from '../runtime/dry-run/capture.ts'
import type { Outcome, Round } from '../runtime/dry-run/dry-run.ts'
import type { Failure } from '../runtime/records/row-states.ts'
import type { RecordPrinter } from './record-printer.ts'

type Output = Outcome['outputs'][number]

/** Makes lines of outputs. A batch is decoded once, however many of its rows are printed. */
export class OutputLines {
  readonly #printer: RecordPrinter
  readonly #batches = new WeakMap<FetchedBatch, Promise<(row: number) => string>>()

  constructor(printer: RecordPrinter) {
    this.#printer = printer
  }

  /** @throws DataError where the output cannot be read */
  async line(output: Output): Promise<string> {
    if (!isWritten(output)) return this.#printer.lineOfRecord(output)
    const { batch, at } = output
    let lines = this.#batches.get(batch)
    if (lines === undefined) this.#batches.set(batch, (lines = this.#printer.lines(batch)))
    return (await lines)(at)
  }
}

function isWritten(output: Written | SinkRecord): output is Written {
  return 'batch' in output
}

/** Where a command writes. */
export interface Streams {
  /** Resolves when there is room for more. */
  readonly out: (text: string) => Promise<void>
  readonly tell: (text: string) => void
}

/** Standard output and standard error. */
export const STANDARD_STREAMS: Streams = {
  out: async (text) => {
    if (!process.stdout.write(text)) await once(process.stdout, 'drain')
  },
  tell: (text) => void process.stderr.write(text),
}

export interface RoundPrinterOptions extends Streams {
  readonly lines: OutputLines
  /** Whether dropped and failed records are printed among the others. */
  readonly all: boolean
  /** What records are counted in, for messages: `rows.jsonl, line`. */
  readonly place: string
}

/** Prints what came of records: outputs on standard output, what is said about the others on standard error. */
export class RoundPrinter {
  readonly #options: RoundPrinterOptions
  records = 0
  printed = 0
  dropped = 0
  failed = 0
  /** Outputs that cannot be shown in the format that was asked for. */
  unreadable = 0

  constructor(options: RoundPrinterOptions) {
    this.#options = options
  }

  /** `numbers`: of each record that was given. */
  async print({ outcomes }: Round, numbers: readonly number[]): Promise<void> {
    const lines: string[] = []
    const droppedAt: number[] = []
    this.records += outcomes.length
    for (const { record, outputs, failure } of outcomes) {
      const number = numbers[record] ?? 0
      for (const output of outputs) lines.push(...(await this.#lineOf(output, number)))
      if (failure !== undefined) lines.push(...this.#failure(failure, number))
      else if (outputs.length === 0) {
        droppedAt.push(number)
        if (this.#options.all) lines.push(JSON.stringify({ line: number, dropped: true }))
      }
    }
    this.dropped += droppedAt.length
    if (droppedAt.length > 0) this.#tell(`${rangesOf(droppedAt)}: dropped`)
    if (lines.length > 0) await this.#options.out(`${lines.join('\n')}\n`)
  }

  async #lineOf(output: Output, number: number): Promise<string[]> {
    try {
      const line = await this.#options.lines.line(output)
      this.printed++
      return [line]
    } catch (error) {
      this.unreadable++
      this.#tell(`${number}: its output cannot be shown: ${messageOf(error)}`)
      return []
    }
  }

  #failure({ error, stage, plugin }: Failure, line: number): string[] {
    this.failed++
    const message = withoutCredentials(error.message)
    this.#tell(`${line}: ${error.code} in ${stage} (${plugin}): ${message}`)
    const { code } = error
    return this.#options.all ? [JSON.stringify({ line, failed: { code, stage, plugin, message } })] : []
  }

  #tell(text: string): void {
    this.#options.tell(`${this.#options.place} ${text}\n`)
  }
}

/** `3, 5-7`. */
export function rangesOf(numbers: readonly number[]): string {
  const ranges: { from: number; to: number }[] = []
  for (const number of numbers) {
    const last = ranges.at(-1)
    if (last !== undefined && number === last.to + 1) last.to = number
    else ranges.push({ from: number, to: number })
  }
  return ranges.map(({ from, to }) => (from === to ? String(from) : `${from}-${to}`)).join(', ')
}
