import { expect } from 'chai'
import { afterEach, describe, it } from 'mocha'
import { SILENT } from '../../src/api/log.ts'
import { type RestServer, startRest } from '../../src/rest/server.ts'
import { eventually } from '../support/eventually.ts'
import { memoryWorker, type MemoryWorker } from '../worker/memory-worker.ts'
import { CONFIG, expectError, messageOf, restApi } from './rest-api.ts'

const QUICK = { everyMs: 2, timeoutMs: 5_000 }

/** In which whatever was asked for would have been written. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
}

describe('the REST API, asked for the topics of a connector,', () => {
  const api = restApi()
  const { call } = api

  const topics = async (name = 'a'): Promise<unknown> =>
    (await call('GET', `/connectors/${name}/topics`)).body
  const shows = (...wanted: string[]) =>
    eventually(async () => {
      expect(await topics()).to.deep.equal({ a: { topics: wanted } })
      return true
    }, QUICK)
  const records = () => api.worker.topics.records('statuses').filter(({ key }) => key.includes('-topic-'))

  /** The connector's first task says that it has used topics. */
  async function use(...used: string[]): Promise<void> {
    const host = await eventually(() => {
      return api.worker.hosts.find((each) => each.heard('start').length > each.heard('stop').length)
    }, QUICK)
    host.say({ type: 'topics', id: { connector: 'a', task: 0 }, topics: used })
  }

  afterEach(() => shows())

  it('shows none of one that has used none, or is not there', async () => {
    expect(await topics('none')).to.deep.equal({ none: { topics: [] } })
    expect((await call('PUT', '/connectors/none/topics/reset')).code).to.equal(202)
    expect(records()).to.deep.equal([])
  })

  it('shows what its tasks have used, written once as Kafka Connect writes it', async () => {
    await api.create('a')
    const before = Date.now()
    await use('in', 'more')
    await use('in')
    await shows('in', 'more')
    await use('more')
    await turns()
    expect(records().map(({ key }) => key)).to.deep.equal([
      'status-topic-in:connector-a',
      'status-topic-more:connector-a',
    ])
    const { topic } = JSON.parse(String(records()[0]?.value ?? '{}')) as { topic: Record<string, unknown> }
    expect(topic).to.deep.include({ name: 'in', connector: 'a', task: 0 })
    expect(topic['discoverTimestamp']).to.be.within(before, Date.now())
  })

  it('forgets them when asked to, and shows what is used after that', async () => {
    await api.create('a')
    await use('in', 'more')
    await shows('in', 'more')
    const reset = await call('PUT', '/connectors/a/topics/reset')
    expect([reset.code, reset.body]).to.deep.equal([202, undefined])
    await shows()
    await use('more')
    await shows('more')
  })

  it('forgets them with the connector, and takes no late word of its tasks', async () => {
    await api.create('a')
    await use('in')
    await shows('in')
    const host = api.worker.hosts.find((each) => each.heard('start').length > each.heard('stop').length)
    host?.deaf.add('stop')
    await call('DELETE', '/connectors/a')
    host?.say({ type: 'topics', id: { connector: 'a', task: 0 }, topics: ['late'] })
    host?.say({ type: 'stopped', id: { connector: 'a', task: 0 } })
    await shows()
    expect(records().map(({ key }) => key)).not.to.include('status-topic-late:connector-a')
  })

  it('reads keys whose connector’s name looks like one', async () => {
    const value = '{"topic":{"name":"t","connector":"x:connector-y","task":0,"discoverTimestamp":1}}'
    api.worker.topics.write('statuses', 'status-topic-t:connector-x:connector-y', value)
    for (const key of ['t', ':connector-a', 't:connector-', 't-connector-a'])
      api.worker.topics.write('statuses', `status-topic-${key}`, value)
    for (const unreadable of ['{"topic":{}}', '{"topic":5}', '{}', 'x'])
      api.worker.topics.write('statuses', 'status-topic-u:connector-x', unreadable)
    expect(await topics('x:connector-y')).to.deep.equal({ 'x:connector-y': { topics: ['t'] } })
    for (const name of ['x', 'a', 'pic-t-connector-a'])
      expect(await topics(name)).to.deep.equal({ [name]: { topics: [] } })
    await api.worker.herder.removeStaleStatuses()
    expect(await topics('x:connector-y')).to.deep.equal({ 'x:connector-y': { topics: [] } })
  })
})

describe('the topics of connectors, where topic.tracking', () => {
  let worker: MemoryWorker | undefined
  let server: RestServer | undefined

  afterEach(async () => {
    await server?.close()
    await worker?.stop()
  })

  const answer = async (settings: Record<string, string>, method: string, path: string) => {
    const started = await memoryWorker({ settings })
    worker = started
    const context = { worker: () => started, version: '0.1.0', hosts: [], log: SILENT }
    server = await startRest({ host: '127.0.0.1', port: 0 }, context)
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { method })
    const text = await response.text()
    return {
      code: response.status,
      headers: response.headers,
      body: text === '' ? undefined : (JSON.parse(text) as unknown),
    }
  }

  it('.enable is false, are not noted and not shown: 403', async () => {
    const shown = await answer({ 'topic.tracking.enable': 'false' }, 'GET', '/connectors/a/topics')
    expectError(shown, 403)
    expect(messageOf(shown)).to.equal('Topic tracking is disabled.')
    await worker?.herder.create('a', CONFIG)
    const host = await eventually(() => worker?.hosts.find((each) => each.heard('assign').length > 0), QUICK)
    host.say({ type: 'topics', id: { connector: 'a', task: 0 }, topics: ['in'] })
    await turns()
    expect(worker?.topics.records('statuses').filter(({ key }) => key.includes('topic-'))).to.deep.equal([])
  })

  it('.enable is false, are not reset: 403', async () => {
    const reset = await answer({ 'topic.tracking.enable': 'false' }, 'PUT', '/connectors/a/topics/reset')
    expectError(reset, 403)
    expect(messageOf(reset)).to.equal('Topic tracking is disabled.')
  })

  it('.allow.reset is false, are not reset: 403', async () => {
    const settings = { 'topic.tracking.allow.reset': 'false' }
    const reset = await answer(settings, 'PUT', '/connectors/a/topics/reset')
    expectError(reset, 403)
    expect(messageOf(reset)).to.equal('Topic tracking reset is disabled.')
  })
})
