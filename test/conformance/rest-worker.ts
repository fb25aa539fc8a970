import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Admin, ITopicConfig } from 'kafkajs'
import { eventually } from '../support/eventually.ts'
import { freePort, sharedKafka } from '../support/kafka.ts'
import { sluice } from '../support/process.ts'

/** Creates a topic and waits until the broker serves it: kafkajs itself fails where that takes a moment. */
export async function createTopic(admin: Admin, topic: ITopicConfig): Promise<void> {
  await admin.createTopics({ topics: [topic], waitForLeaders: false })
  await eventually(async () => {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic.topic] })
    return topics[0]?.partitions.every(({ leader }) => leader >= 0)
  })
}

/** The file that the scripts' sources read. */
export async function writeLines(folder: string): Promise<void> {
  await writeFile(path.join(folder, 'lines.txt'), 'one\ntwo\nthree\n')
}

export interface TestWorker {
  readonly base: string
  /** What it and its task hosts have logged. */
  stderr(): string
  stop(): Promise<void>
}

/** `sluice worker` on the shared Kafka, with internal topics of its own; `prefix` names them and its group. */
export async function startTestWorker(prefix: string): Promise<TestWorker> {
  const { bootstrapServers } = await sharedKafka()
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-test-worker-'))
  const base = `http://127.0.0.1:${await freePort()}`
  const settings = {
    'bootstrap.servers': bootstrapServers,
    'group.id': prefix,
    listeners: base,
    'key.converter': 'ByteArrayConverter',
    'value.converter': 'ByteArrayConverter',
    'config.storage.topic': `${prefix}-configs`,
    'offset.storage.topic': `${prefix}-offsets`,
    'status.storage.topic': `${prefix}-status`,
    'config.storage.replication.factor': 1,
    'offset.storage.replication.factor': 1,
    'status.storage.replication.factor': 1,
  }
  const file = path.join(folder, 'worker.json')
  await writeFile(file, JSON.stringify(settings))
  const started = sluice(['worker', file])
  let ended: number | NodeJS.Signals | undefined
  void started.exited.then((result) => (ended = result))
  await eventually(
    async () => {
      if (ended !== undefined) return true
      return (await fetch(`${base}/health`)).ok
    },
    { timeoutMs: 60_000, everyMs: 100 },
  ).catch((error: unknown) => {
    throw new Error(`${String(error)}\n${started.stdout()}${started.stderr()}`)
  })
  if (ended !== undefined) throw new Error(`the worker ended: ${started.stdout()}${started.stderr()}`)
  return {
    base,
    stderr: () => started.stderr(),
    stop: async () => {
      started.signal('SIGTERM')
      await started.exited
      await rm(folder, { recursive: true, force: true })
    },
  }
}
