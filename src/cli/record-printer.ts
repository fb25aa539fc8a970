import { isUtf8 } from 'node:buffer'
import { once } from 'node:events'
import type { Header, SinkRecord } from '../api/batch.ts'
import type { Slices, Converter } from '../api/converter.ts'
import { CommandError, type ConnectError, DataError, messageOf } from '../api/errors.ts'
import { toJson } from '../api/to-json.ts'
import { avroConverter } from '../converters/avro/plugin.ts'
import { decodeHeaders } from '../kafka/record-batches/headers.ts'
import { type FetchedBatch, offsetOf, timestampOf } from '../kafka/record-batches/records.ts'
import { commandLog } from './command-client.ts'

export type ValueFormat = 'auto' | 'avro' | 'json' | 'text' | 'bytes'
/** What can stand beside the value, in the order in which it is printed. */
export const PARTS = ['partition', 'offset', 'timestamp', 'key', 'headers'] as const
/** The same where records are of several topics. */
export const TOPIC_PARTS = ['topic', ...PARTS] as const
export type Part = (typeof TOPIC_PARTS)[number]

/**
 * The parts that `--with` names, in the order in which they are printed.
 * @throws CommandError
 */
export function partsOf<P extends Part>(text: string | undefined, known: readonly P[]): readonly P[] {
  if (text === 'all') return known
  const parts = text?.split(',').map((part) => part.trim()) ?? []
  const wrong = parts.find((part) => !known.some((each) => each === part))
  if (wrong !== undefined)
    throw new CommandError('command.input', `--with knows ${known.join(', ')} and all, not "${wrong}".`)
  return known.filter((each) => parts.includes(each))
}

export interface PrinterOptions {
  readonly format: ValueFormat
  readonly parts: readonly Part[]
  readonly registry: string
}

const WIRE_HEADER = 5

/** Prints records, one line of JSON each. A record that cannot be read is named on standard error. */
export class RecordPrinter {
  readonly #options: PrinterOptions
  readonly #avro: Converter
  printed = 0
  failed = 0

  constructor(options: PrinterOptions) {
    this.#options = options
    const config = avroConverter.config.read({ 'schema.registry.url': options.registry, 'max.retries': '1' })
    this.#avro = avroConverter.open(config, { side: 'value', log: commandLog() })
  }

  /** Prints the first rows of a batch. */
  async print(batch: FetchedBatch, rows: number): Promise<void> {
    const lineAt = await this.lines(batch)
    let text = ''
    for (let row = 0; row < rows; row++) {
      try {
        text += `${lineAt(row)}\n`
        this.printed++
      } catch (error) {
        this.failed++
        process.stderr.write(
          `${batch.topic}-${batch.partition}@${offsetOf(batch, row)}: ${messageOf(error)}\n`,
        )
      }
    }
    if (text !== '' && !process.stdout.write(text)) await once(process.stdout, 'drain')
  }

  /** The line of each row. It throws where the record cannot be read. */
  async lines(batch: FetchedBatch): Promise<(row: number) => string> {
    const { values, errors } = await this.#values(batch)
    return (row) => {
      const error = errors.get(row)
      if (error !== undefined) throw error
      return lineOf(this.#options.parts, (part) => partJson(batch, row, part), values(row))
    }
  }

  /** The line of a record that is data still. */
  lineOfRecord(record: SinkRecord): string {
    const { parts } = this.#options
    return lineOf(parts, (part) => recordPartJson(record, part), toJson(record.value, record.valueSchema))
  }

  /** The JSON of each value. */
  async #values(batch: FetchedBatch): Promise<{
    values: (row: number) => string
    errors: ReadonlyMap<number, ConnectError>
  }> {
    const { format } = this.#options
    const errors = new Map<number, ConnectError>()
    const fail = (row: number, error: ConnectError): void => void errors.set(row, error)
    const avro = format === 'avro' ? batch.values : avroSlices(batch.values, format)
    const side = await this.#avro.decode(batch.topic, avro, fail)
    const values = (row: number): string => {
      if (avro.start[row]! < 0) return plainJson(bytesOf(batch.values, row), format)
      const value = toJson(side.value(row, fail), side.schema(row, fail))
      const error = errors.get(row)
      if (error !== undefined) throw error
      return value
    }
    return { values, errors }
  }
}

function lineOf(parts: readonly Part[], jsonOf: (part: Part) => string, value: string): string {
  if (parts.length === 0) return value
  const fields = parts.map((part) => `"${part}":${jsonOf(part)}`)
  return `{${[...fields, `"value":${value}`].join(',')}}`
}

/** The rows that look like Avro in the wire format; the others are null. */
function avroSlices({ bytes, start, end, length }: Slices, format: ValueFormat): Slices {
  const isAvro = (at: number, row: number) =>
    format === 'auto' && at >= 0 && bytes[at] === 0 && end[row]! - at >= WIRE_HEADER
  return { bytes, end, length, start: start.map((at, row) => (isAvro(at, row) ? at : -1)) }
}

function partJson(batch: FetchedBatch, row: number, part: Part): string {
  if (part === 'topic') return JSON.stringify(batch.topic)
  if (part === 'partition') return String(batch.partition)
  if (part === 'offset') return String(offsetOf(batch, row))
  if (part === 'timestamp') return String(timestampOf(batch, row))
  if (part === 'key') return textJson(bytesOf(batch.keys, row))
  const { bytes, start, end } = batch.headers
  return headersJson(decodeHeaders(bytes, start[row]!, end[row]!))
}

/** A record that is on its way has no offset. */
function recordPartJson(record: SinkRecord, part: Part): string {
  if (part === 'key') return toJson(record.key, record.keySchema)
  if (part === 'headers') return headersJson(record.headers)
  if (part === 'topic') return JSON.stringify(record.topic)
  return part === 'offset' ? 'null' : String(record[part])
}

function headersJson(headers: readonly Header[]): string {
  return `[${headers.map(({ key, value }) => `{"key":${JSON.stringify(key)},"value":${textJson(value)}}`).join(',')}]`
}

function bytesOf({ bytes, start, end }: Slices, row: number): Buffer | null {
  return start[row]! < 0 ? null : bytes.subarray(start[row], end[row])
}

/** The JSON of bytes that are not Avro. */
export function plainJson(bytes: Buffer | null, format: ValueFormat): string {
  if (bytes === null) return 'null'
  if (format === 'bytes') return JSON.stringify(bytes.toString('base64'))
  if (format === 'json' || (format === 'auto' && (bytes[0] === 0x7b || bytes[0] === 0x5b))) {
    const json = isUtf8(bytes) ? jsonLine(bytes.toString()) : undefined
    if (json !== undefined) return json
    if (format === 'json') throw new DataError('record.malformed', 'The record is not JSON.')
  }
  if (format === 'text' && !isUtf8(bytes))
    throw new DataError('record.malformed', 'The record is not text in UTF-8.')
  return textJson(bytes)
}

/** JSON as it was written, in one line: its numbers keep their digits. */
function jsonLine(text: string): string | undefined {
  try {
    JSON.parse(text)
    return text.trim().replace(/[\r\n]+/g, ' ')
  } catch {
    return undefined
  }
}

/** Text, or what says that it is none. */
function textJson(bytes: Buffer | null): string {
  if (bytes === null) return 'null'
  return JSON.stringify(isUtf8(bytes) ? bytes.toString() : { base64: bytes.toString('base64') })
}
