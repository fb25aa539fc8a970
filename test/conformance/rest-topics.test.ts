import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { eventually, uniqueName } from '../support/eventually.ts'
import { kafkajsClient, sharedKafka } from '../support/kafka.ts'
import { call } from '../support/sluice-dev.ts'
import { readGolden } from './rest-golden.ts'
import { readJson } from './rest-replay.ts'
import type { GoldenRecord } from './rest-topics.ts'
import { createTopic, startTestWorker, type TestWorker } from './rest-worker.ts'

const TOPICS = { configs: 1, offsets: 25, status: 5 } as const
/** A connector whose class this worker does not have. */
const ABSENT = 'absent'
type Golden = Readonly<Record<keyof typeof TOPICS, readonly GoldenRecord[]>>

const records = readJson('golden/rest-topics.json') as Golden
const answers = readGolden()

interface Shown {
  readonly status: {
    readonly type: string
    readonly connector: { readonly state: string; readonly trace?: string }
  }
  readonly info: { readonly config: Readonly<Record<string, string>>; readonly tasks: readonly unknown[] }
}

/** Writes what a Java worker's topics held into new topics `<prefix>-configs` and so on. */
async function copyTopics(prefix: string): Promise<void> {
  const { bootstrapServers } = await sharedKafka()
  const kafka = kafkajsClient(bootstrapServers)
  const [admin, producer] = [kafka.admin(), kafka.producer()]
  await Promise.all([admin.connect(), producer.connect()])
  const configEntries = [{ name: 'cleanup.policy', value: 'compact' }]
  for (const [name, numPartitions] of Object.entries(TOPICS)) {
    const topic = `${prefix}-${name}`
    await createTopic(admin, { topic, numPartitions, configEntries })
    const messages = records[name as keyof Golden].map(({ partition, key, value, timestamp }) => {
      return { partition, key, value, timestamp }
    })
    if (messages.length > 0) await producer.send({ topic, messages })
  }
  const properties = { 'connector.class': 'com.example.AbsentSinkConnector', topics: 'in', name: ABSENT }
  const value = JSON.stringify({ properties })
  await producer.send({ topic: `${prefix}-configs`, messages: [{ key: `connector-${ABSENT}`, value }] })
  await Promise.all([admin.disconnect(), producer.disconnect()])
}

describe('the internal topics of a Java worker', function () {
  this.timeout(120_000)
  let worker: TestWorker
  let shown: Readonly<Record<string, Shown>>

  before(async () => {
    const prefix = uniqueName('conformance')
    await copyTopics(prefix)
    worker = await startTestWorker(prefix)
    shown = await eventually(async () => {
      const { body } = await call(worker.base, 'GET', '/connectors?expand=info&expand=status')
      const all = body as Record<string, Shown>
      const states = Object.values(all).map(({ status }) => status.connector.state)
      expect(states, JSON.stringify(all)).to.include('FAILED').and.not.include('UNASSIGNED')
      return all
    })
  })

  after(() => worker.stop())

  it('give the same connectors, deleted ones not among them', () => {
    const last = answers.find(({ id }) => id === 'list: at the end')?.body as string[]
    expect(Object.keys(shown)).to.have.members([...last, ABSENT]) // and not x/y, which REST refuses
  })

  it('give the same configurations', () => {
    const { body } = answers.find(({ id }) => id === 'get config: unharmed') ?? {}
    const normal = Object.entries(shown['a']?.info.config ?? {}).map(([key, value]) => [
      key,
      value
        .replace('flights-conformance', '<topic>')
        .replace('org.apache.kafka.connect.file.FileStreamSinkConnector', '<sink>'),
    ])
    expect(Object.fromEntries(normal)).to.deep.equal(body)
  })

  it('give the same target states: what was stopped stays stopped, what was paused stays paused', async () => {
    expect(shown['s']?.status.connector.state).to.equal('STOPPED')
    expect(shown['s']?.info.tasks).to.deep.equal([])
    const config = { 'connector.class': 'TopicSink', topics: uniqueName('none'), 'target.topic': 'out' }
    expect((await call(worker.base, 'PUT', '/connectors/p/config', config)).status).to.equal(200)
    await eventually(async () => {
      const { body } = await call(worker.base, 'GET', '/connectors/p/status')
      expect((body as Shown['status']).connector.state).to.equal('PAUSED')
      return true
    })
  })

  it('run the connectors, whose classes are Java’s', () => {
    expect(shown['a']?.status.type).to.equal('sink')
    expect(shown['a']?.status.connector.state).to.equal('RUNNING')
    expect(shown['a']?.info.tasks).to.deep.equal([{ connector: 'a', task: 0 }])
  })

  it('a connector whose class is not here fails, with a trace that says so, and can be deleted', async () => {
    expect(shown[ABSENT]?.status.type).to.equal('unknown')
    expect(shown[ABSENT]?.status.connector.trace).to.include('AbsentSinkConnector')
    expect((await call(worker.base, 'DELETE', `/connectors/${ABSENT}`)).status).to.equal(204)
    expect((await call(worker.base, 'GET', `/connectors/${ABSENT}`)).status).to.equal(404)
  })
})
