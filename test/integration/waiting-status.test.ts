import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { RegistryStandIn } from '../converters/support.ts'
import { avscType, record, withHeader } from '../converters/avro/support.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import {
  call,
  type ConnectorStatus,
  type SluiceDev,
  startSluiceDev,
  untilTasks,
} from '../support/sluice-dev.ts'
import { countRecords, fillTopic } from '../support/topics.ts'

const SCHEMA = record({ n: 'int' })
const DEADLINE = 1000

describe('a connector that waits', function () {
  this.timeout(120_000)
  let sluice: SluiceDev
  let registry: RegistryStandIn
  const [name, source, target] = ['c', 'in', 'out'].map(uniqueName) as [string, string, string]

  before(async () => {
    registry = await RegistryStandIn.start()
    registry.add(SCHEMA)
    sluice = await startSluiceDev({ CONNECT_TASK_DEADLINE_MS: String(DEADLINE) })
  })
  after(async () => {
    await sluice.stop()
    await registry.stop()
  })

  /** Until the connector and its task say so while they run, with the same task in the same host. */
  async function untilReason(reason: RegExp): Promise<void> {
    const { connector, tasks } = await eventually(
      async () => {
        const { body } = await call(sluice.rest, 'GET', `/connectors/${name}/status`)
        const status = body as ConnectorStatus
        if (status.tasks.length === 1 && reason.test(status.tasks[0]?.reason ?? '')) return status
        throw new Error(JSON.stringify(body))
      },
      { timeoutMs: 20_000, everyMs: 50 },
    )
    expect([connector.state, tasks[0]?.state]).to.deep.equal(['RUNNING', 'RUNNING'])
    expect(connector.reason).to.equal(tasks[0]?.reason)
  }

  async function change(action: string): Promise<void> {
    const [method, route] = action === 'restart' ? ['POST', 'tasks/0/restart'] : ['PUT', action]
    const { status } = await call(sluice.rest, method, `/connectors/${name}/${route}`)
    expect(status).to.be.oneOf([202, 204])
  }

  it('says that its topic is missing', async () => {
    const { status } = await call(sluice.rest, 'PUT', `/connectors/${name}/config`, {
      'connector.class': 'TopicSink',
      topics: source,
      'target.topic': target,
      'value.converter': 'AvroConverter',
      'value.converter.schema.registry.url': registry.url,
      'value.converter.max.retries': '0',
      'value.converter.http.read.timeout.ms': String(4 * DEADLINE),
      'errors.retry.delay.max.ms': '100',
    })
    expect(status).to.equal(201)
    await untilReason(new RegExp(`^waiting for topic ${source} to be created$`))
  })

  it('says what its schema registry answers, where it reads schemas', async () => {
    registry.override = () => ({ status: 500 })
    const value = withHeader(avscType(SCHEMA).toBuffer({ n: 5 }), 1)
    await fillTopic(sluice.bootstrapServers, source, 1, [{ key: '1', value }])
    await untilReason(/^waiting for the schema registry at http:.*: HTTP 500$/)
    registry.override = () => ({ status: 200, text: '<html></html>' })
    await untilReason(/: HTTP 200 with a body/)
  })

  it('pauses, resumes and restarts at once, also while a request hangs for longer than the deadline', async () => {
    registry.override = () => ({ status: 200, delayMs: 60_000 })
    await untilReason(/timeout/)
    await change('pause')
    const { connector, tasks } = await untilTasks(sluice.rest, name, 'PAUSED')
    expect([connector.reason, tasks[0]?.reason]).to.deep.equal([undefined, undefined])
    await change('resume')
    await untilReason(/timeout/)
    const asked = registry.asked.length
    await change('restart')
    await eventually(() => registry.asked.length > asked)
    await untilReason(/timeout/)
  })

  it('goes on by itself when the registry is back, and then waits where it registers schemas', async () => {
    registry.override = ({ method }) => (method === 'POST' ? { status: 503 } : undefined)
    await untilReason(/: HTTP 503$/)
    expect(await countRecords(sluice.bootstrapServers, target)).to.equal(0)
    registry.override = () => undefined
    await eventually(async () => (await countRecords(sluice.bootstrapServers, target)) === 1, {
      timeoutMs: 20_000,
    })
    await eventually(async () => {
      const { connector, tasks } = await untilTasks(sluice.rest, name, 'RUNNING')
      expect([connector.reason, tasks[0]?.reason]).to.deep.equal([undefined, undefined])
      return true
    })
    const killed = sluice.process
      .stderr()
      .split('\n')
      .filter((line) => line.includes('host is killed'))
    expect(killed).to.deep.equal([])
  })
})
