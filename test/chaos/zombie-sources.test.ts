import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { afterEach, before, describe, it } from 'mocha'
import { clusterTopics } from '../support/cluster-topics.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import { freePort, sharedKafka } from '../support/kafka.ts'
import { descendantsOf } from '../support/process-tree.ts'
import { sluice, type StartedProcess } from '../support/process.ts'
import { call, type ConnectorStatus, untilTasks } from '../support/sluice-dev.ts'
import { readTopic } from '../support/topics.ts'

/** The least that brokers take. */
const SESSION_MS = 6_000

interface RunningWorker {
  readonly rest: string
  readonly process: StartedProcess
}

describe('a source whose worker is stopped (SIGSTOP) beyond its session', function () {
  this.timeout(180_000)
  let bootstrapServers: string
  let folder: string
  let cluster: string
  let workers: RunningWorker[] = []

  before(async () => {
    bootstrapServers = (await sharedKafka()).bootstrapServers
  })

  async function startWorkers(count: number): Promise<void> {
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-zombies-'))
    cluster = uniqueName('zombies')
    workers = await Promise.all(
      Array.from({ length: count }, async (_, n) => {
        const rest = `http://127.0.0.1:${await freePort()}`
        const settings: Record<string, string> = {
          'bootstrap.servers': bootstrapServers,
          'group.id': cluster,
          listeners: rest,
          'value.converter': 'StringConverter',
          'offset.flush.interval.ms': '100',
          'session.timeout.ms': String(SESSION_MS),
          'heartbeat.interval.ms': '500',
          'scheduled.rebalance.max.delay.ms': '0',
          'log.level': 'error',
          ...clusterTopics(cluster),
        }
        const file = path.join(folder, `worker-${n}.json`)
        await writeFile(file, JSON.stringify(settings))
        return { rest, process: sluice(['worker', file]) }
      }),
    )
    for (const { rest } of workers)
      await eventually(async () => (await fetch(`${rest}/health`)).status === 200, { timeoutMs: 60_000 })
  }

  afterEach(async () => {
    for (const { process: worker } of workers) worker.signal('SIGTERM')
    await Promise.all(workers.map(({ process: worker }) => worker.exited))
    await rm(folder, { recursive: true, force: true })
  })

  const lines = (from: number, to: number): string =>
    Array.from({ length: to - from }, (_, i) => `line ${from + i}\n`).join('')

  async function create(rest: string, name: string, file: string, topic: string): Promise<void> {
    const config = {
      ...{ 'connector.class': 'FileStreamSource', file, topic },
      'topic.creation.default.replication.factor': '1',
      'topic.creation.default.partitions': '1',
    }
    const created = await call(rest, 'PUT', `/connectors/${name}/config`, config)
    expect(created.status, JSON.stringify(created.body)).to.equal(201)
  }

  const valuesIn = async (topic: string): Promise<string[]> =>
    (await readTopic(bootstrapServers, topic)).map(({ value }) => String(value))

  /** What the offset topic says last of the file. */
  async function position(): Promise<number> {
    const records = await readTopic(bootstrapServers, `${cluster}-offset`)
    const { position: last } = JSON.parse(String(records.at(-1)?.value)) as { position: number }
    return last
  }

  const untilPosition = (wanted: number) =>
    eventually(async () => expect(await position()).to.equal(wanted), { timeoutMs: 60_000 })

  /** As a person may: whoever writes another offset then is a zombie. */
  async function setBack(rest: string, name: string, filename: string): Promise<void> {
    await call(rest, 'PUT', `/connectors/${name}/stop`)
    await eventually(async () => {
      const { body } = await call(rest, 'GET', `/connectors/${name}/status`)
      return (body as ConnectorStatus).tasks.length === 0
    })
    const offsets = [{ partition: { filename }, offset: { position: 0 } }]
    const { status, body } = await call(rest, 'PATCH', `/connectors/${name}/offsets`, { offsets })
    expect(status, JSON.stringify(body)).to.equal(200)
  }

  async function ownerOf(rest: string, name: string): Promise<string> {
    const { body } = await call(rest, 'GET', `/connectors/${name}/status`)
    const [task] = (body as { tasks: { state: string; worker_id: string }[] }).tasks
    return task?.state === 'RUNNING' ? task.worker_id : ''
  }

  for (const withHosts of [false, true]) {
    const who = withHosts ? 'its hosts too' : 'the worker alone'
    it(`has no other writer of its offsets than its new owner when the old one wakes up (${who})`, async () => {
      await startWorkers(2)
      const { rest } = workers[0]!
      const [name, topic, file] = [uniqueName('zombie'), uniqueName('zombie-in'), path.join(folder, 'in.txt')]
      await writeFile(file, lines(0, 500))
      await create(rest, name, file, topic)
      await untilPosition(lines(0, 500).length)
      const owner = await ownerOf(rest, name)
      const old = workers.find((each) => each.rest.endsWith(owner))!
      const heir = workers.find((each) => each !== old)!
      const hosts = withHosts ? descendantsOf(old.process.pid).map(({ pid }) => pid) : []
      const frozen = [...hosts, old.process.pid]
      for (const pid of frozen) process.kill(pid, 'SIGSTOP')

      await appendFile(file, lines(500, 1000))
      await eventually(async () => heir.rest.endsWith(await ownerOf(heir.rest, name)), { timeoutMs: 60_000 })
      await untilPosition(lines(0, 1000).length)
      // Where its hosts run on, they find these too.
      await appendFile(file, lines(1000, 1500))
      await untilPosition(lines(0, 1500).length)
      await setBack(heir.rest, name, file)
      for (const pid of frozen) process.kill(pid, 'SIGCONT')
      await eventually(async () => (await fetch(`${old.rest}/health`)).status === 200, { timeoutMs: 60_000 })
      expect(await position()).to.equal(0)

      await call(heir.rest, 'PUT', `/connectors/${name}/resume`)
      await untilPosition(lines(0, 1500).length)
      const values = await valuesIn(topic)
      expect(new Set(values)).to.have.property('size', 1500)
      const late = new Set(lines(1000, 1500).split('\n'))
      expect(values.filter((value) => late.has(value))).to.have.length(1000) // of the new owner alone, before and after
    })
  }

  it('goes on with its only worker, once that wakes up and has joined again', async () => {
    await startWorkers(1)
    const [{ rest, process: worker }] = workers as [RunningWorker]
    const [name, topic, file] = [uniqueName('alone'), uniqueName('alone-lines'), path.join(folder, 'in.txt')]
    await writeFile(file, lines(0, 500))
    await create(rest, name, file, topic)
    await eventually(async () => expect(await valuesIn(topic)).to.have.length(500), { timeoutMs: 60_000 })
    process.kill(worker.pid, 'SIGSTOP')
    const until = performance.now() + 2 * SESSION_MS
    await eventually(() => performance.now() > until, { timeoutMs: 3 * SESSION_MS })
    await appendFile(file, lines(500, 1000))
    // Its host is alive, and holds still.
    expect(await valuesIn(topic)).to.have.length(500)
    process.kill(worker.pid, 'SIGCONT')
    await eventually(async () => expect(new Set(await valuesIn(topic))).to.have.property('size', 1000), {
      timeoutMs: 60_000,
    })
    await untilTasks(rest, name, 'RUNNING')
  })
})
