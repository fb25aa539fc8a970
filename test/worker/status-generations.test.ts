import { expect } from 'chai'
import { beforeEach, describe, it } from 'mocha'
import { SILENT } from '../../src/api/log.ts'
import { type State, type Status, StatusStore } from '../../src/worker/stores/status-store.ts'
import { MemoryTopics } from './memory-log.ts'

const TOPIC = { topic: 'status', partitions: 5, replicationFactor: 1 }
const KEY = 'status-task-a-0'

function json(state: State, workerId: string, generation: number): string {
  return JSON.stringify({ state, trace: null, worker_id: workerId, generation })
}

function status(state: State, workerId: string, generation: number): Status {
  return { state, trace: null, reason: null, workerId, generation, version: null }
}

describe('statuses of workers that take over from each other', () => {
  let topics: MemoryTopics
  const open = () => StatusStore.open(topics.open, TOPIC, SILENT)
  const shown = (store: StatusStore): string => {
    const { state, workerId, generation } = store.task('a', 0) ?? status('STOPPED', 'nobody', -1)
    return `${state} ${workerId} ${generation}`
  }

  beforeEach(() => {
    topics = new MemoryTopics()
  })

  for (const late of ['UNASSIGNED', 'FAILED', 'RUNNING', 'PAUSED'] as const) {
    it(`a late ${late} of an older generation does not hide what runs now`, async () => {
      const store = await open()
      store.joined({ generation: 8, workerId: 'watcher' })
      topics.write('status', KEY, json('RUNNING', 'new', 8))
      topics.write('status', KEY, json(late, 'old', 7))
      expect(shown(store)).to.equal('RUNNING new 8')
      topics.write('status', KEY, json(late, 'old', 9))
      expect(shown(store)).to.equal(`${late} old 9`)
    })
  }

  it('what was said in the generation that a worker joins counts', async () => {
    topics.write('status', KEY, json('RUNNING', 'new', 8))
    const store = await open()
    store.joined({ generation: 8, workerId: 'watcher' })
    topics.write('status', KEY, json('FAILED', 'old', 7))
    expect(shown(store)).to.equal('RUNNING new 8')
  })

  it('of one worker the last one counts, whatever its generation', async () => {
    const store = await open()
    store.joined({ generation: 8, workerId: 'watcher' })
    topics.write('status', KEY, json('RUNNING', 'new', 8))
    topics.write('status', KEY, json('UNASSIGNED', 'new', 7))
    expect(shown(store)).to.equal('UNASSIGNED new 7')
  })

  it('within one generation nobody who is done with a task hides who runs it', async () => {
    const store = await open()
    store.joined({ generation: 8, workerId: 'watcher' })
    topics.write('status', KEY, json('RUNNING', 'new', 8))
    topics.write('status', KEY, json('UNASSIGNED', 'old', 8))
    expect(shown(store)).to.equal('RUNNING new 8')
    topics.write('status', KEY, json('FAILED', 'old', 8))
    topics.write('status', KEY, json('UNASSIGNED', 'new', 8))
    expect(shown(store)).to.equal('UNASSIGNED new 8')
  })

  it('a connector’s own is held to the same', async () => {
    const store = await open()
    store.joined({ generation: 8, workerId: 'watcher' })
    topics.write('status', 'status-connector-a', json('RUNNING', 'new', 8))
    topics.write('status', 'status-connector-a', json('UNASSIGNED', 'old', 7))
    expect(store.connector('a')?.workerId).to.equal('new')
  })

  it('a worker writes its status again after a late one of another', async () => {
    const store = await open()
    store.joined({ generation: 8, workerId: 'new' })
    await store.putTask('a', 0, status('RUNNING', 'new', 8))
    topics.write('status', KEY, json('FAILED', 'old', 7))
    await new Promise(setImmediate)
    await new Promise(setImmediate)
    expect(topics.records('status').at(-1)).to.deep.equal({ key: KEY, value: json('RUNNING', 'new', 8) })
    expect(topics.records('status')).to.have.lengthOf(3)
    expect(shown(await open())).to.equal('RUNNING new 8')
  })

  it('those who look on write nothing', async () => {
    const store = await open()
    store.joined({ generation: 8, workerId: 'watcher' })
    topics.write('status', KEY, json('RUNNING', 'new', 8))
    topics.write('status', KEY, json('FAILED', 'old', 7))
    await new Promise(setImmediate)
    await new Promise(setImmediate)
    expect(topics.records('status')).to.have.lengthOf(2)
  })

  for (const farewell of ['UNASSIGNED', 'FAILED'] as const) {
    it(`a worker does not write ${farewell} of an older generation over what another has said`, async () => {
      const store = await open()
      store.joined({ generation: 7, workerId: 'old' })
      topics.write('status', KEY, json('RUNNING', 'new', 8))
      await store.putTask('a', 0, status(farewell, 'old', 7))
      expect(topics.records('status')).to.have.lengthOf(1)
      await store.putTask('a', 0, status(farewell, 'old', 8))
      expect(topics.records('status')).to.have.lengthOf(2)
    })
  }

  it('what a worker starts it says in any case, as Kafka Connect does', async () => {
    const store = await open()
    topics.write('status', KEY, json('RUNNING', 'new', 8))
    await store.putTask('a', 0, status('RUNNING', 'old', 7))
    expect(topics.records('status')).to.have.lengthOf(2)
  })

  it('a group that began anew counts from 1: its statuses take the place of those before', async () => {
    topics.write('status', KEY, json('RUNNING', 'before', 50))
    topics.write('status', 'status-connector-a', json('RUNNING', 'before', 50))
    const store = await open()
    store.joined({ generation: 1, workerId: 'now' })
    topics.write('status', 'status-connector-a', json('FAILED', 'now', 1))
    expect(store.connector('a')?.workerId).to.equal('now')
    expect(shown(store)).to.equal('RUNNING before 50')
    await store.putTask('a', 0, status('FAILED', 'now', 1))
    expect(shown(store)).to.equal('FAILED now 1')
    store.joined({ generation: 60, workerId: 'now' })
    topics.write('status', KEY, json('UNASSIGNED', 'before', 50))
    expect(shown(store)).to.equal('UNASSIGNED before 50')
  })

  it('of what was there before a worker had its place the last one counts, but for a late UNASSIGNED', async () => {
    topics.write('status', KEY, json('RUNNING', 'before', 50))
    topics.write('status', KEY, json('FAILED', 'now', 3))
    const store = await open()
    store.joined({ generation: 60, workerId: 'watcher' })
    expect(shown(store)).to.equal('FAILED now 3')
    topics.write('status', 'status-task-a-1', json('RUNNING', 'new', 8))
    topics.write('status', 'status-task-a-1', json('UNASSIGNED', 'old', 7))
    expect((await open()).task('a', 1)?.workerId).to.equal('new')
  })

  it('a tombstone removes whatever was there', async () => {
    const store = await open()
    store.joined({ generation: 8, workerId: 'watcher' })
    topics.write('status', KEY, json('RUNNING', 'new', 8))
    topics.write('status', KEY, null)
    topics.write('status', KEY, json('RUNNING', 'old', 2))
    expect(shown(store)).to.equal('RUNNING old 2')
  })
})
