// npm run conformance:record [SCRIPT…]   (see java/README.md)
// Sends the scripts to a real ConnectDistributed 4.3.1 and writes its answers, and what its topics hold after the first
// script, to golden/.
import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { SILENT } from '../../src/api/log.ts'
import { startBroker } from '../../src/dev/broker.ts'
import { freePort } from '../../src/dev/ports.ts'
import { startJavaWorker } from './java-worker.ts'
import { writeGolden } from './rest-golden.ts'
import { JAVA_NAMES, replay } from './rest-replay.ts'
import { type ScriptName, SCRIPTS } from './rest-scripts.ts'
import { readTopic } from './rest-topics.ts'
import { writeLines } from './rest-worker.ts'

const asked = process.argv.slice(2)
const folder = await mkdtemp(path.join(tmpdir(), 'sluice-record-rest-'))
const broker = await startBroker({ port: await freePort(), dataDir: folder, log: SILENT })
const kafka = new Kafka({ brokers: [broker.bootstrapServers], logLevel: logLevel.NOTHING })

async function createTopic(): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: JAVA_NAMES.topic, numPartitions: 2 }] })
  await admin.disconnect()
}

async function recordTopics(): Promise<void> {
  const topics = ['configs', 'offsets', 'status']
  const records = await Promise.all(topics.map(async (topic) => [topic, await readTopic(kafka, topic)]))
  const by = 'org.apache.kafka:connect-runtime:4.3.1 ConnectDistributed'
  const text = JSON.stringify({ by, ...Object.fromEntries(records) }, null, 2)
  writeFileSync(new URL('golden/rest-topics.json', import.meta.url), `${text}\n`)
}

try {
  await createTopic()
  await writeLines(folder)
  const names = { ...JAVA_NAMES, folder }
  for (const [name, script] of Object.entries(SCRIPTS) as [ScriptName, (typeof SCRIPTS)[ScriptName]][]) {
    if (asked.length > 0 && !asked.includes(name)) continue
    // A worker of its own for each, whose topics are empty.
    const prefix = name === 'base' ? '' : `${name}-`
    const worker = await startJavaWorker({ bootstrapServers: broker.bootstrapServers, folder, prefix })
    try {
      writeGolden(name, await replay(script, { ...names, base: worker.base }))
      process.stdout.write(`${name}: ${script.length} steps\n`)
    } finally {
      await worker.stop()
    }
    if (name === 'base') await recordTopics()
  }
} finally {
  broker.kill()
  await broker.exited
  await rm(folder, { recursive: true, force: true })
}
process.exit(0)
