import { mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import type { Admin } from 'kafkajs'
import { SILENT } from '../../../src/api/log.ts'
import { type Broker, startBroker } from '../../../src/dev/broker.ts'
import { freePort } from '../../../src/dev/ports.ts'
import { devSettings } from '../../../src/dev/worker-config.ts'
import { eventually } from '../../../test/support/eventually.ts'
import { kafkajsClient } from '../../../test/support/kafka.ts'
import { killDescendants } from '../cpu.ts'
import { say } from '../job.ts'
import { buildSluice } from '../sluice-program.ts'

const START = { timeoutMs: 120_000, everyMs: 100 }

/** A worker of the cluster: a place with an address, and the process that is there at the moment. */
export class BenchWorker {
  readonly url: string
  /** As statuses name it. */
  readonly id: string
  readonly logFile: string
  readonly #command: readonly string[]
  #child: ChildProcess | undefined

  constructor(port: number, command: readonly string[], logFile: string) {
    this.url = `http://127.0.0.1:${port}`
    this.id = `127.0.0.1:${port}`
    this.#command = command
    this.logFile = logFile
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  get isUp(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null
  }

  /** Resolves when it is a member of its group. */
  async start(): Promise<void> {
    const log = openSync(this.logFile, 'a')
    // A session of its own, as a service has: Linux shares the CPU out among sessions first (autogroup).
    this.#child = spawn(process.execPath, [...this.#command], {
      stdio: ['ignore', 'ignore', log],
      detached: true,
    })
    await eventually(async () => {
      if (!this.isUp) throw new Error(`worker ${this.id} ended: ${this.#lastWords()}`)
      return (await fetch(`${this.url}/health`)).status === 200
    }, START)
  }

  /** Resolves when the process has ended. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child
    if (child === undefined || !this.isUp) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }

  /** How many lines of its log have this message. */
  logged(message: string): number {
    return readFileSync(this.logFile, 'utf8').split(`"message":"${message}"`).length - 1
  }

  #lastWords(): string {
    return readFileSync(this.logFile, 'utf8').slice(-1000)
  }
}

/** A broker and workers of one group, compiled as they are published. */
export interface BenchCluster {
  readonly workers: readonly BenchWorker[]
  readonly broker: Broker
  readonly admin: Admin
  readonly folder: string
  close(): Promise<void>
}

export interface ClusterOptions {
  readonly workers: number
  /** Over those of `sluice dev`. */
  readonly settings: Readonly<Record<string, string>>
  /** Where the workers' logs stay. Default: they are removed with everything else. */
  readonly logs?: string
}

/** Whatever ends this process, a Ctrl-C included, ends all that was started and removes its data. */
export async function openCluster(options: ClusterOptions): Promise<BenchCluster> {
  const folder = mkdtempSync(path.join(tmpdir(), 'sluice-scale-'))
  process.once('exit', () => {
    killDescendants()
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  })
  const sluice = await buildSluice(folder)
  say('starting Kafka')
  const broker = await startBroker({ port: await freePort(), dataDir: folder, log: SILENT })
  const { bootstrapServers } = broker
  const admin = kafkajsClient(bootstrapServers).admin()
  await admin.connect()
  const workers: BenchWorker[] = []
  const logs = path.resolve(options.logs ?? folder)
  await mkdir(logs, { recursive: true })
  for (let n = 0; n < options.workers; n++) {
    const restPort = await freePort()
    const own = devSettings({ bootstrapServers, schemaRegistry: 'http://127.0.0.1:1', restPort })
    const bytes = { 'value.converter': 'ByteArrayConverter', 'group.id': 'scale' }
    const file = path.join(folder, `worker-${restPort}.json`)
    await writeFile(file, JSON.stringify({ ...own, ...bytes, ...options.settings }))
    workers.push(
      new BenchWorker(restPort, [sluice, 'worker', file], path.join(logs, `worker-${restPort}.log`)),
    )
  }
  say(`starting ${options.workers} workers`)
  await Promise.all(workers.map((worker) => worker.start()))
  const close = async (): Promise<void> => {
    await admin.disconnect()
    await Promise.all(workers.map((worker) => worker.end('SIGKILL')))
    broker.kill()
    await broker.exited
  }
  return { workers, broker, admin, folder, close }
}

/** How many records were ever written to a topic. */
export async function recordsIn(admin: Admin, topic: string): Promise<number> {
  const offsets = await admin.fetchTopicOffsets(topic)
  return offsets.reduce((total, { high }) => total + Number(high), 0)
}
