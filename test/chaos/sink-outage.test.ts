import { TaskMetrics } from '../../src/runtime/host/task-metrics.ts'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type Broker, startBroker } from '../../src/dev/broker.ts'
import { type Models, ModelError, SILENT } from '../../src/index.ts'
import { openTask, type OpenTask } from '../../src/runtime/host/open-task.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import { hostSettings } from '../support/host-settings.ts'
import { freePort } from '../support/kafka.ts'
import { countRecords, fillTopic, readTopic } from '../support/topics.ts'

const NO_MODELS: Models = { load: () => Promise.reject(new ModelError('model.missing', 'none')) }
/** So large that they come in several fetches. */
const VALUE = Buffer.alloc(100_000, 'v')
const RECORDS = 60

const block = (ms: number) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

describe('a sink task whose broker is killed and comes back', function () {
  this.timeout(120_000)
  let dataDir: string
  let port: number
  let broker: Broker
  let opened: OpenTask

  before(async () => {
    dataDir = await mkdtemp(path.join(tmpdir(), 'sluice-outage-'))
    port = await freePort()
    broker = await startBroker({ port, dataDir, log: SILENT })
  })
  after(async () => {
    await opened.task.stop()
    await opened.close()
    broker.kill()
    await broker.exited
    await rm(dataDir, { recursive: true, force: true })
  })

  it('goes on by itself, whatever batch it was working on, and loses nothing', async () => {
    const failures: unknown[] = []
    let puts = 0
    const at = (stage: string): undefined => {
      if (stage !== 'encode' || ++puts !== 2) return
      block(100) // the next fetch is answered
      broker.kill()
      block(100) // and what is made of both meets a dead broker
    }
    const membership = {
      groupId: uniqueName('group'),
      memberId: '',
      generation: -1,
      partitions: [{ topic: 'in', partitions: [0] }],
    }
    const records = Array.from({ length: RECORDS }, (_, i) => ({ key: String(i), value: VALUE }))
    for (let i = 0; i < RECORDS; i += 6)
      await fillTopic(broker.bootstrapServers, 'in', 1, records.slice(i, i + 6))
    opened = await openTask({
      id: { connector: 'copy', task: 0 },
      config: {
        name: 'copy',
        'connector.class': 'TopicSink',
        topics: 'in',
        'target.topic': 'out',
        'errors.deadletterqueue.topic.name': 'dead',
      },
      paused: false,
      stopping: new AbortController(),
      settings: hostSettings({ bootstrapServers: [broker.bootstrapServers], offsetFlushIntervalMs: 20 }),
      models: NO_MODELS,
      log: SILENT,
      events: {
        at,
        failed: (error) => void failures.push(error),
        cleared: () => undefined,
        fenced: () => void opened.task.revoke().then(() => opened.task.assign(membership)), // as the worker does
        metrics: new TaskMetrics(),
      },
    })
    await opened.task.assign(membership)
    await broker.exited
    broker = await eventually(() => startBroker({ port, dataDir, log: SILENT }), { timeoutMs: 30_000 })
    await eventually(
      async () => {
        expect(failures).to.deep.equal([])
        return (await countRecords(broker.bootstrapServers, 'out')) >= RECORDS
      },
      { timeoutMs: 30_000, everyMs: 200 },
    )
    const keys = (await readTopic(broker.bootstrapServers, 'out')).map(({ key }) => Number(key))
    expect(new Set(keys).size).to.equal(RECORDS)
    expect(failures).to.deep.equal([])
  })
})
