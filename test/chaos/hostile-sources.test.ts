import { appendFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { type ChaosWorker, startChaosWorker } from '../support/chaos-worker.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import { call, type ConnectorStatus, untilTasks } from '../support/sluice-dev.ts'
import { readTopic } from '../support/topics.ts'

const DEADLINE = 3_000

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

  describe('in its monitor', () => {
    const tables = () => path.join(worker.models, 'tables.txt')
    const stateOf = async (name: string) => {
      const { body } = await call(worker.rest, 'GET', `/connectors/${name}/status`)
      return body as ConnectorStatus
    }

    before(async () => {
      await writeFile(tables(), 'one\n')
      for (const deed of ['', 'throw', 'loop', 'wait'])
        await worker.create(`tables-${deed}`, {
          'connector.class': 'TablesSource',
          tables: tables(),
          deed,
          'tasks.max': '4',
        })
    })

    it('has a task more where it finds a table more', async () => {
      await untilTasks(worker.rest, 'tables-', 'RUNNING')
      await appendFile(tables(), 'two\n')
      await eventually(async () => (await stateOf('tables-')).tasks.length === 2, { timeoutMs: 60_000 })
      const { body } = await call(worker.rest, 'GET', '/connectors/tables-/tasks')
      const configs = (body as { config: { table: string } }[]).map(({ config }) => config.table)
      expect(configs).to.deep.equal(['one', 'two'])
      await untilTasks(worker.rest, 'tables-', 'RUNNING')
    })

    it('fails its connector where that throws or blocks its process, and its tasks run on', async () => {
      for (const [deed, reason] of [
        ['throw', 'the monitor of TablesSource threw: a bug in a monitor'],
        ['loop', 'task.deadline.ms'],
      ] as const) {
        const { connector } = await eventually(
          async () => {
            const status = await stateOf(`tables-${deed}`)
            return status.connector.state === 'FAILED' ? status : undefined
          },
          { timeoutMs: 60_000 },
        )
        expect(connector.trace).to.contain(reason)
        await untilTasks(worker.rest, `tables-${deed}`, 'RUNNING')
      }
    })

    it('is deleted although that never returns', async () => {
      await untilTasks(worker.rest, 'tables-wait', 'RUNNING')
      expect((await call(worker.rest, 'DELETE', '/connectors/tables-wait')).status).to.equal(204)
      await eventually(
        async () => (await call(worker.rest, 'GET', '/connectors/tables-wait/status')).status === 404,
      )
    })
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
