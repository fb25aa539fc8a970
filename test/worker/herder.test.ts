import { expect } from 'chai'
import { afterEach, describe, it } from 'mocha'
import { ConfigError, ConflictError, NotFoundError } from '../../src/api/errors.ts'
import { eventually } from '../support/eventually.ts'
import { MemoryTopics } from './memory-log.ts'
import { memoryWorker, type MemoryWorker, type MemoryWorkerOptions } from './memory-worker.ts'

const CONFIG: Readonly<Record<string, string>> = {
  'connector.class': 'TopicSink',
  'tasks.max': '2',
  topics: 'in',
  'target.topic': 'out',
}

const QUICK = { everyMs: 2, timeoutMs: 5_000 }

describe('a worker', () => {
  let running: MemoryWorker[] = []

  async function start(options?: MemoryWorkerOptions): Promise<MemoryWorker> {
    const worker = await memoryWorker(options)
    running.push(worker)
    return worker
  }

  afterEach(async () => {
    await Promise.all(running.map((worker) => worker.stop()))
    running = []
  })

  /** What is written of connectors: a worker that leads also writes a session key. */
  const written = ({ topics }: MemoryWorker) =>
    topics.records('configs').filter(({ key }) => key !== 'session-key')

  const states = (worker: MemoryWorker, name = 'a'): string[] => {
    const { connector, tasks } = worker.herder.views.status(name)
    return [connector.state, ...tasks.map(({ state }) => state)]
  }
  const expectStates = (worker: MemoryWorker, ...wanted: string[]) =>
    eventually(() => {
      expect(states(worker)).to.deep.equal(wanted)
      return true
    }, QUICK)

  it('has no task host before its first task', async () => {
    const worker = await start()
    expect(worker.hosts).to.deep.equal([])
  })

  it('leaves the group alone where only configurations change, not what there is to run', async () => {
    const worker = await start()
    const joins = () => worker.members.get('workers')?.[0]?.joins ?? 0
    await worker.herder.create('a', CONFIG)
    await expectStates(worker, 'RUNNING', 'RUNNING', 'RUNNING')
    await eventually(() => !worker.place.rebalancing, QUICK)
    const before = joins()
    await worker.herder.put('a', { ...CONFIG, 'target.topic': 'elsewhere' })
    const runs = (task: number) =>
      worker.hosts.some((host) =>
        host
          .heard('start')
          .some(({ id, config }) => id.task === task && config['target.topic'] === 'elsewhere'),
      )
    await eventually(() => runs(0) && runs(1), QUICK)
    expect(joins()).to.equal(before)
    await worker.herder.put('a', { ...CONFIG, 'tasks.max': '3' })
    await expectStates(worker, 'RUNNING', 'RUNNING', 'RUNNING', 'RUNNING')
    expect(joins()).to.be.greaterThan(before)
  })

  it('writes a new connector, then its tasks and their commit, and runs them', async () => {
    const worker = await start()
    const info = await worker.herder.create('a', CONFIG)
    expect(info).to.deep.include({ name: 'a', tasks: [], type: 'sink' })
    await expectStates(worker, 'RUNNING', 'RUNNING', 'RUNNING')
    const keys = written(worker).map(({ key }) => key)
    expect(keys).to.deep.equal(['connector-a', 'task-a-0', 'task-a-1', 'commit-a'])
    const [task] = worker.herder.views.taskConfigs('a')
    expect(task).to.deep.equal({
      id: { connector: 'a', task: 0 },
      config: { ...CONFIG, name: 'a', 'task.class': 'TopicSinkTask' },
    })
    expect(worker.herder.views.status('a').connector).to.deep.equal({
      state: 'RUNNING',
      worker_id: '127.0.0.1:1',
      version: '0.1.0',
    })
  })

  it('makes each task a member of the sink’s group and hands its partitions over', async () => {
    const worker = await start()
    await worker.herder.create('a', { ...CONFIG, 'tasks.max': '1' })
    const host = await eventually(() => worker.hosts.find((each) => each.heard('assign').length > 0), QUICK)
    expect(host.heard('assign')[0]?.membership).to.deep.equal({
      groupId: 'connect-a',
      groupInstanceId: null,
      memberId: 'm',
      generation: 1,
      cooperative: false,
      partitions: [{ topic: 'in', partitions: [0, 1, 2, 3] }],
    })
  })

  it('makes exactly one of a hundred connectors of one name', async () => {
    const worker = await start()
    const all = await Promise.allSettled(Array.from({ length: 100 }, () => worker.herder.create('a', CONFIG)))
    expect(all.filter(({ status }) => status === 'fulfilled')).to.have.lengthOf(1)
    for (const each of all)
      if (each.status === 'rejected') expect(each.reason).to.be.instanceOf(ConflictError)
    expect(worker.topics.records('configs').filter(({ key }) => key === 'connector-a')).to.have.lengthOf(1)
  })

  it('stores nothing of a configuration whose plugins cannot be opened', async () => {
    const problem = { path: 'transforms.score.model', message: 'There is no model "x".' }
    const worker = await start({ problems: () => [problem] })
    const failure = await worker.herder.create('a', CONFIG).catch((error: unknown) => error)
    expect(failure).to.be.instanceOf(ConfigError)
    expect((failure as ConfigError).message).to.equal(
      'Connector configuration is invalid and contains the following 1 error(s):\n' +
        'transforms.score.model: There is no model "x".\n' +
        'You can also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`',
    )
    expect(written(worker)).to.deep.equal([])
  })

  it('pauses, resumes and stops', async () => {
    const worker = await start()
    await worker.herder.create('a', CONFIG)
    await expectStates(worker, 'RUNNING', 'RUNNING', 'RUNNING')
    await worker.herder.pause('a')
    await expectStates(worker, 'PAUSED', 'PAUSED', 'PAUSED')
    await worker.herder.resume('a')
    await expectStates(worker, 'RUNNING', 'RUNNING', 'RUNNING')
    await worker.herder.stop('a')
    await expectStates(worker, 'STOPPED')
    await worker.herder.resume('a')
    await expectStates(worker, 'RUNNING', 'RUNNING', 'RUNNING')
  })

  it('starts nothing of a connector that is created STOPPED or PAUSED', async () => {
    const worker = await start()
    await worker.herder.create('a', CONFIG, 'STOPPED')
    await expectStates(worker, 'STOPPED')
    await worker.herder.create('b', CONFIG, 'PAUSED')
    await eventually(() => states(worker, 'b')[0] === 'PAUSED', QUICK)
    expect(worker.hosts.flatMap((host) => host.heard('start'))).to.deep.equal([])
  })

  it('takes a new configuration: tasks stop, then start with it', async () => {
    const worker = await start()
    await worker.herder.create('a', CONFIG)
    await expectStates(worker, 'RUNNING', 'RUNNING', 'RUNNING')
    const { created } = await worker.herder.put('a', { ...CONFIG, 'tasks.max': '1', 'target.topic': 'other' })
    expect(created).to.equal(false)
    await eventually(() => {
      const starts = worker.hosts.flatMap((host) => host.heard('start'))
      return starts.some(({ config }) => config['target.topic'] === 'other')
    }, QUICK)
    await expectStates(worker, 'RUNNING', 'RUNNING')
    const stops = worker.hosts.flatMap((host) => host.heard('stop'))
    expect(stops.map(({ id }) => id.task).sort()).to.deep.equal([0, 1])
  })

  it('commits before it gives up: a task is revoked before it is stopped', async () => {
    const worker = await start()
    await worker.herder.create('a', { ...CONFIG, 'tasks.max': '1' })
    await expectStates(worker, 'RUNNING', 'RUNNING')
    await worker.herder.remove('a')
    const host = await eventually(() => worker.hosts.find((each) => each.heard('stop').length > 0), QUICK)
    const order = host.sent.map(({ type }) => type).filter((type) => type === 'revoke' || type === 'stop')
    expect(order).to.deep.equal(['revoke', 'stop'])
  })

  it('forgets a deleted connector and removes its statuses', async () => {
    const worker = await start()
    await worker.herder.create('a', CONFIG)
    await expectStates(worker, 'RUNNING', 'RUNNING', 'RUNNING')
    await worker.herder.remove('a')
    expect(worker.herder.views.names()).to.deep.equal([])
    await eventually(() => {
      const last = new Map(worker.topics.records('statuses').map(({ key, value }) => [key, value]))
      return last.size === 3 && [...last.values()].every((value) => value === null)
    }, QUICK)
    await worker.herder.create('a', CONFIG)
    await expectStates(worker, 'RUNNING', 'RUNNING', 'RUNNING')
  })

  it('goes on after a restart where it was, without new task configs', async () => {
    const topics = new MemoryTopics()
    const first = await start({ topics })
    await first.herder.create('a', CONFIG)
    await expectStates(first, 'RUNNING', 'RUNNING', 'RUNNING')
    await first.stop()
    expect(states(first)).to.deep.equal(['UNASSIGNED', 'UNASSIGNED', 'UNASSIGNED'])
    const written = topics.records('configs').length
    const second = await start({ topics })
    await expectStates(second, 'RUNNING', 'RUNNING', 'RUNNING')
    expect(topics.records('configs')).to.have.lengthOf(written)
  })

  it('restarts what is asked for', async () => {
    const worker = await start()
    await worker.herder.create('a', CONFIG)
    await expectStates(worker, 'RUNNING', 'RUNNING', 'RUNNING')
    const starts = () => worker.hosts.flatMap((host) => host.heard('start')).length
    expect(await worker.herder.restart('a', false, false)).to.equal(undefined)
    const plan = await worker.herder.restart('a', true, false)
    expect(plan?.tasks.map(({ state }) => state)).to.deep.equal(['RESTARTING', 'RESTARTING'])
    // Whoever looks now does not take the old RUNNING for the new one.
    expect(states(worker)).to.deep.equal(['RESTARTING', 'RESTARTING', 'RESTARTING'])
    await eventually(() => starts() === 4, QUICK)
    await expectStates(worker, 'RUNNING', 'RUNNING', 'RUNNING')
    await worker.herder.restartTask('a', 1)
    await eventually(() => starts() === 5, QUICK)
    const unknown = await worker.herder.restartTask('a', 7).catch((error: unknown) => error)
    expect(unknown).to.be.instanceOf(NotFoundError).with.property('message', 'Unknown task: a-7')
    const failed = await worker.herder.restart('a', true, true)
    expect(failed?.tasks.map(({ state }) => state)).not.to.include('FAILED')
    await expectStates(worker, 'RUNNING', 'RUNNING', 'RUNNING')
    expect(starts()).to.equal(5)
  })

  it('shows a connector that its class does not exist for as FAILED, and runs the others', async () => {
    const topics = new MemoryTopics()
    topics.write(
      'configs',
      'connector-java',
      '{"properties":{"name":"java","connector.class":"org.x.JavaSink"}}',
    )
    const worker = await start({ topics })
    await worker.herder.create('a', CONFIG)
    await expectStates(worker, 'RUNNING', 'RUNNING', 'RUNNING')
    const { connector, type } = worker.herder.views.status('java')
    expect(connector.state).to.equal('FAILED')
    expect(connector.trace).to.contain('org.x.JavaSink')
    expect(type).to.equal('unknown')
  })

  it('shows no secret and keeps it when the mask is put back', async () => {
    const worker = await start()
    await worker.herder.create('a', { ...CONFIG, 'x.password': 'canary' })
    await expectStates(worker, 'RUNNING', 'RUNNING', 'RUNNING')
    const shown = worker.herder.views.info('a').config
    expect(shown['x.password']).to.equal('[hidden]')
    expect(JSON.stringify(worker.herder.views.taskConfigs('a'))).not.to.contain('canary')
    await worker.herder.put('a', shown)
    await worker.herder.patch('a', { topics: 'in', 'errors.tolerance': null })
    const stored = worker.topics.records('configs').filter(({ key }) => key === 'connector-a')
    expect(stored).to.have.lengthOf(3)
    for (const { value } of stored) expect(value).to.contain('canary')
  })
})
