import { expect } from 'chai'
import { describe, it } from 'mocha'
import { SILENT } from '../../src/api/log.ts'
import type { ConfigChange } from '../../src/worker/stores/config-state.ts'
import { ConfigStore } from '../../src/worker/stores/config-store.ts'
import { StatusStore } from '../../src/worker/stores/status-store.ts'
import { ElsewhereError, type Place } from '../../src/worker/cluster/place.ts'
import { rejection } from '../support/rejection.ts'
import { MemoryTopics } from './memory-log.ts'

const CONFIG = { topic: 'configs', partitions: 1, replicationFactor: 1 }
const STATUS = { topic: 'status', partitions: 5, replicationFactor: 1 }

describe('the config store', () => {
  it('ignores connectors that no request could address, and says so once', async () => {
    const topics = new MemoryTopics()
    const warnings: unknown[] = []
    const log = { ...SILENT, warn: (_: string, fields?: object) => warnings.push(fields) }
    const store = await ConfigStore.open(topics.open, CONFIG, log)
    for (const name of ['', '.', '..', 'a/b', 'a\n', 'a/b', 'fine'])
      topics.write('configs', `connector-${name}`, '{"properties":{}}')
    expect(store.names()).to.deep.equal(['fine'])
    expect(warnings).to.have.length(5)
  })

  it('writes Kafka Connect’s keys and JSON', async () => {
    const topics = new MemoryTopics()
    const store = await ConfigStore.open(topics.open, CONFIG, SILENT)
    await store.putConnector('a-b', { name: 'a-b' }, 'STOPPED')
    await store.putTasks('a-b', [{ x: '1' }, { x: '2' }])
    await store.putRestart('a-b', true, false)
    await store.removeConnector('a-b')
    expect(topics.records('configs').map(({ key, value }) => `${key} ${String(value)}`)).to.deep.equal([
      'target-state-a-b {"state":"PAUSED","state.v2":"STOPPED"}',
      'connector-a-b {"properties":{"name":"a-b"}}',
      'task-a-b-0 {"properties":{"x":"1"}}',
      'task-a-b-1 {"properties":{"x":"2"}}',
      'commit-a-b {"tasks":2}',
      'restart-connector-a-b {"include-tasks":true,"only-failed":false}',
      'connector-a-b null',
      'target-state-a-b null',
    ])
  })

  it('writes only as long as its worker leads, and tells the topic until when', async () => {
    const topics = new MemoryTopics()
    const untils: (number | undefined)[] = []
    const open: typeof topics.open = async (topic, onRecord) => {
      const log = await topics.open(topic, onRecord)
      return { ...log, append: (...record) => (untils.push(record[2]), log.append(...record)) }
    }
    const store = await ConfigStore.open(open, CONFIG, SILENT)
    const place = { leads: true, heldUntil: 77, leaderUrl: 'http://other/' }
    store.writtenBy(place as Place)
    await store.putConnector('a', {})
    const written = topics.records('configs').length
    place.leads = false
    for (const write of [
      () => store.putConnector('a', {}),
      () => store.removeConnector('a'),
      () => store.putTasks('a', [{}]),
      () => store.putTarget('a', 'STOPPED'),
      () => store.putRestart('a', true, true),
      () => store.putTaskCount('a', 1),
      () => store.putSessionKey({ key: Buffer.alloc(32), algorithm: 'HmacSHA256', createdAt: 0 }),
    ])
      expect(await rejection(write()))
        .to.be.instanceOf(ElsewhereError)
        .with.property('url', 'http://other/')
    expect(topics.records('configs')).to.have.lengthOf(written)
    expect(untils).to.deep.equal([77])
  })

  it('takes session keys and task counts, and nothing that is none', async () => {
    const topics = new MemoryTopics()
    const store = await ConfigStore.open(topics.open, CONFIG, SILENT)
    const key = { key: Buffer.from('a key'), algorithm: 'HmacSHA256', createdAt: 1_700_000_000_000 }
    await store.putSessionKey(key)
    await store.putConnector('a', {})
    await store.putTasks('a', [{}])
    expect([store.taskCount('a'), store.isUnfenced('a')]).to.deep.equal([undefined, true])
    await store.putTaskCount('a', 1)
    for (const value of [null, 'x', '[]', '{}', '{"key":1}', '{"key":"","algorithm":"x"}']) {
      topics.write('configs', 'session-key', value)
      topics.write('configs', 'session-key-2', value)
      topics.write('configs', 'tasks-fencing-a', value)
    }
    topics.write('configs', 'session-key-2', '{"key":"","algorithm":"x","creation-timestamp":1}')
    expect(store.sessionKey).to.deep.equal(key)
    expect([store.taskCount('a'), store.isUnfenced('a')]).to.deep.equal([1, false])
    await store.putTasks('a', [{}])
    expect([store.taskCount('a'), store.isUnfenced('a')]).to.deep.equal([1, true])
  })

  it('takes task configs at their commit and not before', async () => {
    const topics = new MemoryTopics()
    const store = await ConfigStore.open(topics.open, CONFIG, SILENT)
    topics.write('configs', 'connector-a', '{"properties":{"name":"a"}}')
    topics.write('configs', 'task-a-0', '{"properties":{"n":"0"}}')
    expect(store.get('a')?.tasks).to.deep.equal([])
    topics.write('configs', 'commit-a', '{"tasks":1}')
    expect(store.get('a')?.tasks).to.deep.equal([{ n: '0' }])
    topics.write('configs', 'task-a-0', '{"properties":{"n":"1"}}')
    expect(store.get('a')?.tasks).to.deep.equal([{ n: '0' }])
    expect(store.offset).to.equal(4n)
  })

  it('runs no half of a set that compaction has cut', async () => {
    const topics = new MemoryTopics()
    topics.write('configs', 'connector-a', '{"properties":{}}')
    topics.write('configs', 'task-a-1', '{"properties":{}}')
    topics.write('configs', 'commit-a', '{"tasks":2}')
    const store = await ConfigStore.open(topics.open, CONFIG, SILENT)
    expect(store.get('a')?.tasks).to.deep.equal([])
  })

  it('gives a new connector none of the tasks of a deleted one', async () => {
    const topics = new MemoryTopics()
    topics.write('configs', 'task-a-0', '{"properties":{}}')
    topics.write('configs', 'commit-a', '{"tasks":1}')
    topics.write('configs', 'connector-a', '{"properties":{}}')
    const store = await ConfigStore.open(topics.open, CONFIG, SILENT)
    expect(store.get('a')?.tasks).to.deep.equal([])
  })

  it('skips what it does not know or cannot read', async () => {
    const topics = new MemoryTopics()
    topics.write('configs', 'session-key', '{"key":"x"}')
    topics.write('configs', 'connector-a', 'not json')
    topics.write('configs', 'connector-b', '{"properties":{"n":1,"gone":null}}')
    topics.write('configs', 'target-state-b', '{"state":"NONSENSE"}')
    topics.write('configs', 'target-state-b', '{"state":"PAUSED"}')
    const store = await ConfigStore.open(topics.open, CONFIG, SILENT)
    expect(store.names()).to.deep.equal(['b'])
    expect(store.get('b')).to.deep.equal({ config: { n: '1' }, target: 'PAUSED', tasks: [] })
  })

  it('tells of changes after the start alone', async () => {
    const topics = new MemoryTopics()
    topics.write('configs', 'restart-connector-a', '{"include-tasks":true,"only-failed":true}')
    const changes: ConfigChange[] = []
    const store = await ConfigStore.open(topics.open, CONFIG, SILENT)
    store.follow((change) => changes.push(change))
    topics.write('configs', 'restart-connector-a', '{"include-tasks":true,"only-failed":true}')
    expect(changes).to.deep.equal([{ type: 'restart', connector: 'a', includeTasks: true, onlyFailed: true }])
  })
})

