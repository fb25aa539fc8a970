import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { SILENT } from '../../src/api/log.ts'
import { type Broker, startBroker } from '../../src/dev/broker.ts'
import { clusterTopics } from '../support/cluster-topics.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import { freePort, kafkajsClient } from '../support/kafka.ts'
import { sluice, type StartedProcess } from '../support/process.ts'
import { call, untilTasks } from '../support/sluice-dev.ts'
import { fillTopic, readTopic } from '../support/topics.ts'

describe('a source from which Kafka takes something away', function () {
  this.timeout(180_000)
  let folder: string
  let port: number
  let broker: Broker
  let rest: string
  let worker: StartedProcess

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-outages-'))
    port = await freePort()
    broker = await startBroker({ port, dataDir: path.join(folder, 'kafka'), log: SILENT })
    rest = `http://127.0.0.1:${await freePort()}`
    const settings: Record<string, string> = {
      'bootstrap.servers': broker.bootstrapServers,
      'group.id': 'outages',
      listeners: rest,
      'value.converter': 'StringConverter',
      'offset.flush.interval.ms': '100',
      'log.level': 'error',
      ...clusterTopics('outages'),
    }
    const file = path.join(folder, 'worker.json')
    await writeFile(file, JSON.stringify(settings))
    worker = sluice(['worker', file])
    await eventually(async () => (await fetch(`${rest}/health`)).status === 200, { timeoutMs: 60_000 })
  })

  after(async () => {
    worker.signal('SIGTERM')
    await worker.exited
    broker.kill()
    await broker.exited
    await rm(folder, { recursive: true, force: true })
  })

  const lines = (from: number, to: number): string =>
    Array.from({ length: to - from }, (_, i) => `line ${from + i}\n`).join('')

  async function create(name: string, file: string, more: Record<string, string> = {}): Promise<void> {
    const config = {
      ...{ 'connector.class': 'FileStreamSource', file, topic: name, 'batch.size': '100' },
      'topic.creation.default.replication.factor': '1',
      'topic.creation.default.partitions': '2',
      ...more,
    }
    const created = await call(rest, 'PUT', `/connectors/${name}/config`, config)
    expect(created.status, JSON.stringify(created.body)).to.equal(201)
  }

  const valuesIn = async (topic: string): Promise<string[]> =>
    (await readTopic(broker.bootstrapServers, topic)).map(({ value }) => String(value))

  const untilSize = (topic: string, size: number) =>
    eventually(async () => expect(new Set(await valuesIn(topic))).to.have.property('size', size), {
      timeoutMs: 60_000,
    })

  it('loses nothing when its broker is killed and comes back, and stays RUNNING meanwhile', async () => {
    const [name, file] = [uniqueName('restart'), path.join(folder, 'restart.txt')]
    await writeFile(file, lines(0, 20_000))
    await create(name, file)
    await eventually(async () => (await valuesIn(name)).length > 0, { timeoutMs: 60_000 })
    broker.kill()
    await broker.exited
    await appendFile(file, lines(20_000, 30_000))
    broker = await eventually(() => startBroker({ port, dataDir: path.join(folder, 'kafka'), log: SILENT }), {
      timeoutMs: 60_000,
    })
    await appendFile(file, lines(30_000, 40_000))
    await untilSize(name, 40_000)
    await untilTasks(rest, name, 'RUNNING')
    const { body } = await call(rest, 'GET', `/connectors/${name}/offsets`)
    const position = lines(0, 40_000).length
    expect(body).to.deep.equal({ offsets: [{ partition: { filename: file }, offset: { position } }] })
  })

  async function createTopic(topic: string): Promise<void> {
    await fillTopic(broker.bootstrapServers, topic, 1, [])
  }

  async function deleteTopic(topic: string): Promise<void> {
    const admin = kafkajsClient(broker.bootstrapServers).admin()
    await admin.connect()
    await admin.deleteTopics({ topics: [topic] })
    await admin.disconnect()
  }

  async function partitionsOf(topic: string): Promise<number | undefined> {
    const admin = kafkajsClient(broker.bootstrapServers).admin()
    await admin.connect()
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    await admin.disconnect()
    return topics[0]?.partitions.length
  }

  it('creates its topic anew, as its configuration says, where that is deleted under it', async () => {
    const [name, file] = [uniqueName('deleted'), path.join(folder, 'deleted.txt')]
    await writeFile(file, lines(0, 100))
    await create(name, file)
    await untilSize(name, 100)
    await deleteTopic(name)
    await appendFile(file, lines(100, 200))
    await untilSize(name, 100)
    expect((await valuesIn(name)).toSorted()).to.deep.equal(lines(100, 200).trim().split('\n').toSorted())
    expect(await partitionsOf(name)).to.equal(2)
    await untilTasks(rest, name, 'RUNNING')
  })

  it('fails and says so where its topic is deleted and nobody creates it, and loses nothing', async () => {
    const [name, file] = [uniqueName('gone'), path.join(folder, 'gone.txt')]
    await createTopic(name)
    await writeFile(file, lines(0, 100))
    await create(name, file, {
      'topic.creation.default.replication.factor': '3', // of one broker
      'topic.creation.default.partitions': '1',
    })
    await untilSize(name, 100)
    await deleteTopic(name)
    await appendFile(file, lines(100, 200))
    const { tasks } = await untilTasks(rest, name, 'FAILED')
    expect(tasks[0]?.trace).to.contain(name).and.contain('kafka.topic')
    await createTopic(name)
    await call(rest, 'POST', `/connectors/${name}/tasks/0/restart`)
    await untilSize(name, 100)
    await untilTasks(rest, name, 'RUNNING')
  })
})
