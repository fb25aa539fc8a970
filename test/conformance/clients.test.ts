import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { eventually, uniqueName } from '../support/eventually.ts'
import { kafkajsClient, sharedKafka } from '../support/kafka.ts'
import { isThere, must, pythonWith } from '../support/python.ts'
import { readJson } from './rest-replay.ts'
import { createTopic, startTestWorker, type TestWorker } from './rest-worker.ts'

interface Recorded {
  readonly client: string
  readonly headers: Readonly<Record<string, string>>
  readonly requests: readonly {
    readonly call: string
    readonly method: string
    readonly path: string
    readonly body?: unknown
    readonly status: number
    /** Keys of the answer. */
    readonly has?: readonly string[]
    /** The state that the connector and its tasks come to. */
    readonly then?: string
    /** How many tasks it then has; where that is not said, any number. */
    readonly tasks?: number
  }[]
}

const CLIENTS = path.join(import.meta.dirname, 'clients')
const REQUIREMENTS = path.join(CLIENTS, 'requirements.txt')
const CACHE = path.resolve(import.meta.dirname, '../../.cache/clients')
/** Published clients are brought by pip and Maven, which the other tests do not need. */
const WITH_CLIENTS = process.env['SLUICE_CONFORMANCE'] !== undefined

async function javaClient(): Promise<string> {
  const lib = path.join(CACHE, 'java')
  if (!(await isThere(path.join(lib, 'kafka-connect-client-4.0.4.jar')))) {
    await mkdir(lib, { recursive: true })
    const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${lib}`]
    await must('mvn', ['-q', '-B', '-f', path.join(CLIENTS, 'pom.xml'), ...goal])
  }
  return path.join(lib, '*')
}

/** What a client's program printed: by call, what it gave. */
function answersOf(output: string): Record<string, unknown> {
  const lines = output.split('\n').filter((line) => line.startsWith('{'))
  const calls = lines.map((line) => JSON.parse(line) as { call: string; answer: unknown })
  return Object.fromEntries(calls.map(({ call, answer }) => [call, answer]))
}

describe('clients of Kafka Connect, unchanged', function () {
  this.timeout(300_000)
  let worker: TestWorker
  let topic: string

  before(async () => {
    const { bootstrapServers } = await sharedKafka()
    const prefix = uniqueName('clients')
    topic = `${prefix}-in`
    const admin = kafkajsClient(bootstrapServers).admin()
    await admin.connect()
    await createTopic(admin, { topic, numPartitions: 1 })
    await admin.disconnect()
    worker = await startTestWorker(prefix)
  })

  after(() => worker.stop())

  it('kafka-connect-py', async function () {
    if (!WITH_CLIENTS) this.skip()
    const name = uniqueName('py')
    const output = await must(await pythonWith('python', REQUIREMENTS), [
      path.join(CLIENTS, 'run_client.py'),
      worker.base,
      name,
      topic,
    ])
    expect(answersOf(output)).to.deep.equal({
      cluster: ['commit', 'kafka_cluster_id', 'version'],
      ...{
        plugins: true,
        validate: 0,
        create: name,
        running: 'RUNNING',
        list: true,
        'list with status': name,
      },
      ...{ get: 'sink', config: topic, tasks: [0], 'task status': 'RUNNING', update: 'all' },
      ...{ restarted: 'RUNNING', 'task restarted': 'RUNNING', paused: 'PAUSED', resumed: 'RUNNING' },
      ...{ topics: [name], stopped: 'STOPPED', deleted: true },
    })
  })

  it('org.sourcelab:kafka-connect-client', async function () {
    if (!WITH_CLIENTS) this.skip()
    const name = uniqueName('java')
    const program = path.join(CLIENTS, 'RunClient.java')
    const output = await must('java', ['-cp', await javaClient(), program, worker.base, name, topic])
    expect(answersOf(output)).to.deep.equal({
      ...{
        version: 'true',
        plugins: 'true',
        validate: '0',
        create: 'true',
        running: 'RUNNING',
        list: 'true',
      },
      ...{
        'list with status': 'true',
        'list with info': 'true',
        get: 'sink',
        config: '/dev/null',
        tasks: '1',
      },
      ...{ 'task status': 'RUNNING', restart: 'true', restarted: 'RUNNING', 'restart a task': 'true' },
      ...{ 'task restarted': 'RUNNING', pause: 'true', paused: 'PAUSED', resume: 'true', resumed: 'RUNNING' },
      ...{ update: 'all', topics: 'true', 'reset topics': 'true', delete: 'true', deleted: 'true' },
    })
  })

  for (const { client, headers, requests } of readJson('clients/recorded.json') as readonly Recorded[])
    it(`the requests of ${client}`, async () => {
      const name = uniqueName('recorded')
      const config = { 'connector.class': 'FileStreamSink', topics: topic, file: '/dev/null' }
      for (const { call, method, path: to, body, status, has = [], then, tasks } of requests) {
        const text = body === undefined ? undefined : filled(JSON.stringify(body), name, config)
        const response = await fetch(worker.base + to.replaceAll('{name}', name), {
          method,
          headers: { ...headers, ...(text === undefined ? {} : { 'content-type': 'application/json' }) },
          ...(text === undefined ? {} : { body: text }),
        })
        const answer = await response.text()
        expect([call, response.status], answer).to.deep.equal([call, status])
        if (has.length > 0)
          expect(JSON.parse(answer), call).to.include.keys(has.map((key) => key.replaceAll('{name}', name)))
        if (then !== undefined) await settles(name, then, tasks)
      }
    })

  async function settles(name: string, state: string, count?: number): Promise<void> {
    await eventually(
      async () => {
        const response = await fetch(`${worker.base}/connectors/${name}/status`)
        const { connector, tasks } = (await response.json()) as Partial<Record<string, { state: string }>> & {
          tasks?: { state: string }[]
        }
        const states = [connector, ...(tasks ?? [])].map((each) => each?.state)
        expect(new Set(states)).to.deep.equal(new Set([state]))
        expect(tasks).to.have.lengthOf(count ?? tasks?.length ?? 0)
        return true
      },
      { timeoutMs: 30_000 },
    )
  }
})

/** A body with the connector's name, and its configuration where `$config` stands. */
function filled(body: string, name: string, config: Readonly<Record<string, string>>): string {
  const pairs = JSON.stringify(config).slice(1, -1)
  return body.replace('"$config":true', pairs).replaceAll('{name}', name)
}
