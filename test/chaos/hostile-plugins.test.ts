import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { eventually, uniqueName } from '../support/eventually.ts'
import { freePort, sharedKafka } from '../support/kafka.ts'
import { startProcess, type StartedProcess } from '../support/process.ts'
import { call, type ConnectorStatus, untilTasks } from '../support/sluice-dev.ts'
import { fillTopic, readTopic } from '../support/topics.ts'

describe('a transform that hurts its process', function () {
  this.timeout(120_000)
  let bootstrapServers: string
  let folder: string
  let rest: string
  let worker: StartedProcess
  const [calmSource, calmTarget] = [uniqueName('calm-in'), uniqueName('calm-out')]
  const calmKeys = new Set<string>()

  before(async () => {
    bootstrapServers = (await sharedKafka()).bootstrapServers
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-hostile-'))
    const [id, port] = [uniqueName('hostile'), await freePort()]
    rest = `http://127.0.0.1:${port}`
    const topics = ['config', 'offset', 'status'].flatMap((kind) => [
      [`${kind}.storage.topic`, `${id}-${kind}`],
      [`${kind}.storage.replication.factor`, '1'],
    ])
    const settings = {
      'bootstrap.servers': bootstrapServers,
      'group.id': id,
      listeners: rest,
      'task.hosts': '1',
      'task.deadline.ms': '3000',
      'value.converter': 'StringConverter',
      'log.level': 'error',
      ...(Object.fromEntries(topics) as Record<string, string>),
    }
    const file = path.join(folder, 'worker.json')
    await writeFile(file, JSON.stringify(settings))
    const entry = path.resolve('test/support/hostile-plugins.ts')
    const flags = ['--conditions=source', '--max-old-space-size=96']
    worker = startProcess(process.execPath, [...flags, entry, 'worker', file])
    await eventually(async () => (await fetch(`${rest}/health`)).status === 200, { timeoutMs: 60_000 })
    await writeCalm(10)
    await create('calm', { topics: calmSource, 'target.topic': calmTarget })
  })

  after(async () => {
    worker.signal('SIGTERM')
    await worker.exited
    await rm(folder, { recursive: true, force: true })
  })

  async function create(name: string, config: Record<string, string>): Promise<void> {
    const created = await call(rest, 'PUT', `/connectors/${name}/config`, {
      'connector.class': 'TopicSink',
      ...config,
    })
    expect(created.status, JSON.stringify(created.body)).to.equal(201)
  }

  async function writeCalm(count: number): Promise<void> {
    const keys = Array.from({ length: count }, () => uniqueName('k'))
    for (const key of keys) calmKeys.add(key)
    await fillTopic(
      bootstrapServers,
      calmSource,
      1,
      keys.map((key) => ({ key, value: Buffer.from('calm') })),
    )
  }

  /** Runs a connector whose only record asks for a deed, until its task has failed. */
  async function untilFailed(deed: string): Promise<ConnectorStatus> {
    const source = uniqueName(deed)
    await fillTopic(bootstrapServers, source, 1, [{ key: 'k', value: Buffer.from(deed) }])
    const transform = { transforms: 'wild', 'transforms.wild.type': 'Hostile$Value' }
    await create(deed, { topics: source, 'target.topic': uniqueName('out'), ...transform })
    return untilTasks(rest, deed, 'FAILED')
  }

  async function expectCalm(): Promise<void> {
    await writeCalm(10)
    await eventually(
      async () => {
        const read = new Set((await readTopic(bootstrapServers, calmTarget)).map(({ key }) => String(key)))
        return [...calmKeys].every((key) => read.has(key))
      },
      { timeoutMs: 60_000 },
    )
    await untilTasks(rest, 'calm', 'RUNNING')
  }

  it('by not returning: its host is killed at the deadline, the worker answers, other tasks go on', async () => {
    const { tasks } = await untilFailed('loop')
    expect(tasks[0]?.trace).to.contain('transforms.wild').and.to.contain('task.deadline.ms')
    await expectCalm()
  })

  it('by taking all memory: it alone fails', async () => {
    const { tasks } = await untilFailed('eat')
    expect(tasks[0]?.trace).to.contain('transforms.wild')
    await expectCalm()
  })

  it('by a promise that nobody waits for: it alone fails', async () => {
    const { tasks } = await untilFailed('leave')
    expect(tasks[0]?.trace).to.contain('task host')
    await expectCalm()
  })

  it('fails at once, with its name, where it throws', async () => {
    const { tasks } = await untilFailed('throw')
    expect(tasks[0]?.trace).to.contain('wild (Hostile)').and.to.contain('a bug in a transform')
    await expectCalm()
  })
})
