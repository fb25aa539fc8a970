import { request } from 'node:http'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { SILENT } from '../../src/api/log.ts'
import { serveRegistry } from '../../src/registry/server.ts'
import { errorOf, recordText, startMemoryRegistry } from './client.ts'
import type { RegistryUnderTest } from './client.ts'
import { MemoryTopic } from './memory-topic.ts'

const V1 = recordText('R', ['a', 'int'])
const JSON_TYPE = { 'Content-Type': 'application/json' }

describe('the registry as an HTTP server', () => {
  let registry: RegistryUnderTest

  before(async () => {
    registry = await startMemoryRegistry()
  })
  after(() => registry.close())

  const post = (path: string, body: string, headers: Record<string, string> = JSON_TYPE) =>
    fetch(registry.url + path, { method: 'POST', headers, body })

  function statusForHost(host: string): Promise<number> {
    return new Promise((resolve, reject) => {
      request(registry.url, { headers: { host } }, (response) => {
        response.resume()
        resolve(response.statusCode ?? 0)
      })
        .on('error', reject)
        .end()
    })
  }

  it('answers on its root and lists what it stores', async () => {
    expect(await registry.call('GET', '/')).to.deep.equal({ status: 200, body: {} })
    expect((await registry.call('GET', '/schemas/types')).body).to.deep.equal(['AVRO'])
  })

  it('takes and sends both content types', async () => {
    const body = JSON.stringify({ schema: V1 })
    const own = 'application/vnd.schemaregistry.v1+json'
    for (const type of [own, 'application/vnd.schemaregistry+json', 'application/json; charset=utf-8']) {
      expect((await post('/subjects/s/versions', body, { 'Content-Type': type })).status, type).to.equal(200)
    }
    expect((await fetch(`${registry.url}/subjects`)).headers.get('content-type')).to.include(own)
    const json = await fetch(`${registry.url}/subjects`, { headers: { Accept: 'application/json' } })
    expect(json.headers.get('content-type')).to.include('application/json')
  })

  it('refuses bodies of other types, as a page of another site could send them', async () => {
    for (const headers of [{ 'Content-Type': 'text/plain' }, {}]) {
      const answer = await post('/subjects/s/versions', JSON.stringify({ schema: V1 }), headers)
      expect(answer.status).to.equal(415)
    }
  })

  it('refuses bodies that are no JSON objects', async () => {
    for (const body of ['{', '', '[]', '5', 'null', '{"schema": "\\"int\\""} x']) {
      const answer = await post('/subjects/s/versions', body)
      expect({ body, status: answer.status }).to.deep.equal({ body, status: 400 })
      expect(await answer.json()).to.include({ error_code: 400 })
    }
  })

  it('refuses bodies above 1 MiB', async () => {
    const answer = await post('/subjects/s/versions', JSON.stringify({ schema: 'x'.repeat(1 << 20) }))
    expect(answer.status).to.equal(413)
    expect(await answer.json()).to.include({ error_code: 413 })
  })

  it('refuses requests without a usable schema', async () => {
    const bodies: Record<string, unknown>[] = [
      {},
      { schema: null },
      { schema: '' },
      { schema: {} },
      { schema: 'nonsense' },
      { schema: '{"type":"object"}', schemaType: 'JSON' },
      { schema: V1, schemaType: 5 },
      { schema: V1, references: 'x' },
      { schema: V1, references: [{ name: 'x' }] },
    ]
    for (const body of bodies) {
      const answer = await registry.call('POST', '/subjects/t/versions', body)
      expect(errorOf(answer), JSON.stringify(body)).to.deep.equal({ status: 422, code: 42201 })
    }
    expect((await registry.call('GET', '/subjects')).body).to.deep.equal(['s'])
  })

  it('refuses ids and versions of the client', async () => {
    const answer = await registry.register('t', V1, { id: 7 })
    expect(errorOf(answer)).to.deep.equal({ status: 422, code: 42205 })
  })

  it('refuses schemas that are nested too deeply, or that would take too long, at once', async () => {
    const deep = '{"type":"array","items":'.repeat(20_000)
    const wide = (letter: string) =>
      JSON.stringify(
        Array.from({ length: 2_000 }, (_, i) => ({ type: 'record', name: `${letter}${i}`, fields: [] })),
      )
    const bomb = Array.from({ length: 60 }, (_, i) => {
      const inner = i === 0 ? 'int' : `B${i - 1}`
      const fallback = i === 0 ? 1 : {}
      return recordText(`B${i}`, ['x', inner, fallback], ['y', inner, fallback])
    })
    expect(errorOf(await registry.register('deep', `${deep}"int"${'}'.repeat(20_000)}`)).code).to.equal(42201)
    expect(errorOf(await registry.register('bomb', `[${bomb.join(',')}]`)).code).to.equal(42201)
    expect((await registry.register('wide', wide('A'))).status).to.equal(200)
    expect(errorOf(await registry.register('wide', wide('B')))).to.deep.equal({ status: 422, code: 42201 })
  })

  it('is not confused by keys that mean something to JavaScript', async () => {
    const text = '{"type":"record","name":"P","__proto__":{"polluted":true},"constructor":"c","fields":[]}'
    const body = `{"__proto__":{"polluted":true},"schema":${JSON.stringify(text)}}`
    expect((await post('/subjects/__proto__/versions', body)).status).to.equal(200)
    expect((await registry.call('GET', '/subjects/__proto__/versions')).body).to.deep.equal([1])
    expect((await registry.call('GET', '/subjects/constructor/versions')).status).to.equal(404)
    expect(({} as Record<string, unknown>)['polluted']).to.equal(undefined)
  })

  it('serves its own machine only', async () => {
    const port = new URL(registry.url).port
    for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, 'LOCALHOST', `[::1]:${port}`]) {
      expect(await statusForHost(host), host).to.equal(200)
    }
    for (const host of ['evil.test', `evil.test:${port}`, '127.0.0.1.evil.test', 'localhost@evil.test']) {
      expect(await statusForHost(host), host).to.equal(403)
    }
  })

  it('allows no other site to read it', async () => {
    const headers = { Origin: 'http://evil.test', 'Access-Control-Request-Method': 'POST' }
    for (const method of ['GET', 'OPTIONS']) {
      const answer = await fetch(`${registry.url}/subjects`, { method, headers })
      expect(answer.headers.get('access-control-allow-origin')).to.equal(null)
    }
  })

  it('answers unknown paths with 404, and known ones with 405 where the method is wrong', async () => {
    expect(errorOf(await registry.call('GET', '/nothing'))).to.deep.equal({ status: 404, code: 404 })
    for (const path of ['/subjects', '/config', '/mode', '/schemas/types', '/subjects/s/versions/1']) {
      expect(errorOf(await registry.call('PATCH', path)), path).to.deep.equal({ status: 405, code: 405 })
    }
    expect(errorOf(await registry.call('GET', '/subjects/%zz/versions')).status).to.equal(400)
  })

  it('says which port is taken', async () => {
    const port = Number(new URL(registry.url).port)
    const error: unknown = await serveRegistry(new MemoryTopic().open, port, SILENT).catch((e: unknown) => e)
    expect(error).to.include({ code: 'dev.port' })
    expect((error as Error).message).to.include(`Port ${port} is taken`)
  })
})
