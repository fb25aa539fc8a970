import { CommandError, ConnectError } from '../api/errors.ts'
import type { Schema } from '../api/schema.ts'
import { RegistryClient } from '../converters/avro/registry-client.ts'
import { SchemaStore } from '../converters/avro/schema-store.ts'
import { stopSignal } from '../dev/signals.ts'
import type { KafkaClient } from '../kafka/client.ts'
import { Producer } from '../kafka/produce/produce.ts'
import { commandLog, INTERRUPTED, type Kafka, noSuchTopic, withClient } from './command-client.ts'
import { type InputLine, linesOf, wrongLine } from './input-lines.ts'
import { type LineFormat, lineReader, type LineRecord } from './produce-lines.ts'
import { RecordWriter } from './record-writer.ts'
import { readSchemaFile } from './schema-file.ts'

export interface ProduceOptions extends LineFormat, Kafka {
  readonly schema?: string
  readonly registry: string
}

const PROGRESS_MS = 2000

export async function runProduce(
  topic: string,
  file: string | undefined,
  options: ProduceOptions,
): Promise<void> {
  check(options)
  const stopping = stopSignal(() => undefined)
  const run = (client: KafkaClient) => produceFile(client, topic, file, { options, stopping })
  await withClient(options, run, stopping)
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
  if (schema !== undefined) return (await readSchemaFile(schema)).connect()
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

/** Sends batch after batch; the lines before a wrong one are sent. */
async function produceLines(
  batches: AsyncIterable<readonly InputLine[]>,
  read: (line: string) => LineRecord,
  writer: RecordWriter,
  name: string,
): Promise<void> {
  let toldAt = performance.now()
  for await (const lines of batches) {
    const records: { record: LineRecord; line: number }[] = []
    let wrong: CommandError | undefined
    for (const { text, number } of lines) {
      try {
        records.push({ record: read(text), line: number })
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
