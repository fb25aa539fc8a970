import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { readToEnd } from '../support/committed-reader.ts'
import { clusterTopics } from '../support/cluster-topics.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import { freePort, sharedKafka } from '../support/kafka.ts'
import { taskHostsOf } from '../support/process-tree.ts'
import { sluice, type StartedProcess } from '../support/process.ts'
import { call, untilTasks } from '../support/sluice-dev.ts'
import { readTopic } from '../support/topics.ts'

describe('sources of workers with exactly.once.source.support=enabled', function () {
  this.timeout(180_000)
  const id = uniqueName('exact')
  let bootstrapServers: string
  let folder: string
  const workers: { readonly rest: string; readonly process: StartedProcess }[] = []

  before(async () => {
    bootstrapServers = (await sharedKafka()).bootstrapServers
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-exact-'))
    await startWorker()
    await startWorker()
  })
  after(async () => {
    for (const { process } of workers) process.signal('SIGTERM')
    await Promise.all(workers.map(({ process }) => process.exited))
    await rm(folder, { recursive: true, force: true })
  })

  async function startWorker(): Promise<void> {
    const rest = `http://127.0.0.1:${await freePort()}`
    const settings = {
      ...{ 'bootstrap.servers': bootstrapServers, 'group.id': id, listeners: rest },
      'exactly.once.source.support': 'enabled',
      'value.converter': 'StringConverter',
      'scheduled.rebalance.max.delay.ms': '500',
      ...clusterTopics(id),
    }
    const file = path.join(folder, `${uniqueName('worker')}.json`)
    await writeFile(file, JSON.stringify(settings))
    workers.push({ rest, process: sluice(['worker', file]) })
    await eventually(async () => (await fetch(`${rest}/health`)).status === 200, { timeoutMs: 60_000 })
  }

  const restOf = (): string => workers.at(-1)!.rest

  async function put(name: string, config: Record<string, string>): Promise<void> {
    const whole = {
      'topic.creation.default.replication.factor': '1',
      'topic.creation.default.partitions': '1',
      ...config,
    }
    await eventually(
      async () => {
        const { status, body } = await call(restOf(), 'PUT', `/connectors/${name}/config`, whole)
        expect([200, 201], JSON.stringify(body)).to.include(status)
        return true
      },
      { timeoutMs: 30_000 },
    )
  }

  const linesIn = async (topic: string): Promise<number[]> =>
    (await readToEnd(bootstrapServers, topic)).map(({ value }) => Number(String(value)))
  const upTo = (count: number) => Array.from({ length: count }, (_, i) => i)
  const lines = (from: number, to: number) => upTo(to).slice(from).join('\n') + '\n'
  const hosts = () => workers.flatMap(({ process }) => taskHostsOf(process.pid))

  it('write each line once and in order, whatever is killed', async () => {
    const [topic, file, name] = [uniqueName('lines'), path.join(folder, 'lines.txt'), uniqueName('lines')]
    await writeFile(file, lines(0, 4000))
    const className = 'org.apache.kafka.connect.file.FileStreamSourceConnector'
    await put(name, { 'connector.class': className, file, topic, 'batch.size': '50' })
    let kills = 0
    for (let to = 6000; to <= 12_000; to += 2000) {
      const before = (await readTopicOr(topic)).length
      await appendFile(file, lines(to - 2000, to))
      await eventually(async () => (await readTopicOr(topic)).length > before, { timeoutMs: 60_000 })
      for (const { pid } of hosts()) process.kill(pid, 'SIGKILL')
      kills++
    }
    const { process: worker } = workers.shift()!
    worker.signal('SIGKILL')
    await worker.exited
    await appendFile(file, lines(12_000, 13_000))
    await eventually(async () => (await linesIn(topic)).length >= 13_000, {
      timeoutMs: 90_000,
      everyMs: 1000,
    })
    expect(await linesIn(topic)).to.deep.equal(upTo(13_000))
    expect(kills).to.equal(4)
  })

  const readTopicOr = async (topic: string) => readTopic(bootstrapServers, topic).catch(() => [])

  it('have former tasks fenced by the leader before tasks of a new configuration start', async () => {
    const [topic, name] = [uniqueName('made'), uniqueName('made')]
    const made = {
      'connector.class': 'Datagen',
      'kafka.topic': topic,
      quickstart: 'iris',
      'exactly.once.support': 'required',
      rate: '200',
    }
    const count = async () => {
      const records = await readTopic(bootstrapServers, `${id}-config`)
      const last = records.filter(({ key }) => String(key) === `tasks-fencing-${name}`).at(-1)
      return last === undefined ? undefined : (JSON.parse(String(last.value)) as unknown)
    }
    await put(name, { ...made, 'tasks.max': '3' })
    await untilTasks(restOf(), name, 'RUNNING')
    await eventually(async () => (await readTopicOr(topic)).length > 100, { timeoutMs: 60_000 })
    expect(await count()).to.deep.equal({ 'task-count': 3 })
    await put(name, { ...made, 'tasks.max': '2' })
    await eventually(async () => JSON.stringify(await count()) === '{"task-count":2}', { timeoutMs: 60_000 })
    const before = (await readTopicOr(topic)).length
    await eventually(async () => (await readTopicOr(topic)).length > before + 100, { timeoutMs: 60_000 })
    await untilTasks(restOf(), name, 'RUNNING')
    expect((await call(restOf(), 'DELETE', `/connectors/${name}`)).status).to.equal(204)
  })
})