describe('the status store', () => {
  it('writes Kafka Connect’s keys and JSON and reads them back', async () => {
    const topics = new MemoryTopics()
    const store = await StatusStore.open(topics.open, STATUS, SILENT)
    const status = {
      state: 'RUNNING',
      trace: null,
      reason: null,
      workerId: 'h:1',
      generation: 7,
      version: '1',
    } as const
    await store.putConnector('a-1', status)
    await store.putTask('a-1', 10, { ...status, version: null })
    await store.putTask('a-1', 2, { ...status, reason: 'waiting for a topic' })
    expect(topics.records('status')).to.deep.equal([
      {
        key: 'status-connector-a-1',
        value: '{"state":"RUNNING","trace":null,"worker_id":"h:1","generation":7,"version":"1"}',
      },
      {
        key: 'status-task-a-1-10',
        value: '{"state":"RUNNING","trace":null,"worker_id":"h:1","generation":7}',
      },
      {
        key: 'status-task-a-1-2',
        value:
          '{"state":"RUNNING","trace":null,"worker_id":"h:1","generation":7,"version":"1","reason":"waiting for a topic"}',
      },
    ])
    expect(store.task('a-1', 2)?.reason).to.equal('waiting for a topic')
    expect(store.connector('a-1')).to.deep.equal(status)
    expect(store.tasks('a-1').map(([n]) => n)).to.deep.equal([2, 10])
  })

  it('forgets what was removed and skips what it does not know', async () => {
    const topics = new MemoryTopics()
    const store = await StatusStore.open(topics.open, STATUS, SILENT)
    topics.write('status', 'status-topic-t:connector-a', '{"topic":{}}')
    topics.write(
      'status',
      'status-connector-a',
      '{"state":"FAILED","trace":"t","worker_id":"w","generation":1}',
    )
    topics.write('status', 'status-task-a-0', '{"state":"RUNNING","worker_id":"w","generation":1}')
    topics.write('status', 'status-connector-a', '{"state":"BOGUS"}')
    expect(store.connector('a')?.trace).to.equal('t')
    await store.putConnector('a', null)
    await store.putTask('a', 0, null)
    expect(store.connectors()).to.deep.equal([])
  })
})
