import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { eventually } from '../support/eventually.ts'
import { sharedKafka } from '../support/kafka.ts'
import { countRecords } from '../support/topics.ts'
import { type ClusterWorker, WorkerCluster } from '../support/worker-cluster.ts'

const PATIENT = { timeoutMs: 120_000, everyMs: 200 }

interface Status {
  readonly connector: { readonly state: string; readonly worker_id: string }
  readonly tasks: readonly { readonly id: number; readonly state: string; readonly worker_id: string }[]
}

/** Apache Kafka Connect 4.3.1 and Sluice in one group. */
describe('a Java worker and a Sluice worker of one group', function () {
  this.timeout(400_000)
  let folder = ''

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-mixed-'))
    await writeFile(path.join(folder, 'lines.txt'), 'one\ntwo\nthree\n')
  })
  after(() => rm(folder, { recursive: true, force: true }))

  /** Both have a class of this name. */
  const lines = (cluster: WorkerCluster, name: string) => ({
    name,
    config: {
      'connector.class': 'FileStreamSource',
      file: path.join(folder, 'lines.txt'),
      topic: `${cluster.name}-${name}`,
      'topic.creation.default.partitions': '1',
      'topic.creation.default.replication.factor': '1',
      'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
    },
  })

  const statusOf = async (worker: ClusterWorker, name: string): Promise<Status> =>
    (await worker.call('GET', `/connectors/${name}/status`)).body as Status

  const running = (worker: ClusterWorker, name: string): Promise<Status> =>
    eventually(async () => {
      const status = await statusOf(worker, name)
      expect([status.connector.state, status.tasks.map(({ state }) => state).join()]).to.deep.equal([
        'RUNNING',
        'RUNNING',
      ])
      return status
    }, PATIENT)

  /** Connectors created at either worker run, all of them, shared out between both. */
  async function share(cluster: WorkerCluster, workers: readonly ClusterWorker[]): Promise<void> {
    const names = ['a', 'b', 'c', 'd']
    for (const [i, name] of names.entries()) {
      const asked = workers[i % 2]
      await eventually(async () => {
        const { code, body } = (await asked?.call('POST', '/connectors', lines(cluster, name))) ?? {
          code: 0,
          body: '',
        }
        if (code !== 409) expect([code, body]).to.have.nested.property('[0]', 201)
        return code === 201
      }, PATIENT)
    }
    const owners = new Set<string>()
    const { bootstrapServers } = await sharedKafka()
    for (const name of names) {
      for (const worker of workers) {
        const { connector, tasks } = await running(worker, name)
        for (const { worker_id: id } of [connector, ...tasks]) owners.add(id)
      }
      await eventually(
        async () => (await countRecords(bootstrapServers, `${cluster.name}-${name}`)) >= 3,
        PATIENT,
      )
    }
    expect([...owners]).to.have.members(workers.map(({ id }) => id))
  }

  /** Restarts, changes and deletions, asked of each of them. */
  async function manage(cluster: WorkerCluster, workers: readonly ClusterWorker[]): Promise<void> {
    for (const asked of workers) {
      for (const name of ['a', 'b', 'c', 'd']) {
        expect((await asked.call('POST', `/connectors/${name}/tasks/0/restart`)).code).to.equal(204)
        expect((await asked.call('POST', `/connectors/${name}/restart`)).code).to.equal(204)
      }
      const plan = await asked.call('POST', '/connectors/a/restart?includeTasks=true')
      expect([plan.code, plan.body]).to.have.nested.property('[0]', 202)
      for (const [state, code] of [
        ['pause', 202],
        ['resume', 202],
        ['stop', 204],
      ] as const)
        expect((await asked.call('PUT', `/connectors/b/${state}`)).code).to.equal(code)
      const { config } = lines(cluster, 'b')
      const put = await asked.call('PUT', '/connectors/b/config', { ...config, extra: asked.id })
      expect([put.code, put.body]).to.have.nested.property('[0]', 200)
      expect((await asked.call('PUT', '/connectors/b/resume')).code).to.equal(202)
      for (const worker of workers) await running(worker, 'b')
    }
  }

  it('share connectors where Sluice leads', async () => {
    const cluster = new WorkerCluster()
    try {
      const sluice = await cluster.sluice()
      const java = await cluster.java()
      await share(cluster, [java, sluice])
      await manage(cluster, [java, sluice])
      for (const [name, asked] of [
        ['a', java],
        ['b', sluice],
      ] as const)
        expect((await asked.call('DELETE', `/connectors/${name}`)).code).to.equal(204)
      java.process.kill()
      for (const name of ['c', 'd'])
        await eventually(async () => {
          const { connector, tasks } = await running(sluice, name)
          return [connector, ...tasks].every(({ worker_id: id }) => id === sluice.id)
        }, PATIENT)
    } finally {
      await cluster.stop()
    }
  })

  it('share connectors where Java leads', async () => {
    const cluster = new WorkerCluster()
    try {
      const java = await cluster.java()
      const sluice = await cluster.sluice()
      await share(cluster, [sluice, java])
      await manage(cluster, [sluice, java])
      java.process.kill()
      for (const name of ['a', 'b', 'c', 'd'])
        await eventually(async () => {
          const { connector, tasks } = await running(sluice, name)
          return [connector, ...tasks].every(({ worker_id: id }) => id === sluice.id)
        }, PATIENT)
    } finally {
      await cluster.stop()
    }
  })
})
