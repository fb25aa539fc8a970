import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin } from 'kafkajs'
import { freePort } from '../../src/dev/ports.ts'
import { type StartedProcess, startProcess } from '../../test/support/process.ts'
import { killTree, treeUsage } from './cpu.ts'
import { type Job, type Measured, REPOSITORY, TASKS } from './job.ts'
import { untilAllWritten } from './topics.ts'

const START_MS = 60_000
const STOP_MS = 25_000

type ConnectorConfig = Readonly<Record<string, string>>

/** The connector of the main job, as it stands in config/connectors, on this run's topics. */
export function flightDelay(job: Job): ConnectorConfig {
  const file = path.join(REPOSITORY, 'config', 'connectors', 'flight-delay.json')
  const { config } = JSON.parse(readFileSync(file, 'utf8')) as { config: ConnectorConfig }
  return {
    ...config,
    ...route(job),
    'value.converter.schema.registry.url': job.registry,
  }
}

/** The floor: the same worker and connector, but no record is looked at. */
export function bytesThrough(job: Job): ConnectorConfig {
  return {
    'connector.class': 'TopicSink',
    'key.converter': 'ByteArrayConverter',
    'value.converter': 'ByteArrayConverter',
    ...route(job),
  }
}

function route(job: Job): ConnectorConfig {
  return { 'tasks.max': String(TASKS), topics: job.source, 'target.topic': job.target }
}

/**
 * One connector on a worker of its own. Time and CPU count from the moment before the connector is POSTed: the start
 * of its task hosts is part of them, and the whole tree of processes that the worker is the root of.
 */
export async function runConnector(
  name: string,
  job: Job,
  admin: Admin,
  config: ConnectorConfig,
): Promise<Measured> {
  const worker = await startWorker(job)
  try {
    const before = { at: Date.now(), cpuSeconds: treeUsage(worker.process.pid).cpuSeconds }
    await post(`${worker.url}/connectors`, { name: job.id, config })
    const look = async (): Promise<void> => requireRunning(worker, job.id)
    const end = await untilAllWritten({ name, job, admin, pid: worker.process.pid, look })
    return {
      seconds: (end.at - before.at) / 1000,
      cpuSeconds: end.cpuSeconds - before.cpuSeconds,
      peakRssBytes: end.peakRssBytes,
      written: end.written,
    }
  } finally {
    await stopWorker(worker)
  }
}

interface Worker {
  readonly process: StartedProcess
  readonly url: string
  ended(): number | NodeJS.Signals | undefined
}

async function startWorker(job: Job): Promise<Worker> {
  const port = await freePort()
  const file = path.join(job.folder, `${job.id}.json`)
  await writeFile(file, JSON.stringify(workerSettings(job, port)))
  const started = startProcess(process.execPath, [job.sluice, 'worker', file], { env: profiling(job) })
  let ended: number | NodeJS.Signals | undefined
  void started.exited.then((code) => (ended = code))
  const worker = { process: started, url: `http://127.0.0.1:${port}`, ended: () => ended }
  const deadline = Date.now() + START_MS
  while (!(await answers(`${worker.url}/connectors`))) {
    if (ended !== undefined || Date.now() > deadline) throw failure('the worker did not start', worker)
    await sleep(50)
  }
  return worker
}

function workerSettings(job: Job, port: number): Record<string, string | number> {
  return {
    'bootstrap.servers': job.bootstrapServers,
    'group.id': `${job.id}-worker`,
    'config.storage.topic': `${job.id}-configs`,
    'config.storage.replication.factor': 1,
    'offset.storage.topic': `${job.id}-offsets`,
    'offset.storage.replication.factor': 1,
    'status.storage.topic': `${job.id}-status`,
    'status.storage.replication.factor': 1,
    listeners: `http://127.0.0.1:${port}`,
    'models.dir': path.join(REPOSITORY, 'models'),
  }
}

function profiling({ profiles, id }: Job): Record<string, string> {
  if (profiles === undefined) return {}
  return { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${path.resolve(profiles, id)}` }
}

async function stopWorker({ process: started }: Worker): Promise<void> {
  const { pids } = treeUsage(started.pid)
  started.signal('SIGTERM')
  const late = setTimeout(() => killTree(started.pid), STOP_MS)
  await started.exited
  clearTimeout(late)
  for (const pid of pids) killTree(pid) // a task host may outlive a worker that was killed
}

interface Status {
  readonly connector: { readonly state: string; readonly trace?: string }
  readonly tasks: readonly { readonly state: string; readonly trace?: string }[]
}

async function requireRunning(worker: Worker, connector: string): Promise<void> {
  if (worker.ended() !== undefined) throw failure('the worker ended', worker)
  const response = await fetch(`${worker.url}/connectors/${connector}/status`)
  if (!response.ok) return // 404 until the status topic has it
  const status = (await response.json()) as Status
  const failed = [status.connector, ...status.tasks].find(({ state }) => state === 'FAILED')
  if (failed !== undefined) throw failure(`the connector failed: ${failed.trace ?? ''}`, worker)
}

function failure(what: string, { process: started }: Worker): Error {
  return new Error(`${what}\n${(started.stdout() + started.stderr()).slice(-3000)}`)
}

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    (response) => response.ok,
    () => false,
  )
}

async function post(url: string, body: object): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`)
}
