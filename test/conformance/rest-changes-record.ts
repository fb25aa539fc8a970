// node --conditions=source test/conformance/rest-changes-record.ts LIB_FOLDER   (see java/README.md)
// Sends rest-changes-script.json to a real ConnectDistributed 4.3.1 and writes its answers to golden/rest-changes.json.
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
import { linesFile, prepare, replayChanges } from './rest-changes.ts'
import { JAVA_NAMES } from './rest-replay.ts'

const [lib = ''] = process.argv.slice(2)
const folder = await mkdtemp(path.join(tmpdir(), 'sluice-record-changes-'))
const broker = await startBroker({ port: await freePort(), dataDir: folder, log: SILENT })
const kafka = new Kafka({ brokers: [broker.bootstrapServers], logLevel: logLevel.NOTHING })
const base = `http://127.0.0.1:${await freePort()}`
const bytes = 'org.apache.kafka.connect.converters.ByteArrayConverter'
const settings = {
  'bootstrap.servers': broker.bootstrapServers,
  'group.id': 'java',
  listeners: base,
  'rest.advertised.host.name': '127.0.0.1',
  'key.converter': bytes,
  'value.converter': bytes,
  'offset.flush.interval.ms': 1000,
  'consumer.auto.offset.reset': 'earliest',
  'consumer.metadata.max.age.ms': 1000,
  'config.storage.topic': 'configs',
  'offset.storage.topic': 'offsets',
  'status.storage.topic': 'status',
  'config.storage.replication.factor': 1,
  'offset.storage.replication.factor': 1,
  'status.storage.replication.factor': 1,
}
const file = path.join(folder, 'worker.properties')
const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`)
writeFileSync(file, lines.join(''))
const logging = path.join(folder, 'log4j2.properties')
writeFileSync(logging, 'status=error\nrootLogger.level=INFO\n')
const worker = startProcess('java', [
  ...['-Xmx256m', `-Dlog4j2.configurationFile=${logging}`],
  ...['-cp', path.join(lib, '*'), 'org.apache.kafka.connect.cli.ConnectDistributed', file],
])

try {
  await prepare(kafka, JAVA_NAMES.topic)
  await eventually(async () => (await fetch(`${base}/health`)).ok, { timeoutMs: 90_000, everyMs: 200 })
  const answers = await replayChanges({ base, ...JAVA_NAMES })
  const by = 'org.apache.kafka:connect-runtime:4.3.1 ConnectDistributed'
  const golden = new URL('golden/rest-changes.json', import.meta.url)
  writeFileSync(golden, `${JSON.stringify({ by, answers }, null, 2)}\n`)
} finally {
  worker.kill()
  broker.kill()
  await broker.exited
  await rm(folder, { recursive: true, force: true })
  await rm(linesFile(JAVA_NAMES.topic), { force: true })
}
process.exit(0)
