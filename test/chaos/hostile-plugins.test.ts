import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { type ChaosWorker, startChaosWorker } from '../support/chaos-worker.ts'
import { uniqueName } from '../support/eventually.ts'
import { type ConnectorStatus, untilTasks } from '../support/sluice-dev.ts'
import { fillTopic } from '../support/topics.ts'

describe('a transform that hurts its process', function () {
  this.timeout(120_000)
  let worker: ChaosWorker

  before(async () => {
    worker = await startChaosWorker(2_000)
  })

  after(() => worker.stop())

  /** Runs a connector whose only record asks for a deed, until its task has failed. */
  async function untilFailed(deed: string): Promise<ConnectorStatus> {
    const source = uniqueName(deed)
    await fillTopic(worker.bootstrapServers, source, 1, [{ key: 'k', value: Buffer.from(deed) }])
    const transform = { transforms: 'wild', 'transforms.wild.type': 'Hostile$Value' }
    await worker.create(deed, { topics: source, 'target.topic': uniqueName('out'), ...transform })
    return untilTasks(worker.rest, deed, 'FAILED')
  }

  it('by not returning: its host is killed at the deadline, the worker answers, other tasks go on', async () => {
    const { tasks } = await untilFailed('loop')
    expect(tasks[0]?.trace).to.contain('transforms.wild').and.to.contain('task.deadline.ms')
    await worker.expectCalm()
  })

  it('by taking all memory: it alone fails, and its trace names the record', async () => {
    const { tasks } = await untilFailed('eat')
    expect(tasks[0]?.trace).to.contain('record.poison').and.to.contain('transforms.wild')
    await worker.expectCalm()
  })

  it('by a promise that nobody waits for: it alone fails', async () => {
    const { tasks } = await untilFailed('leave')
    expect(tasks[0]?.trace).to.contain('task host')
    await worker.expectCalm()
  })

  it('fails at once, with its name, where it throws', async () => {
    const { tasks } = await untilFailed('throw')
    expect(tasks[0]?.trace).to.contain('wild (Hostile)').and.to.contain('a bug in a transform')
    await worker.expectCalm()
  })
})
