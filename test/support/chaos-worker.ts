import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { clusterTopics } from './cluster-topics.ts'
import { eventually, uniqueName } from './eventually.ts'
import { freePort, sharedKafka } from './kafka.ts'
import { startProcess } from './process.ts'
import { call, untilTasks } from './sluice-dev.ts'
import { fillTopic, readTopic } from './topics.ts'

export interface ChaosWorker {
  readonly bootstrapServers: string
  readonly rest: string
  readonly pid: number
  /** `models.dir`; empty at first. */
  readonly models: string
  create(name: string, config: Record<string, string>): Promise<void>
  /** The neighbour of all who come to harm: what is written now is copied, and its task runs. */
  expectCalm(): Promise<void>
  stop(): Promise<void>
}

/**
 * A real worker with one task host, little memory for it and the plugins of `hostile-plugins.ts`, and a connector `calm`
 * that shares that host. `more` are settings of the worker.
 */
export async function startChaosWorker(
  taskDeadlineMs: number,
  more: Readonly<Record<string, string>> = {},
): Promise<ChaosWorker> {
  const { bootstrapServers } = await sharedKafka()
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-chaos-'))
  const [id, port] = [uniqueName('chaos'), await freePort()]
  const rest = `http://127.0.0.1:${port}`
  const settings = {
    'bootstrap.servers': bootstrapServers,
    'group.id': id,
    listeners: rest,
    'models.dir': folder,
    'task.hosts': '1',
    'task.deadline.ms': String(taskDeadlineMs),
    'value.converter': 'StringConverter',
    'log.level': 'error',
    ...more,
    ...clusterTopics(id),
  }
  const file = path.join(folder, 'worker.json')
  await writeFile(file, JSON.stringify(settings))
  const entry = path.resolve('test/support/hostile-plugins.ts')
  const flags = ['--conditions=source', '--max-old-space-size=96']
  const worker = startProcess(process.execPath, [...flags, entry, 'worker', file])
  await eventually(async () => (await fetch(`${rest}/health`)).status === 200, { timeoutMs: 60_000 })

  const [source, target] = [uniqueName('calm-in'), uniqueName('calm-out')]
  const written = new Set<string>()
  const write = async (): Promise<void> => {
    const keys = Array.from({ length: 10 }, () => uniqueName('k'))
    for (const key of keys) written.add(key)
    const records = keys.map((key) => ({ key, value: Buffer.from('calm') }))
    await fillTopic(bootstrapServers, source, 1, records)
  }
  const create = async (name: string, config: Record<string, string>): Promise<void> => {
    const whole = { 'connector.class': 'TopicSink', ...config }
    const created = await call(rest, 'PUT', `/connectors/${name}/config`, whole)
    expect(created.status, JSON.stringify(created.body)).to.equal(201)
  }
  await write()
  await create('calm', { topics: source, 'target.topic': target })
  return {
    bootstrapServers,
    rest,
    pid: worker.pid,
    models: folder,
    create,
    expectCalm: async () => {
      await write()
      const isCopied = async (): Promise<boolean> => {
        const read = new Set((await readTopic(bootstrapServers, target)).map(({ key }) => String(key)))
        return [...written].every((key) => read.has(key))
      }
      await eventually(isCopied, { timeoutMs: 60_000 })
      await untilTasks(rest, 'calm', 'RUNNING')
    },
    stop: async () => {
      worker.signal('SIGTERM')
      await worker.exited
      await rm(folder, { recursive: true, force: true })
    },
  }
}
