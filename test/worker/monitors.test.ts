import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { connectors } from '../../connectors/index.ts'
import { type AnyPlugin, defineConfig, type SourceConnector } from '../../src/index.ts'
import { MONITOR } from '../../src/runtime/host/protocol.ts'
import { eventually } from '../support/eventually.ts'
import { type FakeHost, memoryWorker, type MemoryWorker } from './memory-worker.ts'

const config = defineConfig({})
const watching: SourceConnector<typeof config.keys> = {
  kind: 'source',
  name: 'Watching',
  version: '1',
  summary: 'Has a monitor.',
  config,
  taskConfigs: () => [{}],
  monitor: () => Promise.resolve(),
  open: () => ({ poll: () => Promise.resolve([]) }),
}
const CONFIG = { 'connector.class': 'Watching' }
const ID = { connector: 'a', task: MONITOR }

/** Fake hosts answer: this worker's plugins never run. */
describe('the monitor of a source', () => {
  const list = connectors as unknown as AnyPlugin[]
  before(() => list.push(watching))
  after(() => list.splice(list.indexOf(watching), 1))

  const monitors = (worker: MemoryWorker) =>
    worker.hosts.flatMap((host) => host.heard('start').filter(({ id }) => id.task === MONITOR))
  const stops = (worker: MemoryWorker) =>
    worker.hosts.flatMap((host) => host.heard('stop').filter(({ id }) => id.task === MONITOR))
  const asked = (worker: MemoryWorker) => worker.hosts.flatMap((host) => host.heard('configure')).length

  async function started(): Promise<{ worker: MemoryWorker; host: FakeHost }> {
    const worker = await memoryWorker()
    await worker.herder.create('a', CONFIG)
    const host = await eventually(() =>
      worker.hosts.find((each) => each.heard('start').some(({ id }) => id.task === MONITOR)),
    )
    await eventually(() => worker.herder.views.status('a').tasks[0]?.state === 'RUNNING')
    return { worker, host }
  }

  it('runs beside its tasks, with the connector’s own configuration, and is not one of them', async () => {
    const { worker } = await started()
    expect(monitors(worker).map((message) => message.config)).to.deep.equal([{ ...CONFIG, name: 'a' }])
    const status = worker.herder.views.status('a')
    expect(status.connector.state).to.equal('RUNNING')
    expect(status.tasks.map(({ id }) => id)).to.deep.equal([0])
    await worker.stop()
    expect(stops(worker)).to.have.length(1)
  })

  it('has the tasks written anew where their configs changed, and nothing where not', async () => {
    const { worker, host } = await started()
    const written = () => worker.topics.records('configs').filter(({ key }) => key === 'commit-a').length
    const before = asked(worker)
    host.say({ type: 'reconfigure', id: ID })
    await eventually(() => asked(worker) > before)
    await eventually(() => worker.hosts.every((each) => !each.ending))
    expect(written()).to.equal(1)

    for (const each of worker.hosts) each.taskConfigs = [{}, { more: '1' }]
    host.say({ type: 'reconfigure', id: ID })
    host.say({ type: 'reconfigure', id: ID })
    await eventually(() => worker.herder.views.status('a').tasks.length === 2)
    expect(written()).to.equal(2)
    expect(monitors(worker), 'it goes on').to.have.length(1)
    await worker.stop()
  })

  it('stops with a pause or a stop, and starts with the resumption', async () => {
    const { worker } = await started()
    for (const [n, target] of (['pause', 'stop'] as const).entries()) {
      await worker.herder[target]('a')
      await eventually(() => expect(stops(worker)).to.have.length(n + 1))
      expect(monitors(worker)).to.have.length(n + 1)
      await worker.herder.resume('a')
      await eventually(() => expect(monitors(worker)).to.have.length(n + 2))
    }
    await worker.herder.remove('a')
    await eventually(() => expect(stops(worker)).to.have.length(3))
    await worker.stop()
  })

  it('fails its connector, whose tasks go on, and runs again after a restart', async () => {
    const { worker, host } = await started()
    host.say({ type: 'state', id: ID, state: 'FAILED', trace: 'no such table' })
    await eventually(() => worker.herder.views.status('a').connector.state === 'FAILED')
    const { connector, tasks } = worker.herder.views.status('a')
    expect(connector.trace).to.equal('no such table')
    expect(tasks[0]?.state).to.equal('RUNNING')
    const before = asked(worker)
    host.say({ type: 'reconfigure', id: ID }) // too late
    await worker.herder.restart('a', false, false)
    await eventually(() => worker.herder.views.status('a').connector.state === 'RUNNING')
    expect(monitors(worker)).to.have.length(2)
    expect(asked(worker)).to.equal(before + 1)
    await worker.stop()
  })
})
