import { expect } from 'chai'
import { describe, it } from 'mocha'
import { NotFoundError, RequestError } from '../../src/api/errors.ts'
import { SILENT } from '../../src/api/log.ts'
import { monotonicMs } from '../../src/runtime/host/lease.ts'
import { checkConnectorConfig, unknownKeys } from '../../src/worker/configs/connector-config.ts'
import { clusterProblems } from '../../src/worker/configs/cluster-check.ts'
import { TaskHosts } from '../../src/worker/hosts/task-hosts.ts'
import { readSettings } from '../../src/worker/settings/settings.ts'
import { eventually } from '../support/eventually.ts'
import { fakeHosts, HOST_SETTINGS, memoryWorker } from './memory-worker.ts'

const CONFIG = { 'connector.class': 'FileStreamSource', file: '/tmp/f', topic: 'out' }
const KEY = '["a",{"filename":"/tmp/f"}]'
const PARTITION = { filename: '/tmp/f' }

const problem = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )

describe('the configuration of a source', () => {
  const pathsOf = (more: Record<string, string>): string[] =>
    checkConnectorConfig({ name: 'a', ...CONFIG, ...more })
      .problems.map(({ path }) => path)
      .sort()

  it('needs no topics to read, and is a source by every name of its class', () => {
    for (const name of [
      'FileStreamSource',
      'FileStreamSourceConnector',
      'org.apache.kafka.connect.file.FileStreamSourceConnector',
    ]) {
      const { type, problems } = checkConnectorConfig({ name: 'a', ...CONFIG, 'connector.class': name })
      expect({ type, problems }, name).to.deep.equal({ type: 'source', problems: [] })
    }
  })

  it('refuses what it cannot keep, each by its key', () => {
    expect(pathsOf({ 'transaction.boundary': 'interval' })).to.deep.equal([])
    expect(pathsOf({ 'producer.override.compression.type': 'zip' })).to.have.length(1)
    expect(pathsOf({ 'producer.override.acks': 'some' })).to.have.length(1)
    for (const [key, value] of [
      ['acks', '1'],
      ['enable.idempotence', 'false'],
      ['linger.ms', '10'],
    ] as const)
      expect(pathsOf({ [`producer.override.${key}`]: value })).to.deep.equal([]) // accepted, and logged
  })

  it('has the keys of the groups of topics that it names, the default first', () => {
    const partial = { 'topic.creation.groups': 'g', 'topic.creation.g.include': '(' }
    expect(pathsOf(partial)).to.deep.equal([
      'topic.creation.default.partitions',
      'topic.creation.default.replication.factor',
      'topic.creation.g.include',
    ])
    const whole = {
      ...{ name: 'a', ...CONFIG, ...partial, 'topic.creation.g.include': 'x.*' },
      'topic.creation.default.partitions': '1',
      'topic.creation.default.replication.factor': '-1',
    }
    const { keys, problems } = checkConnectorConfig(whole)
    expect(problems).to.deep.equal([])
    expect(unknownKeys(whole, keys)).to.deep.equal([])
  })

  it('may not write to the topics of the workers, nor keep its offsets in one of another kind', () => {
    const raw = new Map([
      ['group.id', 'connect-a'],
      ['config.storage.topic', 'configs'],
      ['offset.storage.topic', 'offsets'],
      ['status.storage.topic', 'statuses'],
    ])
    const { settings } = readSettings(raw)
    const found = (more: Record<string, string>) =>
      clusterProblems({ name: 'a', ...CONFIG, ...more }, settings).map(({ path }) => path)
    expect(found({}), 'a source has no group').to.deep.equal([])
    expect(found({ topic: 'offsets' })).to.deep.equal(['topic'])
    expect(found({ 'offsets.storage.topic': 'configs' })).to.deep.equal(['offsets.storage.topic'])
    expect(found({ 'offsets.storage.topic': 'offsets' })).to.deep.equal([])
  })

  it('may require exactly once where the worker has that, and the source says that it delivers so', () => {
    const found = (support: string, more: Record<string, string>) => {
      const raw = new Map([
        ...['group.id', 'config.storage.topic', 'offset.storage.topic', 'status.storage.topic'].map(
          (key) => [key, key] as const,
        ),
        ['exactly.once.source.support', support],
      ])
      return clusterProblems({ name: 'a', ...CONFIG, ...more }, readSettings(raw).settings)
    }
    const required = { 'exactly.once.support': 'REQUIRED' }
    for (const support of ['disabled', 'preparing'])
      expect(found(support, required)).to.deep.equal([
        {
          path: 'exactly.once.support',
          message: 'This worker does not have exactly-once source support enabled.',
        },
      ])
    expect(found('disabled', { 'exactly.once.support': 'requested' })).to.deep.equal([])
    expect(found('Enabled', required)).to.deep.equal([])
    const [standardInput] = found('enabled', { ...required, file: undefined as never })
    expect(standardInput?.message).to.contain('does not support exactly-once semantics')
    const [boundary] = found('enabled', { 'transaction.boundary': 'connector' })
    expect(boundary?.message).to.contain('does not support connector-defined transaction boundaries')
    expect(found('enabled', { 'transaction.boundary': 'interval' })).to.deep.equal([])
  })
})

