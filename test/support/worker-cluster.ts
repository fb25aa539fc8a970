import { createHash } from 'node:crypto'
import { access, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { run } from '../../src/dev/java.ts'
import { clusterTopics } from './cluster-topics.ts'
import { eventually, uniqueName } from './eventually.ts'
import { freePort, sharedKafka } from './kafka.ts'
import { REPOSITORY, sluice, startProcess, type StartedProcess } from './process.ts'
import { readTopic } from './topics.ts'

export interface ClusterWorker {
  readonly base: string
  /** As statuses name it. */
  readonly id: string
  readonly process: StartedProcess
  call(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<{ code: number; headers: Headers; body: unknown }>
  /** Ends it as an operator does. */
  stop(): Promise<void>
  /** Starts it again once it has ended: the same settings and the same address. */
  again(): Promise<ClusterWorker>
}

/** Over those of the cluster; undefined takes a key away, so that the worker's own default counts. */
export type ClusterSettings = Readonly<Record<string, string | undefined>>

/** Real workers in processes of their own, ours and Java's, with one group and one set of topics on the shared Kafka. */
export class WorkerCluster {
  readonly name = uniqueName('cluster')
  readonly workers: ClusterWorker[] = []
  readonly #settings: ClusterSettings
  readonly #env: Readonly<Record<string, string>>
  #folder: string | undefined

  /** `env`: over our own environment, for workers of ours. */
  constructor(settings: ClusterSettings = {}, env: Readonly<Record<string, string>> = {}) {
    this.#settings = settings
    this.#env = env
  }

  /** A worker of ours that is ready. */
  async sluice(settings: Readonly<Record<string, string>> = {}): Promise<ClusterWorker> {
    return this.started('sluice', await this.#properties(settings))
  }

  /** A worker of ours with a folder of models of its own, as one on another machine has. */
  async own(folder: string): Promise<ClusterWorker> {
    this.#folder ??= await mkdtemp(path.join(tmpdir(), 'sluice-cluster-'))
    return this.sluice({ 'models.dir': path.join(this.#folder, folder) })
  }

  /** A worker of Apache Kafka Connect 4.3.1; it takes some 15 s to be ready. */
  async java(settings: Readonly<Record<string, string>> = {}): Promise<ClusterWorker> {
    return this.started('java', await this.#properties(settings))
  }

  /** A worker with the settings of a file that somebody else wrote, whose listener is `base`. */
  async started(
    kind: 'sluice' | 'java',
    { base, file }: { readonly base: string; readonly file: string },
  ): Promise<ClusterWorker> {
    if (kind === 'sluice') return this.#ready(base, () => sluice(['worker', file], { env: this.#env }))
    const main = 'org.apache.kafka.connect.cli.ConnectDistributed'
    const lib = path.join(await connectJars(), '*')
    return this.#ready(base, () => startProcess('java', ['-Xmx256m', '-cp', lib, main, file]))
  }

  /** The records of the config topic, oldest first. */
  async configs(): Promise<{ key: string; value: string | null }[]> {
    const { bootstrapServers } = await sharedKafka()
    const records = await readTopic(bootstrapServers, `${this.name}-config`)
    return records.map(({ key, value }) => ({
      key: key?.toString() ?? '',
      value: value?.toString() ?? null,
    }))
  }

  async stop(): Promise<void> {
    for (const { process } of this.workers) process.kill()
    await Promise.all(this.workers.splice(0).map(({ process }) => process.exited))
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true })
  }

  async #properties(more: Readonly<Record<string, string>>) {
    const bootstrapServers = this.#settings['bootstrap.servers'] ?? (await sharedKafka()).bootstrapServers
    const port = await freePort()
    const base = `http://127.0.0.1:${port}`
    const bytes = 'org.apache.kafka.connect.converters.ByteArrayConverter'
    const settings: Record<string, string> = {
      'bootstrap.servers': bootstrapServers,
      'group.id': this.name,
      listeners: base,
      'rest.advertised.host.name': '127.0.0.1',
      'session.timeout.ms': '6000',
      'heartbeat.interval.ms': '1000',
      'scheduled.rebalance.max.delay.ms': '0',
      'key.converter': bytes,
      'value.converter': bytes,
      ...clusterTopics(this.name),
    }
    this.#folder ??= await mkdtemp(path.join(tmpdir(), 'sluice-cluster-'))
    const file = path.join(this.#folder, `${port}.properties`)
    const given = Object.entries({ ...settings, ...this.#settings, ...more })
    const lines = given.flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}\n`]))
    await writeFile(file, lines.join(''))
    return { base, file }
  }

  async #ready(base: string, start: () => StartedProcess): Promise<ClusterWorker> {
    const process = start()
    const call: ClusterWorker['call'] = (...request) => send(base, ...request)
    const stop = async (): Promise<void> => {
      process.signal('SIGTERM')
      await process.exited
      this.workers.splice(this.workers.indexOf(worker), 1)
    }
    const again = (): Promise<ClusterWorker> => this.#ready(base, start)
    const worker: ClusterWorker = { base, id: new URL(base).host, process, call, stop, again }
    this.workers.push(worker)
    await healthy(worker).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${process.stdout()}${process.stderr()}`)
    })
    return worker
  }
}

/** At once where it ends before. */
async function healthy(worker: ClusterWorker): Promise<void> {
  let ended = false
  void worker.process.exited.finally(() => (ended = true)).catch(() => undefined)
  const status = await eventually(
    async () => {
      if (ended) return 'the worker has ended'
      const { code, body } = await worker.call('GET', '/health')
      expect([code, body], 'health').to.have.property('0', 200)
      return code
    },
    { timeoutMs: 180_000, everyMs: 200 },
  )
  if (status !== 200) throw new Error(String(status))
}

async function send(base: string, method: string, url: string, body?: unknown) {
  const response = await fetch(`${base}${url}`, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  const text = await response.text()
  return { code: response.status, headers: response.headers, body: text === '' ? null : parsed(text) }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

/** The jars of Kafka Connect, resolved once by Maven into a folder whose name has the pom's hash. */
async function connectJars(): Promise<string> {
  const pom = path.join(REPOSITORY, 'test/conformance/java/pom.xml')
  const hash = createHash('sha256')
    .update(await readFile(pom))
    .digest('hex')
  const folder = path.join(homedir(), '.cache/sluice', `connect-${hash.slice(0, 12)}`)
  if (
    await access(folder).then(
      () => true,
      () => false,
    )
  )
    return folder
  const unfinished = await mkdtemp(path.join(tmpdir(), 'sluice-connect-'))
  const done = await run('mvn', [
    '-q',
    '-B',
    '-f',
    pom,
    'dependency:copy-dependencies',
    `-DoutputDirectory=${unfinished}`,
  ])
  if (done?.code !== 0) throw new Error(`Maven could not resolve Kafka Connect: ${done?.output ?? 'no mvn'}`)
  await rename(unfinished, folder)
  return folder
}
