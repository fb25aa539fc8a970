import { expect } from 'chai'
import type { Admin } from 'kafkajs'
import { after, before, describe, it } from 'mocha'
import { pidsOf, usageOf } from '../../bench/support/scale/usage.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import { kafkajsClient, sharedKafka } from '../support/kafka.ts'
import { fillTopic } from '../support/topics.ts'
import { type ClusterWorker, WorkerCluster } from '../support/worker-cluster.ts'

const CONNECTORS = 20
const TASKS_EACH = 5
const TASKS = CONNECTORS * TASKS_EACH
const PATIENT = { timeoutMs: 180_000, everyMs: 500 }

interface Listed {
  readonly status: {
    readonly connector: { readonly state: string; readonly worker_id: string }
    readonly tasks: readonly { readonly state: string; readonly worker_id: string }[]
  }
}

/** What must not grow faster than what there is to do. Counts, never times: docs/scaling.md has those. */
describe('three workers with a hundred idle tasks', function () {
  this.timeout(400_000)
  const cluster = new WorkerCluster()
  const topic = uniqueName('idle')
  const names = Array.from({ length: CONNECTORS }, (_, n) => `sink-${n}`)
  const config = {
    'connector.class': 'FileStreamSink',
    'tasks.max': String(TASKS_EACH),
    topics: topic,
    file: '/dev/null',
  }
  let workers: ClusterWorker[] = []
  let admin: Admin

  before(async () => {
    const { bootstrapServers } = await sharedKafka()
    admin = kafkajsClient(bootstrapServers).admin()
    await admin.connect()
    await fillTopic(bootstrapServers, topic, TASKS_EACH, [])
    workers = await Promise.all([1, 2, 3].map(() => cluster.sluice()))
    await Promise.all(names.map((name, n) => put(workers[n % 3]!, name, config)))
    await allRun()
  })
  after(async () => {
    await admin.disconnect()
    await cluster.stop()
  })

  const put = (worker: ClusterWorker, name: string, wanted: Readonly<Record<string, string>>) =>
    eventually(async () => {
      const { code } = await worker.call('PUT', `/connectors/${name}/config`, wanted)
      return expect(code).to.be.oneOf([200, 201])
    }, PATIENT)

  /** Resolves when everything runs on workers that are there, and every sink's group is stable; by worker, how much. */
  const allRun = (): Promise<Map<string, number>> =>
    eventually(async () => {
      const ids = new Set(cluster.workers.map(({ id }) => id))
      const listed = (await workers[0]!.call('GET', '/connectors?expand=status')).body as Record<
        string,
        Listed
      >
      const all = Object.values(listed).flatMap(({ status }) => [status.connector, ...status.tasks])
      const running = all.filter(({ state, worker_id: id }) => state === 'RUNNING' && ids.has(id))
      expect(running).to.have.lengthOf(TASKS + CONNECTORS)
      const { groups } = await admin.describeGroups(names.map((name) => `connect-${name}`))
      expect(
        groups.filter(({ state, members }) => state === 'Stable' && members.length === TASKS_EACH),
      ).to.have.lengthOf(CONNECTORS)
      return new Map(
        [...Map.groupBy(running, ({ worker_id: id }) => id)].map(([id, { length }]) => [id, length]),
      )
    }, PATIENT)

  const recordsOf = async (kind: 'status' | 'config'): Promise<number> => {
    const offsets = await admin.fetchTopicOffsets(`${cluster.name}-${kind}`)
    return offsets.reduce((sum, { high }) => sum + Number(high), 0)
  }
  /** Rebalances of the group of workers that a worker has seen. */
  const rebalances = ({ process }: ClusterWorker): number =>
    process.stderr().split('"message":"assigned"').length - 1

  it('hold about one connection for each task that waits for records, and few in the workers themselves', async () => {
    const pids = pidsOf(
      workers.map(({ process }) => process.pid),
      0,
    )
    // Connections for joins are kept for a moment.
    const { connections } = await eventually(() => {
      const usage = usageOf(pids)
      expect(usage.workers.connections, 'of the workers').to.be.lessThan(TASKS)
      return usage.hosts
    }, PATIENT)
    expect(connections, 'of the task hosts').to.be.within(TASKS, TASKS * 1.6)
  })

  it('do not share work out anew where only configurations change', async () => {
    const before = rebalances(workers[0]!)
    await Promise.all(names.map((name) => put(workers[1]!, name, { ...config, 'errors.log.enable': 'true' })))
    await allRun()
    expect(rebalances(workers[0]!)).to.equal(before)
  })

  it('write statuses of what moves alone when a worker is stopped and comes back, in a few rebalances', async () => {
    const share = (await allRun()).get(workers[2]!.id) ?? 0
    const [statuses, configs, seen] = [
      await recordsOf('status'),
      await recordsOf('config'),
      rebalances(workers[0]!),
    ]
    await workers[2]!.stop()
    await allRun()
    const stopped = await recordsOf('status')
    expect(share, 'a third').to.be.within(30, 50)
    // UNASSIGNED by the one, RUNNING by the other; a connector and a task alike.
    expect(stopped - statuses).to.be.within(share, share * 2.5)
    expect(rebalances(workers[0]!) - seen).to.be.within(1, 4)
    workers[2] = await workers[2]!.again()
    await eventually(async () => expect((await allRun()).get(workers[2]!.id)).to.be.within(30, 50), PATIENT)
    expect((await recordsOf('status')) - stopped).to.be.within(30, 50 * 3)
    expect(rebalances(workers[0]!) - seen).to.be.within(2, 9)
    expect(await recordsOf('config'), 'nothing was configured anew').to.be.within(configs, configs + 2)
  })
})
