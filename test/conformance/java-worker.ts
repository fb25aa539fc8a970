import { mkdir, readdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { run } from '../../src/dev/java.ts'
import { freePort } from '../../src/dev/ports.ts'
import { eventually } from '../support/eventually.ts'
import { startProcess } from '../support/process.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')

export interface JavaWorker {
  readonly base: string
  /** SIGTERM, and waits for its end. */
  stop(): Promise<void>
  kill(): void
}

/** The jars of the real Kafka Connect, which Maven brings once into `.cache/connect-lib`. */
export async function connectJars(): Promise<string> {
  const folder = path.join(ROOT, '.cache/connect-lib')
  const files = await readdir(folder).catch(() => [])
  if (files.some((file) => file.startsWith('connect-runtime-'))) return folder
  await mkdir(folder, { recursive: true })
  const pom = path.join(import.meta.dirname, 'java/worker-pom.xml')
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${folder}`]
  const done = await run('mvn', ['-q', '-B', '-f', pom, ...goal])
  if (done?.code !== 0)
    throw new Error(`Maven could not bring Kafka Connect: ${done?.output ?? 'no mvn on the PATH'}`)
  return folder
}

export interface JavaWorkerOptions {
  readonly bootstrapServers: string
  /** Where its properties file goes. */
  readonly folder: string
  /** Names its group and topics. */
  readonly prefix?: string
}

/** A real ConnectDistributed 4.3.1. */
export async function startJavaWorker({
  bootstrapServers,
  folder,
  prefix = '',
}: JavaWorkerOptions): Promise<JavaWorker> {
  const lib = await connectJars()
  const base = `http://127.0.0.1:${await freePort()}`
  const bytes = 'org.apache.kafka.connect.converters.ByteArrayConverter'
  const settings = {
    'bootstrap.servers': bootstrapServers,
    'group.id': `${prefix}java`,
    listeners: base,
    'rest.advertised.host.name': '127.0.0.1',
    'key.converter': bytes,
    'value.converter': bytes,
    'offset.flush.interval.ms': 1000,
    'config.storage.topic': `${prefix}configs`,
    'offset.storage.topic': `${prefix}offsets`,
    'status.storage.topic': `${prefix}status`,
    'config.storage.replication.factor': 1,
    'offset.storage.replication.factor': 1,
    'status.storage.replication.factor': 1,
  }
  const file = path.join(folder, `${prefix}java-worker.properties`)
  await writeFile(
    file,
    Object.entries(settings)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
  )
  const main = 'org.apache.kafka.connect.cli.ConnectDistributed'
  const worker = startProcess('java', ['-Xmx256m', '-cp', path.join(lib, '*'), main, file])
  await eventually(async () => (await fetch(`${base}/health`)).ok, { timeoutMs: 90_000, everyMs: 200 }).catch(
    (error: unknown) => {
      worker.kill()
      throw new Error(`${String(error)}\n${worker.stdout()}${worker.stderr()}`)
    },
  )
  return {
    base,
    stop: async () => {
      worker.signal('SIGTERM')
      await worker.exited
    },
    kill: () => worker.kill(),
  }
}