describe('the tasks of a source', () => {
  it('are what its plugin says in a task host, and join no group', async () => {
    const worker = await memoryWorker()
    await worker.herder.create('a', CONFIG)
    const host = await eventually(() => worker.hosts.find((each) => each.heard('start').length > 0))
    expect(host.heard('start')[0]?.config).to.include({ 'task.class': 'FileStreamSourceTask', name: 'a' })
    await eventually(() => worker.herder.views.status('a').tasks[0]?.state === 'RUNNING')
    expect(worker.herder.views.info('a')).to.include({ type: 'source' })
    expect([...worker.members.keys()]).to.deep.equal(['workers'])
    await worker.stop()
  })

  it('are their host’s as long as the worker is heard of by its group, and lost with it', async () => {
    const worker = await memoryWorker()
    const [member] = worker.members.get('workers') ?? []
    if (member === undefined) throw new Error('no member')
    member.heldUntil = performance.now() + 7000
    await worker.herder.create('a', CONFIG)
    const host = await eventually(() => worker.hosts.find((each) => each.heard('start').length > 0))
    await eventually(() => worker.herder.views.status('a').tasks[0]?.state === 'RUNNING')
    const left = (host.leases.at(-1) ?? 0) - monotonicMs()
    expect(left).to.be.within(0, 7001)
    const told = host.leases.length
    await eventually(() => host.leases.length > told)
    member.options.onLost('fenced')
    await eventually(() => host.heard('stop').length > 0)
    expect(host.sent.map(({ type }) => type).slice(-2)).to.deep.equal(['lost', 'stop'])
    await worker.stop()
  })

  it('fail their connector where the host that is asked does not answer', async () => {
    const { hosts, spawn } = fakeHosts()
    const options = { settings: HOST_SETTINGS, max: 1, deadline: 100, maxMemory: Infinity, log: SILENT }
    const all = new TaskHosts({ ...options, spawn })
    const asked = problem(all.configure({ name: 'a', ...CONFIG }))
    hosts[0]?.deaf.add('configure')
    expect(String(await asked)).to.contain('did not give its task configurations in 100 ms')
    await all.stop()
  })
})

describe('the offsets of a source over REST', () => {
  const stopped = async () => {
    const worker = await memoryWorker()
    worker.topics.write('offsets', KEY, '{"position":7}')
    worker.topics.write('offsets', '["ab",{"filename":"/tmp/f"}]', '{"position":9}')
    await worker.herder.create('a', CONFIG, 'STOPPED')
    return worker
  }

  it('are those of the offset topic', async () => {
    const worker = await stopped()
    const offsets = [{ partition: PARTITION, offset: { position: 7 } }]
    expect(await worker.herder.offsets.list('a')).to.deep.equal(offsets)
    expect(await problem(worker.herder.offsets.list('no'))).to.be.instanceOf(NotFoundError)
    await worker.stop()
  })

  it('are set under the key that they have, and removed by a tombstone', async () => {
    const worker = await stopped()
    const altered = await worker.herder.alterOffsets('a', [{ partition: PARTITION, offset: { position: 3 } }])
    expect(altered).to.equal('The offsets for this connector have been altered successfully')
    expect(worker.topics.records('offsets').at(-1)).to.deep.equal({ key: KEY, value: '{"position":3}' })
    await worker.herder.resetOffsets('a')
    expect(worker.topics.records('offsets').at(-1)).to.deep.equal({ key: KEY, value: null })
    expect(await worker.herder.offsets.list('a')).to.deep.equal([])
    await worker.stop()
  })

  it('are refused to a connector that runs, and where the plugin knows better', async () => {
    const worker = await stopped()
    const set = (offset: Record<string, unknown>) =>
      problem(worker.herder.alterOffsets('a', [{ partition: PARTITION, offset: offset as never }]))
    for (const wrong of [{}, { position: -1 }, { position: 'x' }])
      expect(await set(wrong)).to.be.instanceOf(RequestError)
    await worker.herder.resume('a')
    expect(String(await problem(worker.herder.resetOffsets('a')))).to.contain('STOPPED state')
    expect(worker.topics.records('offsets')).to.have.length(2)
    await worker.stop()
  })
})
