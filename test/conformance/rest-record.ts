// node --conditions=source test/conformance/rest-record.ts LIB_FOLDER   (see java/README.md)
// Sends rest-script.json to a real ConnectDistributed 4.3.1 and writes its answers, and what its topics then hold, to
// golden/rest-answers.json and golden/rest-topics.json.
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { SILENT } from '../../src/api/log.ts'
import { startBroker } from '../../src/dev/broker.ts'
import { freePort } from '../../src/dev/ports.ts'
import { eventually } from '../support/eventually.ts'
import { startProcess } from '../support/process.ts'
import { JAVA_NAMES, readScript, replay } from './rest-replay.ts'
import { readTopic } from './rest-topics.ts'

const [lib = ''] = process.argv.slice(2)
const folder = await mkdtemp(path.join(tmpdir(), 'sluice-record-rest-'))
const broker = await startBroker({ port: await freePort(), dataDir: folder, log: SILENT })
const kafka = new Kafka({ brokers: [broker.bootstrapServers], logLevel: logLevel.NOTHING })
const base = `http://127.0.0.1:${await freePort()}`
const topics = ['configs', 'offsets', 'status'] as const
const bytes = 'org.apache.kafka.connect.converters.ByteArrayConverter'
const settings = {
  'bootstrap.servers': broker.bootstrapServers,
  'group.id': 'java',
  listeners: base,
  'rest.advertised.host.name': '127.0.0.1',
  'key.converter': bytes,
  'value.converter': bytes,
  'config.storage.topic': 'configs',
  'offset.storage.topic': 'offsets',
  'status.storage.topic': 'status',
  'config.storage.replication.factor': 1,
  'offset.storage.replication.factor': 1,
  'status.storage.replication.factor': 1,
}
const file = path.join(folder, 'worker.properties')
writeFileSync(
  file,
  Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join(''),
)
const main = 'org.apache.kafka.connect.cli.ConnectDistributed'
const worker = startProcess('java', ['-Xmx256m', '-cp', path.join(lib, '*'), main, file])

function write(name: string, data: unknown): void {
  writeFileSync(new URL(`golden/${name}`, import.meta.url), `${JSON.stringify(data, null, 2)}\n`)
}

try {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: JAVA_NAMES.topic, numPartitions: 2 }] })
  await admin.disconnect()
  await eventually(async () => (await fetch(`${base}/health`)).ok, { timeoutMs: 90_000, everyMs: 200 })
  const answers = await replay(readScript(), {
    base,
    ...JAVA_NAMES,
  })
  const by = 'org.apache.kafka:connect-runtime:4.3.1 ConnectDistributed'
  write('rest-answers.json', { by, answers })
  worker.signal('SIGTERM')
  await worker.exited
  const records = await Promise.all(topics.map(async (topic) => [topic, await readTopic(kafka, topic)]))
  write('rest-topics.json', { by, ...Object.fromEntries(records) })
} finally {
  worker.kill()
  broker.kill()
  await broker.exited
  await rm(folder, { recursive: true, force: true })
}
process.exit(0)
