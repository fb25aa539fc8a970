import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { SILENT } from '../../src/api/log.ts'
import { startBroker } from '../../src/dev/broker.ts'
import { eventually } from '../support/eventually.ts'
import { freePort, kafkajsClient } from '../support/kafka.ts'
import { startJavaWorker } from './java-worker.ts'
import { readGolden } from './rest-golden.ts'
import { type Answer, JAVA_NAMES, type Names, replay } from './rest-replay.ts'
import { type ScriptName, SCRIPTS } from './rest-scripts.ts'
import { createTopic, writeLines } from './rest-worker.ts'

/** Names of classes: in the first script each worker has a sink of its own, in the others both have Apache's. */
export function classesFor(script: ScriptName): Pick<Names, 'sink' | 'converter'> {
  const { sink, converter } = JAVA_NAMES
  return script === 'base' ? { sink: 'TopicSink', converter: 'ByteArrayConverter' } : { sink, converter }
}

/** What a worker under test answers to a script. `base` is where it is asked: the leader of its group, or a follower. */
export async function replayAt(
  script: ScriptName,
  where: Pick<Names, 'base' | 'others' | 'topic'>,
): Promise<ReadonlyMap<string, Answer>> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-conformance-'))
  try {
    await writeLines(folder)
    const answers = await replay(SCRIPTS[script], { ...where, folder, ...classesFor(script) })
    return new Map(answers.map((answer) => [answer.id, answer]))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Deletes what a script has left, so that the next one begins without connectors. */
export async function deleteConnectors(base: string): Promise<void> {
  const names = async () => (await (await fetch(`${base}/connectors`)).json()) as string[]
  for (const name of await names())
    await fetch(`${base}/connectors/${encodeURIComponent(name)}`, { method: 'DELETE' })
  await eventually(async () => (await names()).length === 0)
}

/** With SLUICE_CONFORMANCE=live a real Kafka Connect is asked now, else what it answered when it was recorded. */
export async function javaAnswers(script: ScriptName): Promise<readonly Answer[]> {
  if (process.env['SLUICE_CONFORMANCE'] !== 'live') return readGolden(script)
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-conformance-java-'))
  const broker = await startBroker({
    port: await freePort(),
    dataDir: path.join(folder, 'kafka'),
    log: SILENT,
  })
  const { bootstrapServers } = broker
  try {
    const admin = kafkajsClient(bootstrapServers).admin()
    await admin.connect()
    await createTopic(admin, { topic: JAVA_NAMES.topic, numPartitions: 2 })
    await admin.disconnect()
    await writeLines(folder)
    const worker = await startJavaWorker({ bootstrapServers, folder })
    const answers = await replay(SCRIPTS[script], { ...JAVA_NAMES, base: worker.base, folder })
    await worker.stop()
    return answers
  } finally {
    broker.kill()
    await broker.exited
    await rm(folder, { recursive: true, force: true })
  }
}
