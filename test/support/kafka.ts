import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { SILENT } from '../../src/api/log.ts'
import { startBroker, type Broker } from '../../src/dev/broker.ts'
import { freePort } from '../../src/dev/ports.ts'

export { freePort } from '../../src/dev/ports.ts'

export interface SharedKafka {
  readonly bootstrapServers: string
}

let starting: Promise<{ broker: Broker; dataDir: string }> | undefined

/**
 * The one real Kafka of a test run: that of scripts/test.ts, else one that is started at the first call and stopped
 * after the last test. Tests share it: give topics and groups names from `uniqueName`. The first caller may wait some
 * seconds: allow for it in a `before` hook.
 */
export async function sharedKafka(): Promise<SharedKafka> {
  const given = process.env['SLUICE_TEST_KAFKA']
  if (given !== undefined) return { bootstrapServers: given }
  starting ??= start()
  return { bootstrapServers: (await starting).broker.bootstrapServers }
}

/** Called by mocha's global teardown (setup.ts). */
export async function stopSharedKafka(): Promise<void> {
  if (starting === undefined) return
  const { broker, dataDir } = await starting
  starting = undefined
  broker.kill()
  await broker.exited
  await rm(dataDir, { recursive: true, force: true })
}

async function start(): Promise<{ broker: Broker; dataDir: string }> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'sluice-test-kafka-'))
  const broker = await startBroker({ port: await freePort(), dataDir, log: SILENT })
  process.once('exit', () => broker.kill())
  return { broker, dataDir }
}

/** An independent client. Every producer, consumer and admin made from it must be disconnected by the test. */
export function kafkajsClient(bootstrapServers: string): Kafka {
  return new Kafka({
    clientId: 'sluice-test',
    brokers: bootstrapServers.split(','),
    logLevel: logLevel.NOTHING,
    retry: { retries: 8, initialRetryTime: 50 },
  })
}
