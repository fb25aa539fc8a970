import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, afterEach, before, describe, it } from 'mocha'
import { eventually } from '../support/eventually.ts'
import { sharedKafka } from '../support/kafka.ts'
import { versionedCode, writePackage } from '../support/plugin-package.ts'
import { fillTopic, readTopic } from '../support/topics.ts'
import { type ClusterWorker, WorkerCluster } from '../support/worker-cluster.ts'

const PATIENT = { timeoutMs: 60_000, everyMs: 200 }

interface Part {
  readonly state: string
  readonly worker_id: string
  readonly trace?: string
}

interface Status {
  readonly connector: Part
  readonly tasks: readonly Part[]
}

describe('workers of which only some have a plugin', function () {
  this.timeout(240_000)
  let plugins: string
  let cluster: WorkerCluster

  before(async () => {
    plugins = await mkdtemp(path.join(tmpdir(), 'sluice-plugins-'))
    await writePackage(plugins, 'side', versionedCode('Side', '1.0.0', 'option'))
  })
  afterEach(() => cluster.stop())
  after(() => rm(plugins, { recursive: true }))

  async function config(): Promise<Record<string, string>> {
    const { bootstrapServers } = await sharedKafka()
    await fillTopic(bootstrapServers, `${cluster.name}-in`, 2, [{ key: 'k', value: Buffer.from('text') }])
    return { 'connector.class': 'SideSink', topics: `${cluster.name}-in`, 'tasks.max': '2' }
  }

  /** Until the connector and its tasks are as `wanted` says. */
  const until = (worker: ClusterWorker, wanted: (part: Part) => boolean, tasks = 2): Promise<Status> =>
    eventually(async () => {
      const { body } = await worker.call('GET', '/connectors/side/status')
      const status = body as Status
      const parts = [status.connector, ...status.tasks]
      expect(parts.length, JSON.stringify(status)).to.equal(1 + tasks)
      expect(parts.every(wanted), JSON.stringify(status)).to.equal(true)
      return status
    }, PATIENT)

  const runsOn =
    (worker: ClusterWorker) =>
    ({ state, worker_id: id }: Part): boolean =>
      state === 'RUNNING' && id === worker.id

  /** How many statuses of each kind were written of the connector and its tasks. */
  async function failures(): Promise<number> {
    const { bootstrapServers } = await sharedKafka()
    const records = await readTopic(bootstrapServers, `${cluster.name}-status`)
    return records.filter(({ value }) => value?.toString().includes('"state":"FAILED"')).length
  }

  it('run its connector where the plugin is, after one try for each of the others, and then leave it there', async () => {
    cluster = new WorkerCluster()
    const leader = await cluster.sluice()
    const other = await cluster.sluice()
    const able = await cluster.sluice({ 'plugin.path': plugins })
    const side = await config()
    for (const worker of [leader, other, able]) {
      const { code, body } = await worker.call('PUT', '/connectors/side/config', { ...side, a: worker.id })
      expect(code, JSON.stringify(body)).to.be.oneOf([200, 201])
      await until(other, runsOn(able))
    }
    const tries = await failures()
    for (const name of ['x', 'y', 'z']) {
      const { code } = await other.call('PUT', `/connectors/${name}/config`, {
        ...side,
        'connector.class': 'TopicSink',
        'target.topic': `${cluster.name}-out`,
      })
      expect(code).to.equal(201)
    }
    await eventually(async () => {
      const { body } = await leader.call('GET', '/connectors?expand=status')
      const all = Object.values(body as Record<string, { readonly status: Status }>)
      const parts = all.flatMap(({ status }) => [status.connector, ...status.tasks])
      return parts.length === 12 && parts.every(({ state }) => state === 'RUNNING')
    }, PATIENT)
    await until(other, runsOn(able))
    expect(await failures()).to.equal(tries)
  })

  it('leave it FAILED where nobody has it, with the names of those that tried, until somebody comes who does', async () => {
    cluster = new WorkerCluster()
    const leader = await cluster.sluice()
    const able = await cluster.sluice({ 'plugin.path': plugins })
    expect((await leader.call('PUT', '/connectors/side/config', await config())).code).to.equal(201)
    await until(leader, runsOn(able))
    able.process.kill()
    await until(leader, ({ state, worker_id: id }) => state === 'FAILED' && id === leader.id)
    const other = await cluster.sluice()
    const { connector } = await until(
      leader,
      ({ state, worker_id: id, trace = '' }) =>
        state === 'FAILED' &&
        id === other.id &&
        trace.includes(`Worker ${other.id} cannot run it`) &&
        trace.includes(`Neither could ${leader.id}.`),
    )
    expect(connector.trace).to.include('SideSink').and.include('install the plugin')
    const late = await cluster.sluice({ 'plugin.path': plugins })
    await until(other, runsOn(late))
  })
})
