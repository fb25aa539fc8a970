import { expect } from 'chai'
import { describe, it } from 'mocha'
import { eventually } from '../support/eventually.ts'
import { memoryWorker } from '../worker/memory-worker.ts'
import { MemoryTopics } from '../worker/memory-log.ts'
import { expectError, messageOf, restApi } from './rest-api.ts'

const QUICK = { everyMs: 2, timeoutMs: 5_000 }

describe('the REST API, asked for loggers,', () => {
  const api = restApi()
  const { call } = api
  const level = async (logger: string): Promise<unknown> =>
    (await call('GET', `/admin/loggers/${logger}`)).body

  it('lists them', async () => {
    const { code, body } = await call('GET', '/admin/loggers')
    expect(code).to.equal(200)
    const info = { level: 'INFO', last_modified: null }
    expect(body).to.deep.include({ root: info, 'sluice.worker': info, 'sluice.connectors': info })
  })

  it('sets the level of any logger, of Java’s too, and says when', async () => {
    const before = Date.now()
    const set = await call('PUT', '/admin/loggers/org.apache.kafka.clients', { level: 'debug' })
    expect([set.code, set.body]).to.deep.equal([200, ['org.apache.kafka.clients', 'sluice.kafka']])
    for (const logger of ['org.apache.kafka.clients', 'sluice.kafka']) {
      const shown = (await level(logger)) as { level: string; last_modified: number }
      expect(shown.level).to.equal('DEBUG')
      expect(shown.last_modified).to.be.within(before, Date.now())
    }
  })

  it('tells the task hosts that run, and those that start later', async () => {
    await api.create('a')
    const host = await eventually(
      () => api.worker.hosts.find((each) => each.heard('start').length > 0),
      QUICK,
    )
    await call('PUT', '/admin/loggers/sluice.connectors', { level: 'DEBUG' })
    expect(host.heard('levels').at(-1)?.levels).to.deep.include(['sluice.connectors', 'DEBUG'])
    host.exit({ code: 0, signal: null })
    await api.create('b')
    const next = await eventually(() => {
      return api.worker.hosts.find((each) => each.alive && each.heard('start').length > 0)
    }, QUICK)
    const order = next.sent.map(({ type }) => type)
    expect(order.indexOf('levels')).to.be.greaterThan(order.indexOf('settings'))
    expect(order.indexOf('start')).to.be.greaterThan(order.indexOf('levels'))
  })

  it('sets a level for the cluster: every worker that runs acts on the record, one that starts later does not', async () => {
    const topics = new MemoryTopics()
    const [one, other] = [await memoryWorker({ topics }), await memoryWorker({ topics })]
    try {
      await one.herder.loggers.setEverywhere('sluice.rest', 'warn')
      expect(topics.records('configs').at(-1)).to.deep.equal({
        key: 'logger-cluster-sluice.rest',
        value: '{"level":"warn"}',
      })
      for (const worker of [one, other])
        expect(worker.herder.loggers.get('sluice.rest')?.level).to.equal('WARN')
      const late = await memoryWorker({ topics })
      expect(late.herder.loggers.get('sluice.rest')?.level).to.equal('INFO')
      await late.stop()
    } finally {
      await Promise.all([one.stop(), other.stop()])
    }
  })

  it('ignores records that say no level', async () => {
    for (const value of ['{"level":"LOUD"}', '{"level":5}', '{}', 'x', null])
      api.worker.topics.write('configs', 'logger-cluster-sluice.models', value)
    expect(await level('sluice.models')).to.deep.equal({ level: 'INFO', last_modified: null })
  })

  it('takes scope=cluster in any case, and every other scope for the worker', async () => {
    const logger = '/admin/loggers/com.example'
    const codes = ['CLUSTER', 'cluster', 'worker', 'moon', ''].map(async (scope) => {
      return (await call('PUT', `${logger}?scope=${scope}`, { level: 'WARN' })).code
    })
    expect(await Promise.all(codes)).to.deep.equal([204, 204, 200, 200, 200])
  })

  it('answers what is wrong', async () => {
    const unknown = await call('GET', '/admin/loggers/no.such')
    expectError(unknown, 404)
    expect(messageOf(unknown)).to.equal('Logger no.such not found.')
    const wrong: [object | string, number, string][] = [
      [{}, 400, "Desired 'level' parameter was not specified in request."],
      [{ level: null }, 400, "Desired 'level' parameter was not specified in request."],
      [{ level: 'LOUD' }, 404, "invalid log level 'LOUD'."],
      [{ level: 5 }, 404, "invalid log level '5'."],
      [{ level: {} }, 400, 'must be a string'],
      ['[]', 400, 'not a JSON object'],
    ]
    for (const [body, code, message] of wrong) {
      for (const scope of ['', '?scope=cluster']) {
        const answer = await call('PUT', `/admin/loggers/a${scope}`, body)
        expectError(answer, code)
        expect(messageOf(answer)).to.include(message)
      }
    }
    expectError(await call('POST', '/admin/loggers/a', { level: 'WARN' }), 405)
    expectError(await call('PUT', '/admin/loggers', { level: 'WARN' }), 405)
    expectError(await call('GET', '/admin/loggers/a'), 404)
  })
})
