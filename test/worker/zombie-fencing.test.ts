import { expect } from 'chai'
import { describe, it } from 'mocha'
import { SILENT } from '../../src/api/log.ts'
import { fenceZombies } from '../../src/worker/cluster/zombie-fencing.ts'
import { ConfigStore } from '../../src/worker/stores/config-store.ts'
import { rejection } from '../support/rejection.ts'
import { MemoryTopics } from './memory-log.ts'

describe('a round of zombie fencing', () => {
  async function cluster() {
    const topics = new MemoryTopics()
    const topic = { topic: 'configs', partitions: 1, replicationFactor: 1 }
    const configs = await ConfigStore.open(topics.open, topic, SILENT)
    const fenced: (readonly string[])[] = []
    const during = { work: () => Promise.resolve() }
    const fence = async (ids: readonly string[]): Promise<void> => {
      fenced.push(ids)
      await during.work()
    }
    const round = (name = 'a') => fenceZombies(name, { configs, groupId: 'g', fence })
    await configs.putConnector('a', { 'connector.class': 'some.java.Source' })
    const tasks = (count: number) =>
      configs.putTasks(
        'a',
        Array.from({ length: count }, () => ({})),
      )
    const counts = () =>
      topics
        .records('configs')
        .filter(({ key }) => key === 'tasks-fencing-a')
        .map(({ value }) => value)
    return { configs, fenced, during, round, tasks, counts }
  }

  it('fences nothing the first time, and writes how many tasks there are, once', async () => {
    const { round, tasks, fenced, counts } = await cluster()
    await tasks(2)
    await round()
    await round()
    expect(fenced).to.deep.equal([])
    expect(counts()).to.deep.equal(['{"task-count":2}'])
  })

  it('fences the producers of all former tasks when there are new configs', async () => {
    const { round, tasks, fenced, counts } = await cluster()
    await tasks(3)
    await round()
    await tasks(1)
    await round()
    expect(fenced).to.deep.equal([['g-a-0', 'g-a-1', 'g-a-2']])
    await tasks(1)
    await round()
    expect(fenced, 'a single task fences the single one before it').to.have.lengthOf(1)
    expect(counts()).to.deep.equal(['{"task-count":3}', '{"task-count":1}', '{"task-count":1}'])
  })

  it('is over with 409 where new configs came meanwhile, and writes nothing', async () => {
    const { round, tasks, during, counts } = await cluster()
    await tasks(2)
    await round()
    await tasks(2)
    during.work = () => tasks(3)
    const error = await rejection(round())
    expect(error).to.have.property('code', 'request.rebalancing')
    expect(counts()).to.deep.equal(['{"task-count":2}'])
  })

  it('is for sources that exist', async () => {
    const { round, configs } = await cluster()
    await configs.putConnector('sink', { 'connector.class': 'TopicSink' })
    expect(await rejection(round('none'))).to.have.property('code', 'connector.unknown')
    expect(await rejection(round('sink'))).to.have.property(
      'message',
      'Connector sink is not a source connector',
    )
  })
})
