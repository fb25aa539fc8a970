import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import kafkajs from 'kafkajs'
import { after, afterEach, before, describe, it } from 'mocha'
import { clusterTopics } from '../support/cluster-topics.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import { freePort, kafkajsClient, sharedKafka } from '../support/kafka.ts'
import { descendantsOf, stillRunning, taskHostsOf } from '../support/process-tree.ts'
import { sluice, type StartedProcess } from '../support/process.ts'
import { countRecords, fillTopic, readTopic } from '../support/topics.ts'

interface Cluster {
  readonly settings: Record<string, string>
  readonly file: string
  readonly rest: string
}

describe('sluice worker on a real broker', function () {
  this.timeout(150_000)
  let bootstrapServers: string
  let folder: string
  let workers: StartedProcess[] = []

  before(async () => {
    bootstrapServers = (await sharedKafka()).bootstrapServers
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-worker-'))
  })

  afterEach(async () => {
    for (const worker of workers) worker.kill()
    await Promise.all(workers.map(({ exited }) => exited))
    workers = []
  })

  after(() => rm(folder, { recursive: true, force: true }))

  /** Settings of a new cluster with one worker, as Java properties. */
  async function cluster(): Promise<Cluster> {
    const id = uniqueName('cluster')
    const port = await freePort()
    const settings: Record<string, string> = {
      'bootstrap.servers': bootstrapServers,
      'group.id': id,
      listeners: `http://127.0.0.1:${port}`,
      'session.timeout.ms': '6000',
      'plugin.discovery': 'hybrid_warn',
      'models.dir': 'models',
      ...clusterTopics(id),
    }
    const file = path.join(folder, `${id}.properties`)
    const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}`)
    await writeFile(file, ['# a worker', ...lines].join('\n'))
    return { settings, file, rest: `http://127.0.0.1:${port}` }
  }

  async function start({ file, rest }: Cluster): Promise<StartedProcess> {
    const worker = sluice(['worker', file])
    workers.push(worker)
    await eventually(async () => (await fetch(`${rest}/health`)).status === 200, { timeoutMs: 60_000 })
    return worker
  }

  async function call(method: string, url: string, body?: object): Promise<{ code: number; body: unknown }> {
    const response = await fetch(url, {
      method,
      ...(body === undefined
        ? {}
        : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { code: response.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) }
  }

  async function states(rest: string, name: string): Promise<string[]> {
    const { body } = await call('GET', `${rest}/connectors/${name}/status`)
    const { connector, tasks } = body as { connector?: { state: string }; tasks?: { state: string }[] }
    return [connector?.state ?? '', ...(tasks ?? []).map(({ state }) => state)]
  }

  const running = (rest: string, name: string) =>
    eventually(
      async () => {
        expect(await states(rest, name)).to.deep.equal(['RUNNING', 'RUNNING', 'RUNNING'])
        return true
      },
      { timeoutMs: 60_000 },
    )

  const copy = (source: string, target: string) => ({
    'connector.class': 'TopicSink',
    'tasks.max': 2,
    topics: source,
    'target.topic': target,
  })

  const records = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ key: `k${i}`, value: Buffer.from(`value ${i}`) }))

  it('makes its three topics as Kafka Connect does, and runs no task host while it is idle', async () => {
    const one = await cluster()
    const worker = await start(one)
    expect(descendantsOf(worker.pid)).to.deep.equal([])
    const admin = kafkajsClient(bootstrapServers).admin()
    await admin.connect()
    for (const [kind, partitions] of [
      ['config', 1],
      ['offset', 25],
      ['status', 5],
    ] as const) {
      const topic = one.settings[`${kind}.storage.topic`] ?? ''
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
      expect(topics[0]?.partitions, kind).to.have.lengthOf(partitions)
      const type = kafkajs.ConfigResourceTypes.TOPIC
      const resources = [{ type, name: topic, configNames: ['cleanup.policy'] }]
      const described = await admin.describeConfigs({ resources, includeSynonyms: false })
      expect(described.resources[0]?.configEntries[0]?.configValue).to.equal('compact')
    }
    await admin.disconnect()
  })

  it('refuses a connector whose model does not exist, naming the key, before any task has run', async () => {
    const one = await cluster()
    await start(one)
    const config = {
      ...copy('in', 'out'),
      transforms: 'score',
      'transforms.score.type': 'ScoreH2OGbm$Value',
      'transforms.score.model': 'no-such-model',
    }
    const { code, body } = await call('POST', `${one.rest}/connectors`, { name: 'a', config })
    expect(code).to.equal(400)
    expect((body as { message: string }).message).to.contain('transforms.score.model')
  })

  it('loses no record when a task host, then the worker itself are killed, and goes on by itself', async () => {
    const one = await cluster()
    const [source, target] = [uniqueName('in'), uniqueName('out')]
    let worker = await start(one)
    const count = 60_000
    const kill = async (written: number): Promise<void> => {
      if (written === 20_000) {
        const created = await call('POST', `${one.rest}/connectors`, {
          name: 'copy',
          config: copy(source, target),
        })
        expect(created.code).to.equal(201)
        await eventually(async () => (await countRecords(bootstrapServers, target)) > 0, {
          timeoutMs: 60_000,
        })
        const hosts = taskHostsOf(worker.pid)
        expect(hosts).not.to.have.lengthOf(0)
        for (const { pid } of hosts) process.kill(pid, 'SIGKILL')
      }
      if (written === 40_000) {
        await running(one.rest, 'copy')
        const children = descendantsOf(worker.pid)
        process.kill(worker.pid, 'SIGKILL')
        await worker.exited
        await eventually(() => stillRunning(children).length === 0)
        worker = await start(one)
      }
    }
    await fillTopic(bootstrapServers, source, 4, records(count), kill)
    await eventually(
      async () => {
        const read = await readTopic(bootstrapServers, target)
        expect(new Set(read.map(({ key }) => key?.toString()))).to.have.property('size', count)
        return true
      },
      { timeoutMs: 90_000, everyMs: 500 },
    )
    await running(one.rest, 'copy')
  })

  it('stops cleanly on SIGTERM: commits everything, leaves nothing running, and doubles nothing', async () => {
    const one = await cluster()
    const [source, target] = [uniqueName('in'), uniqueName('out')]
    const first = await start(one)
    await fillTopic(bootstrapServers, source, 4, records(5_000))
    await call('POST', `${one.rest}/connectors`, { name: 'copy', config: copy(source, target) })
    await eventually(async () => (await countRecords(bootstrapServers, target)) === 5_000, {
      timeoutMs: 60_000,
    })
    const processes = descendantsOf(first.pid)
    first.signal('SIGTERM')
    expect(await first.exited).to.equal(0)
    expect(stillRunning(processes)).to.deep.equal([])
    await start(one)
    await running(one.rest, 'copy')
    const admin = kafkajsClient(bootstrapServers).admin()
    await admin.connect()
    const committed = await admin.fetchOffsets({ groupId: 'connect-copy', topics: [source] })
    await admin.disconnect()
    const sum = committed[0]?.partitions.reduce((all, { offset }) => all + Number(offset), 0)
    expect(sum).to.equal(5_000)
    expect(await countRecords(bootstrapServers, target)).to.equal(5_000)
  })

  it('says in one line, with exit code 1, which settings are wrong', async () => {
    const file = path.join(folder, 'wrong.json')
    await writeFile(file, JSON.stringify({ 'bootstrap.server': 'x', 'security.protocol': 'TLS' }))
    const worker = sluice(['worker', file])
    workers.push(worker)
    expect(await worker.exited).to.equal(1)
    for (const key of [
      'bootstrap.server',
      'Did you mean bootstrap.servers?',
      'security.protocol',
      'group.id',
    ])
      expect(worker.stderr()).to.contain(key)
  })
})
