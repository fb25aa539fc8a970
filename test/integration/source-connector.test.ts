import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, afterEach, before, describe, it } from 'mocha'
import { partitionForKey } from '../../src/kafka/produce/partitioner.ts'
import { clusterTopics } from '../support/cluster-topics.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import { freePort, kafkajsClient, sharedKafka } from '../support/kafka.ts'
import { taskHostsOf } from '../support/process-tree.ts'
import { sluice, type StartedProcess } from '../support/process.ts'
import { call, untilTasks } from '../support/sluice-dev.ts'
import { readTopic } from '../support/topics.ts'

describe('a source connector on a real broker', function () {
  this.timeout(150_000)
  let bootstrapServers: string
  let folder: string
  let offsetTopic: string
  let rest: string
  let worker: StartedProcess

  before(async () => {
    bootstrapServers = (await sharedKafka()).bootstrapServers
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-source-'))
    const [id, port] = [uniqueName('sources'), await freePort()]
    offsetTopic = `${id}-offset`
    rest = `http://127.0.0.1:${port}`
    const settings: Record<string, string> = {
      'bootstrap.servers': bootstrapServers,
      'group.id': id,
      listeners: rest,
      'value.converter': 'JsonConverter',
      'value.converter.schemas.enable': 'false',
      'offset.flush.interval.ms': '100',
      ...clusterTopics(id),
    }
    const file = path.join(folder, 'worker.json')
    await writeFile(file, JSON.stringify(settings))
    worker = sluice(['worker', file])
    await eventually(async () => (await fetch(`${rest}/health`)).status === 200, { timeoutMs: 60_000 })
  })

  const names: string[] = []
  afterEach(async () => {
    for (const name of names.splice(0)) await call(rest, 'DELETE', `/connectors/${name}`)
  })

  after(async () => {
    worker.signal('SIGTERM')
    await worker.exited
    await rm(folder, { recursive: true, force: true })
  })

  async function create(name: string, config: Record<string, string>): Promise<void> {
    names.push(name)
    const whole = {
      'connector.class': 'org.apache.kafka.connect.file.FileStreamSourceConnector',
      'topic.creation.default.replication.factor': '1',
      'topic.creation.default.partitions': '2',
      ...config,
    }
    const created = await call(rest, 'PUT', `/connectors/${name}/config`, whole)
    expect(created.status, JSON.stringify(created.body)).to.equal(201)
    expect(created.body).to.include({ type: 'source' })
  }

  const numbersIn = async (topic: string): Promise<number[]> => {
    const read = await readTopic(bootstrapServers, topic)
    return read.map(({ value }) => (JSON.parse(String(value)) as { n: number }).n)
  }

  const lines = (from: number, to: number): string =>
    Array.from({ length: to - from }, (_, i) => `${from + i},line ${from + i}\n`).join('')

  const parse = {
    transforms: 'parse',
    'transforms.parse.type': 'ParseCsv$Value',
    'transforms.parse.fields': 'n:int32,text:string',
  }

  async function stop(name: string): Promise<void> {
    expect((await call(rest, 'PUT', `/connectors/${name}/stop`)).status).to.equal(204)
    await eventually(async () => {
      const { body } = await call(rest, 'GET', `/connectors/${name}/status`)
      const { connector, tasks } = body as { connector: { state: string }; tasks: unknown[] }
      return connector.state === 'STOPPED' && tasks.length === 0
    })
  }

  it('takes lines through a transform into a topic, and loses none when its host is killed', async () => {
    const [topic, file, name] = [uniqueName('lines'), path.join(folder, 'killed.txt'), uniqueName('killed')]
    await writeFile(file, lines(0, 20_000))
    await create(name, { file, topic, ...parse })
    await eventually(async () => (await numbersIn(topic)).length > 0, { timeoutMs: 60_000 })
    const hosts = taskHostsOf(worker.pid)
    expect(hosts).not.to.have.lengthOf(0)
    for (const { pid } of hosts) process.kill(pid, 'SIGKILL')
    await appendFile(file, lines(20_000, 40_000))
    await eventually(async () => expect(new Set(await numbersIn(topic))).to.have.property('size', 40_000), {
      timeoutMs: 90_000,
      everyMs: 500,
    })
    const { body } = await call(rest, 'GET', `/connectors/${name}/status`)
    expect(body).to.include({ type: 'source' })
    await untilTasks(rest, name, 'RUNNING')
  })

  it('goes on from its offsets after a stop, a deletion and a reset, as Kafka Connect does', async () => {
    const [topic, file, name] = [uniqueName('lines'), path.join(folder, 'offsets.txt'), uniqueName('offsets')]
    const first = lines(0, 10)
    await writeFile(file, first)
    await create(name, { file, topic, ...parse })
    await eventually(async () => (await numbersIn(topic)).length === 10, { timeoutMs: 60_000 })
    await stop(name)
    const partition = { filename: file }
    const position = first.length
    const shown = () => call(rest, 'GET', `/connectors/${name}/offsets`)
    expect((await shown()).body).to.deep.equal({ offsets: [{ partition, offset: { position } }] })

    const key = `["${name}",{"filename":"${file}"}]`
    const kept = (await readTopic(bootstrapServers, offsetTopic)).filter((each) => String(each.key) === key)
    expect(String(kept.at(-1)?.value)).to.equal(`{"position":${position}}`)
    expect(kept.at(-1)?.partition).to.equal(partitionForKey(Buffer.from(key), 25))

    await call(rest, 'DELETE', `/connectors/${name}`)
    await appendFile(file, lines(10, 15))
    await create(name, { file, topic, ...parse })
    await eventually(async () => expect(await numbersIn(topic)).to.have.length(15), { timeoutMs: 60_000 })

    const refused = await call(rest, 'DELETE', `/connectors/${name}/offsets`)
    expect(refused.status).to.equal(400)
    expect((refused.body as { message: string }).message).to.contain('STOPPED state')
    await stop(name)
    const altered = await call(rest, 'PATCH', `/connectors/${name}/offsets`, {
      offsets: [{ partition, offset: { position: 0 } }],
    })
    expect(altered.body).to.deep.equal({
      message: 'The offsets for this connector have been altered successfully',
    })
    await call(rest, 'PUT', `/connectors/${name}/resume`)
    await eventually(async () => expect(await numbersIn(topic)).to.have.length(30), { timeoutMs: 60_000 })

    await stop(name)
    expect((await call(rest, 'DELETE', `/connectors/${name}/offsets`)).status).to.equal(200)
    expect((await shown()).body).to.deep.equal({ offsets: [] })
  })

  it('keeps its offsets in a topic of its own where it names one, and creates topics by their groups', async () => {
    const [topic, file, name] = [uniqueName('log'), path.join(folder, 'own.txt'), uniqueName('own')]
    const own = uniqueName('own-offsets')
    await writeFile(file, lines(0, 3))
    await create(name, {
      ...{ file, topic, ...parse, 'offsets.storage.topic': own, 'topic.creation.groups': 'logs' },
      'topic.creation.logs.include': 'log-.*',
      'topic.creation.logs.partitions': '3',
      'topic.creation.logs.cleanup.policy': 'compact',
      'key.converter': 'StringConverter',
      'producer.override.compression.type': 'gzip',
      'errors.tolerance': 'all',
      'errors.deadletterqueue.topic.name': `${topic}.dead`,
      'errors.deadletterqueue.context.headers.enable': 'true',
    })
    // A compacted topic takes no record without a key: each becomes a dead letter, as it was polled.
    const dead = await eventually(
      async () => {
        const letters = await readTopic(bootstrapServers, `${topic}.dead`)
        return letters.length === 3 ? letters : undefined
      },
      { timeoutMs: 60_000 },
    )
    expect(dead.map(({ value }) => String(value))).to.deep.equal(['"0,line 0"', '"1,line 1"', '"2,line 2"'])
    const header = (key: string) => String(dead[0]?.headers?.[`__connect.errors.${key}`])
    expect(header('partition')).to.equal(`{"filename":"${file}"}`)
    expect(header('offset')).to.equal('{"position":9}')
    expect(header('topic')).to.equal(topic)
    const admin = kafkajsClient(bootstrapServers).admin()
    await admin.connect()
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
    await admin.disconnect()
    expect(topics[0]?.partitions).to.have.lengthOf(3)
    await eventually(async () => {
      const stored = await readTopic(bootstrapServers, own)
      expect(String(stored.at(-1)?.key)).to.equal(`["${name}",{"filename":"${file}"}]`)
      return true
    })
  })

  it('says in its status why a record ends its task: the file, the place and what is wrong', async () => {
    const [topic, file, name] = [uniqueName('bad'), path.join(folder, 'bad.txt'), uniqueName('bad')]
    await writeFile(file, '1,one\nno number,two\n')
    await create(name, { file, topic, ...parse })
    const { tasks } = await untilTasks(rest, name, 'FAILED')
    const { trace = '' } = tasks[0] ?? {}
    expect(trace).to.contain(`{"filename":"${file}"} at {"position":20}`).and.contain('TRANSFORMATION')
  })

  it('refuses what it cannot do, each by the name of its key', async () => {
    const wrong: Record<string, string> = {
      'exactly.once.support': 'required',
      'transaction.boundary': 'connector',
      'topic.creation.default.partitions': '0',
      'producer.override.security.protocol': 'TLS',
      'batch.size': '0',
      'offsets.storage.topic': 'a topic',
    }
    const config = { 'connector.class': 'FileStreamSource', topic: 't', ...wrong }
    const { status, body } = await call(rest, 'POST', '/connectors', { name: uniqueName('no'), config })
    expect(status).to.equal(400)
    const { message } = body as { message: string }
    for (const key of [...Object.keys(wrong), 'topic.creation.default.replication.factor'])
      expect(message).to.contain(key)
  })
})
