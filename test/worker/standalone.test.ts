import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, afterEach, before, describe, it } from 'mocha'
import { SILENT } from '../../src/api/log.ts'
import { ConfigStore } from '../../src/worker/stores/config-store.ts'
import { openMemoryLog } from '../../src/worker/stores/memory-log.ts'
import { OffsetFile } from '../../src/worker/stores/offset-file.ts'
import { filePlace } from '../../src/worker/stores/offset-places.ts'
import { StatusStore } from '../../src/worker/stores/status-store.ts'
import { readSettings } from '../../src/worker/settings/settings.ts'
import { assembleWorker, type RunningWorker } from '../../src/worker/assemble-worker.ts'
import { eventually } from '../support/eventually.ts'
import { type FakeHost, fakeHosts, LoneMember, MemoryGroups } from './memory-worker.ts'

const SOURCE = { 'connector.class': 'FileStreamSource', file: '/tmp/f', topic: 'out' }
const SINK = { 'connector.class': 'TopicSink', topics: 'in', 'target.topic': 'out' }
const KEY = '["lines",{"filename":"/tmp/f"}]'
const PARTITION = { filename: '/tmp/f' }
const TOPIC = { topic: 'memory', partitions: 1, replicationFactor: 1 }

describe('a standalone worker', () => {
  let folder: string
  let file: OffsetFile
  let hosts: FakeHost[]
  let worker: RunningWorker
  const groups: string[] = []

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'sluice-standalone-'))
    const offsetFile = path.join(folder, 'connect.offsets')
    const raw = { 'offset.storage.file.filename': offsetFile, 'task.shutdown.graceful.timeout.ms': '500' }
    const { settings } = readSettings(new Map(Object.entries(raw)), 'standalone')
    file = await OffsetFile.open(offsetFile, SILENT)
    const spawned = fakeHosts()
    hosts = spawned.hosts
    const assembled = assembleWorker({
      settings,
      advertised: { host: '127.0.0.1', port: 8083 },
      log: SILENT,
      spawn: spawned.spawn,
      groups: new MemoryGroups(),
      createMember: (member) => {
        groups.push(member.groupId)
        return new LoneMember(member)
      },
      stores: {
        configs: await ConfigStore.open(openMemoryLog, TOPIC, SILENT),
        statuses: await StatusStore.open(openMemoryLog, TOPIC, SILENT),
        clusterId: 'cluster',
        offsets: filePlace(file),
        offsetFile: file,
      },
      cluster: { metadata: () => Promise.resolve([]) },
      fence: () => Promise.resolve(),
    })
    await assembled.start()
    worker = assembled
  })
  afterEach(async () => {
    for (const name of worker.herder.views.names()) await worker.herder.remove(name)
    await worker.settled()
  })
  after(async () => {
    await worker.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const hasTask = (host: FakeHost, connector: string): boolean => {
    const changes = host.sent.filter(({ type }) => type === 'start' || type === 'stop')
    return (
      changes.findLast((message) => 'id' in message && message.id.connector === connector)?.type === 'start'
    )
  }
  const running = (name: string) =>
    eventually(() => {
      const { connector, tasks } = worker.herder.views.status(name)
      expect([connector.state, ...tasks.map(({ state }) => state)]).to.deep.equal(['RUNNING', 'RUNNING'])
      return tasks
    })

  it('runs what it is given at once, in no group of workers, and forgets what is deleted', async () => {
    expect(worker.inGroup()).to.equal(true)
    await worker.herder.create('lines', SOURCE)
    await worker.herder.create('copy', SINK)
    const [task] = await running('lines')
    expect(task?.worker_id).to.equal('127.0.0.1:8083')
    await running('copy')
    expect(groups, 'the sink alone is in a group').to.deep.equal(['connect-copy'])
    await worker.herder.remove('lines')
    await worker.settled()
    expect(worker.herder.views.names()).to.deep.equal(['copy'])
    expect(() => worker.herder.views.status('lines')).to.throw('No status found')
    expect(hosts.flatMap((host) => host.heard('stop')).map(({ id }) => id.connector)).to.deep.equal(['lines'])
  })

  it('has settled when a connector runs, or says why it does not', async () => {
    await worker.herder.create('lines', SOURCE)
    await worker.settled()
    expect(worker.herder.views.status('lines').connector.state).to.equal('RUNNING')
    await worker.herder.put('lines', { ...SOURCE, topic: 'other' })
    await worker.settled()
    expect(worker.herder.views.taskConfigs('lines')[0]?.config).to.include({ topic: 'other' })
    await worker.herder.create('paused', SOURCE, 'PAUSED')
    await worker.settled()
    expect(worker.herder.views.status('paused').connector.state).to.equal('PAUSED')
  })

  it('starts a failed task again by itself where its connector says so', async () => {
    await worker.herder.create('lines', {
      ...SOURCE,
      'tasks.restart.max': '1',
      'tasks.restart.backoff.ms': '5',
    })
    await running('lines')
    const host = hosts.find((each) => hasTask(each, 'lines'))
    const id = { connector: 'lines', task: 0 }
    const starts = () =>
      hosts.flatMap((each) => each.heard('start')).filter((start) => start.id.connector === 'lines').length
    const before = starts()
    host?.say({ type: 'state', id, state: 'FAILED', trace: 'the disk is full' })
    await eventually(() => starts() === before + 1)
    await running('lines')
  })

  it('gives its task hosts offsets, and takes theirs into its file before it says so', async () => {
    await file.write([{ key: KEY, value: '{"position":5}' }])
    await worker.herder.create('lines', SOURCE)
    await running('lines')
    const id = { connector: 'lines', task: 0 }
    const host = hosts.find((each) => hasTask(each, 'lines'))
    host?.say({ type: 'readOffsets', id, call: 1 })
    host?.say({ type: 'writeOffsets', id, call: 2, offsets: [{ key: KEY, value: '{"position":6}' }] })
    await eventually(() => host?.heard('offsets').length === 2)
    expect(host?.heard('offsets')).to.deep.equal([
      { type: 'offsets', call: 1, offsets: [{ key: KEY, value: '{"position":5}' }] },
      { type: 'offsets', call: 2, offsets: [] },
    ])
    expect(file.records('lines')).to.deep.equal([{ key: KEY, value: '{"position":6}' }])
  })

  it('shows the offsets of its file, sets and removes them, as a cluster does', async () => {
    await file.write([{ key: KEY, value: '{"position":5}' }])
    await worker.herder.create('lines', { ...SOURCE, 'offsets.storage.topic': 'elsewhere' }, 'STOPPED')
    await worker.settled()
    expect(await worker.herder.offsets.list('lines')).to.deep.equal([
      { partition: PARTITION, offset: { position: 5 } },
    ])
    await worker.herder.alterOffsets('lines', [{ partition: PARTITION, offset: { position: 7 } }])
    expect(file.records('lines')).to.deep.equal([{ key: KEY, value: '{"position":7}' }])
    await worker.herder.resetOffsets('lines')
    expect(file.records('lines')).to.deep.equal([])
    expect(await worker.herder.offsets.list('lines')).to.deep.equal([])
  })

  it('tells its task hosts that no topic has the offsets', async () => {
    await worker.herder.create('lines', SOURCE)
    await running('lines')
    const settings = hosts.flatMap((host) => host.heard('settings')).map((message) => message.settings)
    expect(settings).not.to.have.length(0)
    for (const each of settings) expect(each).to.deep.include({ offsetTopic: null, workerTopics: [] })
  })
})
