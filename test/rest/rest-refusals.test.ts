import { request as httpRequest } from 'node:http'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { SILENT } from '../../src/api/log.ts'
import { startRest } from '../../src/rest/server.ts'
import { CONFIG, expectError, messageOf, restApi } from './rest-api.ts'

describe('the REST API, given what is wrong,', () => {
  const api = restApi()
  const { call, create } = api

  it('answers 404 for what does not exist, 405 for what is not allowed, always in JSON', async () => {
    const missing = [
      ['GET', '/connectors/x'],
      ['GET', '/connectors/x/config'],
      ['GET', '/connectors/x/status'],
      ['GET', '/connectors/x/tasks'],
      ['GET', '/connectors/x/tasks/0/status'],
      ['POST', '/connectors/x/tasks/0/restart'],
      ['POST', '/connectors/x/tasks/y/restart'],
      ['POST', '/connectors/x/restart'],
      ['PUT', '/connectors/x/pause'],
      ['DELETE', '/connectors/x'],
      ['GET', '/connector-plugins/x/config'],
      ['GET', '/nowhere'],
    ] as const
    for (const [method, path] of missing) expectError(await call(method, path), 404)
    expectError(await call('DELETE', '/connectors'), 405)
    expectError(await call('POST', '/connectors/a'), 405)
    expectError(await call('PUT', '/health'), 405)
    expectError(await call('PUT', '/connector-plugins/x/config/validate', {}), 404)
  })

  it('refuses bodies that are none: malformed, empty, not an object, too deep, hostile', async () => {
    const bad = ['{', '[]', 'null', '3', '"x"', '[1', '{"name":}', '\u0000', '[['.repeat(50_000)]
    for (const body of bad) expectError(await call('POST', '/connectors', body), 400)
    const hostile = ['__proto__', 'constructor', 'prototype']
    for (const key of hostile) {
      expectError(await call('POST', '/connectors', `{"name":"a","config":{"${key}":{"x":1}}}`), 400)
    }
    expect(Object.hasOwn(Object.prototype, 'x')).to.equal(false)
    expectError(await call('POST', '/connectors', Buffer.from([0x7b, 0xff, 0x7d])), 400)
    expectError(await call('PUT', '/connectors/a/config', ''), 400)
  })

  it('refuses bodies that are not JSON (415) or too large (413)', async () => {
    expectError(await call('POST', '/connectors', '{"name":"a"}', { 'content-type': 'text/plain' }), 415)
    expectError(
      await call('POST', '/connectors', '{}', { 'content-type': 'application/json; charset=utf-16' }),
      415,
    )
    expectError(await call('POST', '/connectors/a/restart', 'x', { 'content-type': 'text/plain' }), 415)
    expectError(await call('POST', '/connectors', `{"x":"${'x'.repeat(2 ** 21)}"}`), 413)
  })

  it('refuses creations that cannot be understood, with 400', async () => {
    const bad: unknown[] = [
      { config: CONFIG },
      { name: '', config: CONFIG },
      { name: '  ', config: CONFIG },
      { name: 'a/b', config: CONFIG },
      { name: 'a\0', config: CONFIG },
      { name: 'x'.repeat(10_240), config: CONFIG },
      { name: ['a'], config: CONFIG },
      { name: 'a' },
      { name: 'a', config: [] },
      { name: 'a', config: { ...CONFIG, x: null } },
      { name: 'a', config: { ...CONFIG, x: { y: 1 } } },
      { name: 'a', config: { ...CONFIG, x: [1] } },
      { name: 'a', config: { ...CONFIG, name: 'b' } },
      { name: 'a', config: CONFIG, initial_state: 'DANCING' },
      { name: 'a', config: CONFIG, surprise: 1 },
      { name: 'a', config: { topics: 'in' } },
      { name: 'a', config: { ...CONFIG, 'connector.class': 'Nope' } },
      { name: 'a', config: { ...CONFIG, 'topics.regex': '(a+)+$' } },
      { name: 'a', config: Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`k${i}`, 'v'])) },
    ]
    for (const body of bad) expectError(await call('POST', '/connectors', body), 400)
    expectError(await call('PUT', '/connectors/a/config', { ...CONFIG, name: 'b' }), 400)
    expectError(await call('PUT', '/connectors/a/config', { ...CONFIG, x: null }), 400)
    expectError(await call('GET', '/connectors/%zz'), 400)
    expect(api.worker.herder.views.names()).to.deep.equal([])
  })

  it('lists every problem of a configuration in Kafka Connect’s words', async () => {
    const answer = await create('a', { ...CONFIG, 'tasks.max': '0', 'errors.tolerance': 'some' })
    expectError(answer, 400)
    expect(messageOf(answer)).to.match(
      /^Connector configuration is invalid and contains the following 2 error\(s\):\n/,
    )
    expect(messageOf(answer)).to.contain('tasks.max').and.to.contain('errors.tolerance')
    expectError(await create('a', { ...CONFIG, 'target.topic': 'deep' }), 400)
  })

  it('shows no secret of a URL, in an error either', async () => {
    const config = { ...CONFIG, 'connector.class': 'http://user:CANARY@host' }
    const answers = [
      await call('POST', '/connectors', { name: 'secret', config }),
      await call('PUT', '/connector-plugins/TopicSink/config/validate', config),
    ]
    for (const answer of answers) {
      expectError(answer, 400)
      expect(JSON.stringify(answer)).to.contain('[hidden]').and.not.to.contain('CANARY')
    }
  })

  it('takes no requests for other hosts, nor from pages of other sites', async () => {
    const codeFor = (headers: Record<string, string>) =>
      new Promise<number | undefined>((resolve, reject) => {
        const options = { host: '127.0.0.1', port: api.port, path: '/connectors', headers }
        httpRequest(options, (response) => {
          response.resume()
          resolve(response.statusCode)
        })
          .on('error', reject)
          .end()
      })
    expect(await codeFor({ host: 'evil.test' })).to.equal(403)
    expect(await codeFor({ host: '127.0.0.1.evil.test' })).to.equal(403)
    expect(await codeFor({ origin: 'http://evil.test' })).to.equal(403)
    expect(await codeFor({ origin: 'null' })).to.equal(403)
    expect(await codeFor({ 'sec-fetch-site': 'cross-site' })).to.equal(403)
    expect(await codeFor({ host: 'connect.test:8083' })).to.equal(200)
    expect(await codeFor({ host: `localhost:${api.port}`, origin: `http://localhost:${api.port}` })).to.equal(
      200,
    )
    const preflight = await fetch(`http://127.0.0.1:${api.port}/connectors`, { method: 'OPTIONS' })
    expect(preflight.headers.get('access-control-allow-origin')).to.equal(null)
  })

  it('knows its paths in lower case alone, so that whoever guards them need look for one', async () => {
    for (const path of [
      '/Connectors',
      '/connectors/none/Config',
      '/ADMIN/loggers',
      '/Health',
      '/sluice/Models',
    ])
      expectError(await call('GET', path), 404)
  })

  it('takes the first of two values of a flag, as Kafka Connect does', async () => {
    await api.create('twice')
    const restart = '/connectors/twice/restart?includeTasks=false&includeTasks=true'
    expect((await call('POST', restart)).code).to.equal(204)
  })

  it('keeps a connector’s name: it can be neither changed nor removed', async () => {
    await api.create('named')
    const removed = await call('PATCH', '/connectors/named/config', { name: null })
    expectError(removed, 400)
    expect(messageOf(removed)).to.match(
      /contains the following 1 error\(s\):\nMissing required configuration "name"/,
    )
    expectError(await call('PATCH', '/connectors/named/config', { name: 'other' }), 400)
    expect(messageOf(await call('PUT', '/connectors/none/pause'))).to.equal('Unknown connector none')
  })

  it('says which methods a path has, asked for them or with a 405', async () => {
    const asked = await fetch(`http://127.0.0.1:${api.port}/connectors/none/config`, { method: 'OPTIONS' })
    expect([asked.status, await asked.text()]).to.deep.equal([200, 'GET, PUT, PATCH, HEAD, OPTIONS'])
    expect(asked.headers.get('content-type')).to.match(/^text\/plain/)
    const wrong = await call('POST', '/connectors/none/pause')
    expectError(wrong, 405)
    expect(wrong.headers.get('allow')).to.equal('PUT, OPTIONS')
  })

  it('says in one line that its port is taken', async () => {
    const context = { worker: () => undefined, version: '0', hosts: [], log: SILENT }
    const failure = await startRest({ host: '127.0.0.1', port: api.port }, context).catch(
      (error: unknown) => error,
    )
    expect(failure).to.have.property('code', 'dev.port')
  })
})
