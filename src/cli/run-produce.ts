import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { CommandError, ConnectError, messageOf } from '../api/errors.ts'
import type { Schema } from '../api/schema.ts'
import { parseSchema } from '../converters/avro/parse-schema.ts'
import { RegistryClient } from '../converters/avro/registry-client.ts'
import { SchemaStore } from '../converters/avro/schema-store.ts'
import { WriterSchema } from '../converters/avro/writer-schema.ts'
import { stopSignal } from '../dev/signals.ts'
import type { KafkaClient } from '../kafka/client.ts'
import { Producer } from '../kafka/produce/produce.ts'
import { commandLog, INTERRUPTED, noSuchTopic, withClient } from './command-client.ts'
import { type LineFormat, lineReader, type LineRecord } from './produce-lines.ts'
import { RecordWriter } from './record-writer.ts'

export interface ProduceOptions extends LineFormat {
  readonly schema?: string
  readonly bootstrapServers: string
  readonly registry: string
}

const BATCH = 1000
const PROGRESS_MS = 2000

export async function runProduce(
  topic: string,
  file: string | undefined,
  options: ProduceOptions,
): Promise<void> {
  check(options)
  const stopping = stopSignal(() => undefined)
  const run = (client: KafkaClient) => produceFile(client, topic, file, { options, stopping })
  await withClient(options.bootstrapServers, run, stopping)
  if (stopping.aborted) process.exitCode = INTERRUPTED
  process.exit() // standard input may still be open
}

async function produceFile(
  client: KafkaClient,
  topic: string,
  file: string | undefined,
  { options, stopping }: { readonly options: ProduceOptions; readonly stopping: AbortSignal },
): Promise<void> {
  const partitions = await client.partitionCount(topic)
  if (partitions === null) throw noSuchTopic(topic)
  const schema = options.format === 'avro' ? await avroSchema(topic, options) : null
  const producer = new Producer(client, { log: commandLog() })
  const writer = new RecordWriter(producer, { topic, partitions, schema, registry: options.registry })
  try {
    const read = lineReader(options, schema)
    await produceLines(linesOf(file, stopping), read, writer, file ?? 'standard input')
  } finally {
    await producer.close()
    process.stderr.write(`${writer.written} records produced to ${topic}\n`)
  }
}

function check({ format, key, keySeparator, schema }: ProduceOptions): void {
  const problem =
    key !== undefined && keySeparator !== undefined
      ? 'Give either --key or --key-separator.'
      : keySeparator === ''
        ? '--key-separator is empty.'
        : key !== undefined && format === 'text'
          ? '--key needs lines of JSON: use --key-separator.'
          : schema !== undefined && format !== 'avro'
            ? `--schema is for --format avro, not ${format}.`
            : undefined
  if (problem !== undefined) throw new CommandError('command.input', problem)
}

async function avroSchema(topic: string, { schema, registry }: ProduceOptions): Promise<Schema> {
  if (schema !== undefined) {
    const text = await readFile(schema, 'utf8').catch((error: unknown) => {
      throw new CommandError('command.input', `${schema} cannot be read: ${messageOf(error)}.`)
    })
    return new WriterSchema(parseSchema(text)).connect()
  }
  const [retries, retryWaitMs, timeoutMs] = [1, 500, 10_000]
  const client = new RegistryClient({
    ...{ urls: [registry], userInfo: null, retries, retryWaitMs, timeoutMs },
    log: commandLog(),
  })
  const latest = await new SchemaStore(client).latest(`${topic}-value`)
  if (latest !== null) return latest.connect()
  throw new CommandError(
    'schema.unknown',
    `The registry has no schema of subject ${topic}-value: give one by --schema FILE.avsc, or use --format json or text.`,
  )
}

/** The lines of each piece that comes: what a person types need not wait for a full batch. */
async function* linesOf(file: string | undefined, stopping: AbortSignal): AsyncGenerator<readonly string[]> {
  const input: Readable = file === undefined ? process.stdin : createReadStream(file)
  stopping.addEventListener('abort', () => void input.destroy(), { once: true })
  input.setEncoding('utf8')
  let rest = ''
  try {
    for await (const piece of input as AsyncIterable<string>) {
      const lines = piece.split('\n')
      lines[0] = rest + (lines[0] ?? '')
      rest = lines.pop() ?? ''
      for (let at = 0; at < lines.length; at += BATCH) yield lines.slice(at, at + BATCH)
    }
  } catch (error) {
    if (error instanceof ConnectError) throw error
    if (stopping.aborted) return
    const name = file ?? 'standard input'
    throw new CommandError('command.input', `${name} cannot be read: ${messageOf(error)}.`, { cause: error })
  }
  if (rest !== '') yield [rest]
}

/** Sends batch after batch; the lines before a wrong one are sent. */
async function produceLines(
  batches: AsyncIterable<readonly string[]>,
  read: (line: string) => LineRecord,
  writer: RecordWriter,
  name: string,
): Promise<void> {
  let number = 0
  let toldAt = performance.now()
  for await (const lines of batches) {
    const records: { record: LineRecord; line: number }[] = []
    let wrong: CommandError | undefined
    for (const raw of lines) {
      number++
      const text = raw.endsWith('\r') ? raw.slice(0, -1) : raw
      if (text.trim() === '') continue
      try {
        const unmarked = number === 1 ? text.replace(/^\uFEFF/, '') : text
        records.push({ record: read(unmarked), line: number })
      } catch (error) {
        if (!(error instanceof ConnectError)) throw error
        wrong = wrongLine(name, number, error)
        break
      }
    }
    const failed = await writer.write(records.map(({ record }) => record))
    if (failed !== undefined) throw wrongLine(name, records[failed.row]!.line, failed.error)
    if (wrong !== undefined) throw wrong
    if (performance.now() - toldAt < PROGRESS_MS) continue
    toldAt = performance.now()
    process.stderr.write(`${writer.written} records…\n`)
  }
}

function wrongLine(name: string, line: number, error: ConnectError): CommandError {
  return new CommandError('command.input', `${name}, line ${line}: ${error.message}`, { cause: error })
}
