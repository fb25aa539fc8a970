import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Admin, Kafka } from 'kafkajs'
import { SILENT } from '../../src/api/log.ts'
import { startBroker } from '../../src/dev/broker.ts'
import { freePort } from '../../src/dev/ports.ts'
import { kafkajsClient } from '../../test/support/kafka.ts'
import { startProcess } from '../../test/support/process.ts'
import { killDescendants } from './cpu.ts'
import { produceFlights, type Source } from './data.ts'
import { say } from './job.ts'
import { buildSluice } from './sluice-program.ts'
import { createTopic } from './topics.ts'

export const SOURCE_TOPIC = 'flights'

/** What all engines run on: a broker and a registry of their own, and the filled source topic. */
export interface Stand {
  readonly kafka: Kafka
  readonly admin: Admin
  readonly bootstrapServers: string
  readonly registry: string
  readonly source: Source
  readonly folder: string
  /** The compiled command line. */
  readonly sluice: string
  close(): Promise<void>
}

/** Whatever ends this process, a Ctrl-C included, ends all that was started and removes its data. */
export async function openStand(records: number): Promise<Stand> {
  const folder = mkdtempSync(path.join(tmpdir(), 'sluice-bench-'))
  process.once('exit', () => {
    killDescendants()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  })
  const sluice = await buildSluice(folder)
  say('starting Kafka and the registry')
  const broker = await startBroker({ port: await freePort(), dataDir: folder, log: SILENT })
  const { bootstrapServers } = broker
  const port = await freePort()
  const registry = startProcess(process.execPath, [
    ...[sluice, 'registry', '--port', String(port)],
    ...['--bootstrap-servers', bootstrapServers],
  ])
  await registry.ready()
  const url = `http://127.0.0.1:${port}`
  const kafka = kafkajsClient(bootstrapServers)
  const admin = kafka.admin()
  await admin.connect()
  await createTopic(admin, SOURCE_TOPIC)
  say(`producing ${records.toLocaleString('en')} flights`)
  const source = await produceFlights({ kafka, registry: url, topic: SOURCE_TOPIC, records })
  const close = async (): Promise<void> => {
    await admin.disconnect()
    registry.kill()
    broker.kill()
    await Promise.all([registry.exited, broker.exited])
  }
  return { kafka, admin, bootstrapServers, registry: url, source, folder, sluice, close }
}
