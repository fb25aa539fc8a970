import { expect } from 'chai'
import { afterEach, beforeEach, describe, it } from 'mocha'
import { errorOf, recordText, startMemoryRegistry } from './client.ts'
import type { RegistryUnderTest } from './client.ts'

const V1 = recordText('Flight', ['Year', 'int'])
const V2 = recordText('Flight', ['Year', 'int'], ['Month', 'int', 1])
const V3 = recordText('Flight', ['Year', 'int'], ['Month', 'int', 1], ['Origin', 'string', 'JFK'])

describe('the registry, subjects and versions', () => {
  let registry: RegistryUnderTest
  const call: RegistryUnderTest['call'] = (...args) => registry.call(...args)

  beforeEach(async () => {
    registry = await startMemoryRegistry()
  })
  afterEach(() => registry.close())

  it('numbers ids and versions from 1', async () => {
    expect(await registry.register('flights-value', V1)).to.deep.equal({ status: 200, body: { id: 1 } })
    expect(await registry.register('flights-value', V2)).to.deep.equal({ status: 200, body: { id: 2 } })
    expect(await registry.register('others-value', V3)).to.deep.equal({ status: 200, body: { id: 3 } })
    expect((await call('GET', '/subjects')).body).to.deep.equal(['flights-value', 'others-value'])
    expect((await call('GET', '/subjects/flights-value/versions')).body).to.deep.equal([1, 2])
    expect((await call('GET', '/subjects/flights-value/versions/2')).body).to.deep.equal({
      subject: 'flights-value',
      version: 2,
      id: 2,
      schema: V2,
    })
  })

  it('gives a schema that it has the id that it has, also under another subject and written differently', async () => {
    await registry.register('a', V1)
    const rewritten =
      ' {"fields": [{"type": {"type": "int"}, "name": "Year"}], "name": "Flight", "type": "record"}'
    expect((await registry.register('a', rewritten)).body).to.deep.equal({ id: 1 })
    expect((await registry.register('b', rewritten)).body).to.deep.equal({ id: 1 })
    expect((await call('GET', '/subjects/a/versions')).body).to.deep.equal([1])
    expect((await call('GET', '/subjects/b/versions/1')).body).to.include({ id: 1, version: 1, schema: V1 })
    expect((await call('GET', '/schemas/ids/1/subjects')).body).to.deep.equal(['a', 'b'])
    expect((await call('GET', '/schemas/ids/1/versions')).body).to.deep.equal([
      { subject: 'a', version: 1 },
      { subject: 'b', version: 1 },
    ])
  })

  it('tells schemas apart that differ in doc or defaults', async () => {
    const described = JSON.stringify({ ...(JSON.parse(V1) as object), doc: 'A flight' })
    expect((await registry.register('a', V1)).body).to.deep.equal({ id: 1 })
    expect((await registry.register('a', described)).body).to.deep.equal({ id: 2 })
  })

  it('evens out the order of attributes where it is asked to normalise', async () => {
    const text = (extra: string) => `{"type":"record","name":"R",${extra},"fields":[]}`
    const path = '/subjects/a/versions?normalize=true'
    expect((await call('POST', path, { schema: text('"b":1,"a":2') })).body).to.deep.equal({ id: 1 })
    expect((await call('POST', path, { schema: text('"a":2,"b":1') })).body).to.deep.equal({ id: 1 })
    expect((await registry.register('a', text('"b":1,"a":2'))).body).to.deep.equal({ id: 2 })
    const found = await call('POST', '/subjects/a?normalize=true', { schema: text('"b":1,"a":2') })
    expect(found.body).to.include({ id: 1, version: 1 })
  })

  it('gives one id and one version to a schema that many register at once', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => registry.register('a', V1)))
    expect(new Set(answers.map((answer) => JSON.stringify(answer.body)))).to.deep.equal(new Set(['{"id":1}']))
    expect((await call('GET', '/subjects/a/versions')).body).to.deep.equal([1])
    expect(registry.topic.records).to.have.length(1)
  })

  it('gives different ids to schemas that are registered at once', async () => {
    const texts = Array.from({ length: 10 }, (_, i) => recordText(`R${i}`))
    const answers = await Promise.all(texts.map((text, i) => registry.register(`s${i}`, text)))
    const ids = answers.map((answer) => (answer.body as { id: number }).id)
    expect(ids.toSorted((a, b) => a - b)).to.deep.equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  })

  it('finds a version by its schema', async () => {
    await registry.register('a', V1)
    await registry.register('a', V2)
    const found = await call('POST', '/subjects/a', { schema: V2 })
    expect(found.body).to.deep.equal({ subject: 'a', version: 2, id: 2, schema: V2 })
    expect(errorOf(await call('POST', '/subjects/a', { schema: V3 }))).to.deep.equal({
      status: 404,
      code: 40403,
    })
    expect(errorOf(await call('POST', '/subjects/b', { schema: V1 }))).to.deep.equal({
      status: 404,
      code: 40401,
    })
  })

  it('knows the latest version by two names, and gives the bare text', async () => {
    await registry.register('a', V1)
    await registry.register('a', V2)
    for (const latest of ['latest', '-1']) {
      expect((await call('GET', `/subjects/a/versions/${latest}`)).body).to.include({ version: 2 })
    }
    const text = JSON.parse(V1) as unknown
    expect((await call('GET', '/subjects/a/versions/1/schema')).body).to.deep.equal(text)
    expect((await call('GET', '/schemas/ids/1/schema')).body).to.deep.equal(text)
    expect((await call('GET', '/schemas/ids/1')).body).to.deep.equal({ schema: V1 })
  })

  it('answers for what is not there, and for versions that cannot be', async () => {
    await registry.register('a', V1)
    const codes: Record<string, number> = {
      '/subjects/b/versions': 40401,
      '/subjects/b/versions/1': 40401,
      '/subjects/b/versions/latest': 40401,
      '/subjects/a/versions/2': 40402,
      '/subjects/a/versions/0': 42202,
      '/subjects/a/versions/-2': 42202,
      '/subjects/a/versions/2147483648': 42202,
      '/subjects/a/versions/newest': 42202,
      '/schemas/ids/9': 40403,
      '/schemas/ids/x': 40403,
    }
    for (const [path, code] of Object.entries(codes)) {
      expect(errorOf(await call('GET', path)), path).to.deep.equal({ status: Math.floor(code / 100), code })
    }
  })

  it('lists subjects by prefix, and takes any name that a path can carry', async () => {
    for (const subject of ['flights-value', 'flights-key', 'a/b c?ü%']) await registry.register(subject, V1)
    expect((await call('GET', '/subjects?subjectPrefix=flights')).body).to.deep.equal([
      'flights-key',
      'flights-value',
    ])
    const path = `/subjects/${encodeURIComponent('a/b c?ü%')}/versions/1`
    expect((await call('GET', path)).body).to.include({ subject: 'a/b c?ü%' })
    expect(errorOf(await registry.register('a\u0000b', V1))).to.deep.equal({ status: 422, code: 42208 })
  })

  it('takes types from the schemas that references name', async () => {
    const airport =
      '{"type":"record","name":"Airport","namespace":"geo","fields":[{"name":"code","type":"string"}]}'
    const route = recordText('Route', ['from', 'geo.Airport'], ['to', 'geo.Airport'])
    await registry.register('airports', airport)
    expect(errorOf(await registry.register('routes', route))).to.deep.equal({ status: 422, code: 42201 })
    const references = [{ name: 'geo.Airport', subject: 'airports', version: 1 }]
    expect((await registry.register('routes', route, { references })).body).to.deep.equal({ id: 2 })
    const expected = { subject: 'routes', version: 1, id: 2, references, schema: route }
    expect((await call('GET', '/subjects/routes/versions/1')).body).to.deep.equal(expected)
    expect((await call('GET', '/schemas/ids/2')).body).to.deep.equal({ references, schema: route })
    expect((await call('GET', '/subjects/airports/versions/1/referencedby')).body).to.deep.equal([2])
    const missing = [{ name: 'geo.Airport', subject: 'airports', version: 7 }]
    expect(errorOf(await registry.register('routes', route, { references: missing })).code).to.equal(42201)
    expect(errorOf(await call('DELETE', '/subjects/airports'))).to.deep.equal({ status: 422, code: 42206 })
    expect(errorOf(await call('DELETE', '/subjects/airports/versions/1')).code).to.equal(42206)
  })

  it('compares schemas with the types of their references', async () => {
    await registry.register('n', recordText('N', ['x', 'int']))
    await registry.call('PUT', '/config/n', { compatibility: 'NONE' })
    await registry.register('n', recordText('N', ['x', 'string']))
    const outer = recordText('R', ['n', 'N'])
    const refer = (version: number) => ({ references: [{ name: 'N', subject: 'n', version }] })
    await registry.register('r', outer, refer(1))
    const answer = await registry.register('r', outer, refer(2))
    expect(errorOf(answer)).to.deep.equal({ status: 409, code: 409 })
    expect((answer.body as { message: string }).message).to.include("path '/fields/0/type/fields/0/type'")
  })
})
