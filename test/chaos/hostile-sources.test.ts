import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { type ChaosWorker, startChaosWorker } from '../support/chaos-worker.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import { call, type ConnectorStatus, untilTasks } from '../support/sluice-dev.ts'
import { readTopic } from '../support/topics.ts'

const DEADLINE = 1_500

describe('a source that misbehaves', function () {
  this.timeout(120_000)
  let worker: ChaosWorker
  const names = new Map<string, string>()

  /** All at once: most of the time they wait for a deadline. */
  before(async () => {
    worker = await startChaosWorker(DEADLINE)
    for (const deed of ['loop', 'wait', 'throw', 'undated', 'homeless', 'configure', 'good', 'lost']) {
      const name = uniqueName(deed)
      names.set(deed, name)
      await worker.create(name, {
        ...{ 'connector.class': 'HostileSource', deed, topic: name },
        ...(deed === 'lost'
          ? {}
          : {
              'topic.creation.default.partitions': '1',
              'topic.creation.default.replication.factor': '1',
            }),
      })
    }
  })

  after(() => worker.stop())

  const nameOf = (deed: string): string => names.get(deed) ?? ''

  async function traceOf(deed: string): Promise<string> {
    const { tasks } = await untilTasks(worker.rest, nameOf(deed), 'FAILED')
    return tasks[0]?.trace ?? ''
  }

  it('fails alone where its poll does not give the process back', async () => {
    expect(await traceOf('loop'))
      .to.contain('poll of task')
      .and.contain('task.deadline.ms')
    await worker.expectCalm()
  })

  it('runs on while its poll waits, and is deleted all the same', async () => {
    await untilTasks(worker.rest, nameOf('wait'), 'RUNNING')
    expect((await call(worker.rest, 'DELETE', `/connectors/${nameOf('wait')}`)).status).to.equal(204)
    await eventually(async () => {
      const { status } = await call(worker.rest, 'GET', `/connectors/${nameOf('wait')}/status`)
      return status === 404
    })
  })

  it('says what its poll threw, and what is wrong with a record, with connector and task', async () => {
    expect(await traceOf('throw')).to.contain(`Connector ${nameOf('throw')}, task 0: poll threw: a bug`)
    expect(await traceOf('undated')).to.contain(
      `Connector ${nameOf('undated')}, task 0: the source offset of a record of {"part":1} has an instance of Date as "at"`,
    )
    expect(await traceOf('homeless'))
      .to.contain('{"part":1} at {"n":0}')
      .and.contain('has no topic')
  })

  it('says that its topic does not exist where nobody may create it', async () => {
    expect(await traceOf('lost')).to.contain(`Topic ${nameOf('lost')} does not exist`)
  })

  it('fails its connector where it does not say what its tasks are', async () => {
    const { connector } = await eventually(
      async () => {
        const { body } = await call(worker.rest, 'GET', `/connectors/${nameOf('configure')}/status`)
        const found = body as ConnectorStatus
        return found.connector.state === 'FAILED' ? found : undefined
      },
      { timeoutMs: 60_000 },
    )
    expect(connector.trace).to.contain('did not give its task configurations')
  })

  it('hurts no other source', async () => {
    await eventually(
      async () => {
        const values = (await readTopic(worker.bootstrapServers, nameOf('good'))).map(({ value }) =>
          String(value),
        )
        expect(new Set(values)).to.deep.equal(new Set(['0', '1', '2']))
        return true
      },
      { timeoutMs: 60_000 },
    )
  })
})
