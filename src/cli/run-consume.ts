import { setTimeout as sleep } from 'node:timers/promises'
import { listOffsets } from '../kafka/admin.ts'
import type { KafkaClient } from '../kafka/client.ts'
import { type FetchedBatch, Fetcher } from '../kafka/fetch/fetch.ts'
import { offsetOf } from '../kafka/record-batches/records.ts'
import { stopSignal } from '../dev/signals.ts'
import { commandLog, type Kafka, noSuchTopic, withClient } from './command-client.ts'
import { PARTS, partsOf, RecordPrinter, type ValueFormat } from './record-printer.ts'

export interface ConsumeOptions extends Kafka {
  readonly fromBeginning: boolean
  readonly exitAtEnd: boolean
  readonly max?: number
  readonly with?: string
  readonly format: ValueFormat
  readonly registry: string
}

const TOPIC_WAIT_MS = 1000

export async function runConsume(topic: string, options: ConsumeOptions): Promise<void> {
  const printer = new RecordPrinter({ ...options, parts: partsOf(options.with, PARTS) })
  const stopping = stopSignal(() => undefined)
  process.stdout.on('error', () => process.exit()) // whoever read it, `head` say, has enough
  const run = async (client: KafkaClient) => {
    const partitions = await waitForTopic(client, topic, options, stopping)
    if (partitions !== null) await print(client, topic, partitions, { options, printer, stopping })
  }
  await withClient(options, run, stopping)
  process.stderr.write(`${printer.printed} records\n`)
  process.exitCode = printer.failed > 0 ? 1 : 0
  process.stdout.write('', () => process.exit())
}

async function waitForTopic(
  client: KafkaClient,
  topic: string,
  { exitAtEnd }: ConsumeOptions,
  stopping: AbortSignal,
): Promise<number | null> {
  for (let told = false; !stopping.aborted; told = true) {
    const partitions = await client.partitionCount(topic)
    if (partitions !== null) return partitions
    if (exitAtEnd) throw noSuchTopic(topic)
    if (!told) process.stderr.write(`waiting for topic ${topic}, which does not exist yet\n`)
    await sleep(TOPIC_WAIT_MS, undefined, { signal: stopping }).catch(() => undefined)
  }
  return null
}

async function print(
  client: KafkaClient,
  topic: string,
  count: number,
  run: { options: ConsumeOptions; printer: RecordPrinter; stopping: AbortSignal },
): Promise<void> {
  const { options, printer, stopping } = run
  const partitions = Array.from({ length: count }, (_, partition) => ({ topic, partition }))
  const starts = await listOffsets(client, partitions, options.fromBeginning ? 'earliest' : 'latest')
  const ends = options.exitAtEnd ? await listOffsets(client, partitions, 'latest', 'read_committed') : []
  const reached = ends.map((end, partition) => starts[partition]! >= end)
  const fetcher = new Fetcher(client, { isolation: 'read_committed', reset: 'earliest', log: commandLog() })
  fetcher.assign(partitions.map((each, i) => ({ ...each, offset: starts[i]! })))
  const isDone = () => options.exitAtEnd && reached.every(Boolean)
  while (!stopping.aborted && !isDone() && printer.printed + printer.failed < (options.max ?? Infinity)) {
    for (const batch of await fetcher.next()) {
      const end = ends[batch.partition]
      await printer.print(batch, rowsBefore(batch, end, options.max, printer))
      if (end !== undefined && batch.nextOffset >= end) reached[batch.partition] = true
    }
  }
  await fetcher.close()
}

function rowsBefore(
  batch: FetchedBatch,
  end: bigint | undefined,
  max: number | undefined,
  { printed, failed }: RecordPrinter,
): number {
  let rows = Math.min(batch.length, (max ?? Infinity) - printed - failed)
  while (end !== undefined && rows > 0 && offsetOf(batch, rows - 1) >= end) rows--
  return rows
}
