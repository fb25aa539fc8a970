import { CommandError } from '../api/errors.ts'
import { createTopic, deleteTopic, listOffsets } from '../kafka/admin.ts'
import type { KafkaClient, TopicMetadata } from '../kafka/client.ts'
import { type Kafka, noSuchTopic, withClient } from './command-client.ts'

export interface TopicsOptions extends Kafka {
  readonly create?: string
  readonly partitions: number
  readonly delete?: string
  readonly all?: boolean
  readonly json?: boolean
}

interface PartitionRange {
  readonly partition: number
  readonly first: bigint
  readonly end: bigint
}

export async function runTopics(name: string | undefined, options: TopicsOptions): Promise<void> {
  const asked = [name, options.create, options.delete].filter((each) => each !== undefined)
  if (asked.length > 1)
    throw new CommandError('command.input', 'Give one of a topic to describe, --create and --delete.')
  await withClient(options, async (client) => {
    if (options.create !== undefined) await create(client, options.create, options.partitions)
    else if (options.delete !== undefined) await remove(client, options.delete)
    else await list(client, name, options)
  })
}

async function create(client: KafkaClient, topic: string, partitions: number): Promise<void> {
  const outcome = await createTopic(client, { topic, partitions })
  if (outcome === 'exists') throw new CommandError('kafka.topic', `Topic ${topic} exists already.`)
  process.stderr.write(`created topic ${topic}, partitions: ${partitions}\n`)
}

async function remove(client: KafkaClient, topic: string): Promise<void> {
  if (!(await deleteTopic(client, topic))) throw noSuchTopic(topic)
  process.stderr.write(`deleted topic ${topic}\n`)
}

async function list(client: KafkaClient, name: string | undefined, options: TopicsOptions): Promise<void> {
  const answers = await client.metadata(name === undefined ? null : [name])
  const found = answers.filter(({ error }) => error === 0)
  if (name !== undefined && found.length === 0) throw noSuchTopic(name)
  const shown = found.filter(
    ({ topic }) => name !== undefined || options.all === true || !topic.startsWith('__'),
  )
  const rows = [['topic', name === undefined ? 'partitions' : 'partition', 'first', 'end', 'offsets']]
  for (const metadata of shown.toSorted((a, b) => (a.topic < b.topic ? -1 : 1))) {
    const ranges = await rangesOf(client, metadata)
    if (options.json === true) process.stdout.write(`${describe(metadata.topic, ranges)}\n`)
    else if (name === undefined)
      rows.push([metadata.topic, String(ranges.length), '', '', String(sizeOf(ranges))])
    else for (const range of ranges) rows.push([name, ...cellsOf(range)])
  }
  if (options.json !== true) process.stdout.write(table(name === undefined ? rows.map(withoutRange) : rows))
}

async function rangesOf(
  client: KafkaClient,
  { topic, partitions }: TopicMetadata,
): Promise<PartitionRange[]> {
  const wanted = partitions.map(({ partition }) => ({ topic, partition }))
  wanted.sort((a, b) => a.partition - b.partition)
  const [first, end] = await Promise.all([
    listOffsets(client, wanted, 'earliest'),
    listOffsets(client, wanted, 'latest'),
  ])
  return wanted.map(({ partition }, i) => ({ partition, first: first[i]!, end: end[i]! }))
}

function sizeOf(ranges: readonly PartitionRange[]): bigint {
  return ranges.reduce((sum, { first, end }) => sum + end - first, 0n)
}

function cellsOf({ partition, first, end }: PartitionRange): string[] {
  return [String(partition), String(first), String(end), String(end - first)]
}

function withoutRange([topic = '', partitions = '', , , offsets = '']: readonly string[]): string[] {
  return [topic, partitions, offsets]
}

function describe(topic: string, ranges: readonly PartitionRange[]): string {
  const partitions = ranges.map(({ partition, first, end }) => {
    return { partition, first: Number(first), end: Number(end) }
  })
  return JSON.stringify({ topic, offsets: Number(sizeOf(ranges)), partitions })
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)))
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, i) => cell.padEnd(widths[i] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('')
}
