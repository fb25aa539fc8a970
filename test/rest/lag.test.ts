import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { type PartitionProgress, TaskMetrics } from '../../src/runtime/host/task-metrics.ts'
import type { ConnectorLag } from '../../src/worker/lag-reports.ts'
import { eventually } from '../support/eventually.ts'
import { type ClusterMember, MemoryCluster, untilStates } from './memory-cluster.ts'
import { CONFIG, expectError, messageOf } from './rest-api.ts'

const at = (partition: number, offset: bigint | null, endOffset: bigint | null): PartitionProgress => ({
  ...{ topic: 'in', partition, offset, endOffset },
})

describe('how far sinks are behind, over REST', () => {
  let cluster: MemoryCluster
  let leader: ClusterMember
  let follower: ClusterMember

  beforeEach(async () => {
    cluster = new MemoryCluster()
    leader = await cluster.add()
    follower = await cluster.add()
    await leader.call('PUT', '/connectors/two/config', { ...CONFIG, 'tasks.max': '2' })
    for (const member of cluster.members) await untilStates(member, 'two', 'RUNNING', 'RUNNING', 'RUNNING')
    await eventually(() => runnerOf(0) !== runnerOf(1) && runnerOf(0) !== undefined)
  })
  afterEach(() => cluster.stop())

  function runnerOf(task: number): ClusterMember | undefined {
    const { worker_id: workerId } = leader.worker.herder.views.taskStatus('two', task)
    return cluster.members.find(({ url }) => url.endsWith(workerId))
  }

  /** The host of a task says how far it is. */
  function tell(task: number, ...partitions: PartitionProgress[]): void {
    const metrics = { ...new TaskMetrics().snapshot(), partitions }
    const hosts = runnerOf(task)?.worker.hosts ?? []
    const host = hosts.find((each) => each.heard('start').some(({ id }) => id.task === task))
    host?.say({ type: 'metrics', id: { connector: 'two', task }, metrics })
  }

  async function lagOf(member: ClusterMember, path = '/sluice/connectors/two/lag'): Promise<ConnectorLag> {
    const { code, body } = await member.call('GET', path)
    expect(code).to.equal(200)
    return body as ConnectorLag
  }

  it('is the same at every worker, with the tasks of all of them', async () => {
    tell(0, at(0, 5n, 12n), at(1, null, 4n))
    tell(1, at(2, 100n, 90n), at(3, 0n, 1000n))
    const wanted = {
      connector: 'two',
      lag: 1007,
      missing: [],
      tasks: [
        {
          ...{ task: 0, worker_id: runnerOf(0)?.url.slice('http://'.length), lag: 7 },
          partitions: [
            { topic: 'in', partition: 0, offset: 5, end_offset: 12, lag: 7 },
            { topic: 'in', partition: 1, offset: null, end_offset: 4, lag: null },
          ],
        },
        {
          ...{ task: 1, worker_id: runnerOf(1)?.url.slice('http://'.length), lag: 1000 },
          partitions: [
            { topic: 'in', partition: 2, offset: 100, end_offset: 90, lag: 0 },
            { topic: 'in', partition: 3, offset: 0, end_offset: 1000, lag: 1000 },
          ],
        },
      ],
    }
    for (const member of [leader, follower]) {
      expect(await lagOf(member)).to.deep.equal(wanted)
      expect(await lagOf(member, '/sluice/lag')).to.deep.equal({ connectors: [wanted] })
    }
  })

  it('names the tasks that nothing is known of, also where their worker does not answer', async () => {
    tell(0, at(0, 5n, 12n))
    expect(await lagOf(leader)).to.deep.include({ lag: 7, missing: [1] })
    tell(1, at(2, 0n, 3n))
    const [away, here] = runnerOf(1) === leader ? [follower, leader] : [leader, follower]
    const own = runnerOf(0) === here ? 0 : 1
    await away.stop()
    cluster.members.splice(cluster.members.indexOf(away), 1)
    const { tasks, missing } = await lagOf(here)
    expect(tasks.map(({ task }) => task)).to.include(own)
    expect([...tasks.map(({ task }) => task), ...missing].toSorted()).to.deep.equal([0, 1])
  })

  it('leaves out sources, is 404 of an unknown connector, and 400 of a scope that is none', async () => {
    const refused = async (path: string, code: number): Promise<string> => {
      const answer = await leader.call('GET', path)
      expectError(answer, code)
      return messageOf(answer)
    }
    expect(await refused('/sluice/connectors/none/lag', 404)).to.contain('none')
    expect(await refused('/sluice/lag?scope=galaxy', 400)).to.equal(
      'scope is worker or cluster, not "galaxy".',
    )
    expect(await refused('/sluice/lag?task=1', 400)).to.contain('task')
    const here = (await lagOf(leader, '/sluice/lag?scope=worker')) as unknown as {
      connectors: ConnectorLag[]
    }
    expect(here.connectors.map(({ connector }) => connector)).to.deep.equal(['two'])
  })
})
