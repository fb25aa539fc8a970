import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import type { SuspectRows } from '../../src/runtime/host/protocol.ts'
import { eventually } from '../support/eventually.ts'
import { memoryWorker, type MemoryWorker } from './memory-worker.ts'

const QUICK = { everyMs: 2, timeoutMs: 5_000 }
const CONFIG = { 'connector.class': 'TopicSink', topics: 'in', 'target.topic': 'out' }
const ID = { connector: 'a', task: 0 }
const ROWS = { topic: 'in', partition: 2, first: 5n, last: 9n }

describe('a connector whose records killed a task host', () => {
  let worker: MemoryWorker

  /** What the task was told with its partitions, each time. */
  const told = (): (readonly SuspectRows[])[] =>
    worker.hosts.flatMap((host) => host.heard('assign').map(({ suspects }) => suspects))

  beforeEach(async () => {
    worker = await memoryWorker()
    await worker.herder.create('a', CONFIG)
    await eventually(() => told().length === 1, QUICK)
    const host = worker.hosts.at(-1)
    host?.say({ type: 'at', id: ID, stage: 'put', rows: ROWS })
    host?.exit({ code: null, signal: 'SIGABRT' })
    await eventually(() => told().length === 2, QUICK)
  })

  afterEach(() => worker.stop())

  it('is watched at these records from then on', () => {
    expect(told()).to.deep.equal([[], [{ ...ROWS, apart: false, poison: null }]])
  })

  it('begins anew when its task is restarted by a request', async () => {
    await worker.herder.restartTask('a', 0)
    await eventually(() => told().length === 3, QUICK)
    expect(told()[2]).to.deep.equal([])
  })

  it('begins anew when its configuration changes', async () => {
    await worker.herder.put('a', { ...CONFIG, 'errors.tolerance': 'all' })
    await eventually(() => told().length === 3, QUICK)
    expect(told()[2]).to.deep.equal([])
  })

  it('begins anew when it was deleted and another has its name', async () => {
    await worker.herder.remove('a')
    await eventually(() => worker.hosts.at(-1)?.heard('stop').length === 1, QUICK)
    await worker.herder.create('a', CONFIG)
    await eventually(() => told().length === 3, QUICK)
    expect(told()[2]).to.deep.equal([])
  })
})
