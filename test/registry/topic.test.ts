import { expect } from 'chai'
import { describe, it } from 'mocha'
import { UnavailableError } from '../../src/api/errors.ts'
import { errorOf, recordText, startMemoryRegistry } from './client.ts'
import { MemoryTopic } from './memory-topic.ts'

const V1 = recordText('R', ['a', 'int'])
const V2 = recordText('R', ['a', 'int'], ['b', 'int', 0])

const schemaKey = (subject: string, version: number) =>
  `{"keytype":"SCHEMA","subject":"${subject}","version":${version},"magic":1}`
const schemaRecord = (subject: string, version: number, id: number, schema: string, deleted = false) => ({
  key: schemaKey(subject, version),
  value: JSON.stringify({ subject, version, id, schema, deleted }),
})

describe('the schemas topic', () => {
  it("holds records byte for byte as Confluent's registry writes them", async () => {
    const registry = await startMemoryRegistry()
    const references = [{ name: 'R', subject: 's', version: 1 }]
    await registry.register('s', V1)
    await registry.register('t', recordText('T', ['r', 'R']), { references })
    await registry.call('PUT', '/config', { compatibility: 'FULL' })
    await registry.call('PUT', '/config/s', { compatibility: 'NONE' })
    await registry.call('DELETE', '/config/s')
    await registry.call('PUT', '/mode/s', { mode: 'READWRITE' })
    await registry.call('DELETE', '/subjects/t/versions/1')
    await registry.call('DELETE', '/subjects/s')
    await registry.call('DELETE', '/subjects/t?permanent=true')
    await registry.close()
    const shownT = JSON.stringify(recordText('T', ['r', 'R']))
    const refs = '"references":[{"name":"R","subject":"s","version":1}]'
    expect(registry.topic.records).to.deep.equal([
      {
        key: schemaKey('s', 1),
        value: `{"subject":"s","version":1,"id":1,"schema":${JSON.stringify(V1)},"deleted":false}`,
      },
      {
        key: schemaKey('t', 1),
        value: `{"subject":"t","version":1,"id":2,${refs},"schema":${shownT},"deleted":false}`,
      },
      { key: '{"keytype":"CONFIG","subject":null,"magic":0}', value: '{"compatibilityLevel":"FULL"}' },
      { key: '{"keytype":"CONFIG","subject":"s","magic":0}', value: '{"compatibilityLevel":"NONE"}' },
      { key: '{"keytype":"CONFIG","subject":"s","magic":0}', value: null },
      { key: '{"keytype":"MODE","subject":"s","magic":0}', value: '{"mode":"READWRITE"}' },
      {
        key: schemaKey('t', 1),
        value: `{"subject":"t","version":1,"id":2,${refs},"schema":${shownT},"deleted":true}`,
      },
      { key: '{"keytype":"DELETE_SUBJECT","subject":"s","magic":0}', value: '{"subject":"s","version":1}' },
      { key: '{"keytype":"MODE","subject":"s","magic":0}', value: null },
      { key: schemaKey('t', 1), value: null },
    ])
  })

  for (const isCompacted of [false, true]) {
    it(`gives a registry that starts again what it had${isCompacted ? ', also once compacted' : ''}`, async () => {
      const topic = new MemoryTopic()
      const first = await startMemoryRegistry(topic)
      await first.register('a', V1)
      await first.register('a', V2)
      await first.register('b', V1)
      await first.register('c', V2)
      await first.call('PUT', '/config/a', { compatibility: 'FULL' })
      await first.call('DELETE', '/subjects/a/versions/1')
      await first.call('DELETE', '/subjects/c')
      await first.call('DELETE', '/subjects/c?permanent=true')
      await first.close()
      if (isCompacted) topic.compact()
      const second = await startMemoryRegistry(topic)
      expect((await second.call('GET', '/subjects?deleted=true')).body).to.deep.equal(['a', 'b'])
      expect((await second.call('GET', '/subjects/a/versions')).body).to.deep.equal([2])
      expect((await second.call('GET', '/subjects/a/versions?deleted=true')).body).to.deep.equal([1, 2])
      expect((await second.call('GET', '/schemas/ids/1')).body).to.deep.equal({ schema: V1 })
      expect((await second.call('GET', '/config/a')).body).to.deep.equal({ compatibilityLevel: 'FULL' })
      expect((await second.register('b', V2)).body).to.deep.equal({ id: 2 })
      expect((await second.register('c', recordText('New'))).body).to.deep.equal({ id: 3 })
      expect((await second.call('GET', '/subjects/c/versions')).body).to.deep.equal([2])
      await second.close()
    })
  }

  it('is read with records of other registries and of none', async () => {
    const topic = new MemoryTopic([
      { key: '{"keytype":"NOOP","magic":0}', value: null },
      { key: '{"keytype":"CONTEXT","tenant":"default","context":".x","magic":0}', value: '{}' },
      { key: 'not JSON', value: 'x' },
      { key: '"text"', value: 'x' },
      { key: schemaKey('s', 1), value: 'not JSON' },
      { key: '{"keytype":"SCHEMA","subject":"s","magic":1}', value: '{}' },
      {
        key: schemaKey('s', 2),
        value: `{"subject":"s","version":2,"id":5,"md5":"x","guid":"g","ts":1,"schema":${JSON.stringify(V1)},"deleted":false}`,
      },
      {
        key: '{"keytype":"CONFIG","subject":"s","magic":0}',
        value: '{"compatibilityLevel":"FULL","alias":"x"}',
      },
      { key: '{"keytype":"MODE","subject":"i","magic":0}', value: '{"subject":"i","mode":"IMPORT"}' },
    ])
    const registry = await startMemoryRegistry(topic)
    expect((await registry.call('GET', '/subjects/s/versions')).body).to.deep.equal([2])
    expect((await registry.call('GET', '/config/s')).body).to.deep.equal({ compatibilityLevel: 'FULL' })
    expect((await registry.register('s', V2)).body).to.deep.equal({ id: 6 })
    expect((await registry.call('GET', '/subjects/s/versions')).body).to.deep.equal([2, 3])
    expect(errorOf(await registry.register('i', V1)).code).to.equal(42205)
    await registry.close()
  })

  it('serves schemas of types and rules that it would not take itself', async () => {
    const lenient = recordText('R', ['a', 'int', 'none'])
    const proto = {
      subject: 'p',
      version: 1,
      id: 2,
      schemaType: 'PROTOBUF',
      schema: 'syntax = "proto3";',
      deleted: false,
    }
    const topic = new MemoryTopic([
      schemaRecord('s', 1, 1, lenient),
      { key: schemaKey('p', 1), value: JSON.stringify(proto) },
    ])
    const registry = await startMemoryRegistry(topic)
    expect((await registry.call('GET', '/schemas/ids/1')).body).to.deep.equal({ schema: lenient })
    expect((await registry.register('s', V1)).body).to.deep.equal({ id: 3 })
    expect((await registry.call('GET', '/schemas/ids/2')).body).to.deep.equal({
      schemaType: 'PROTOBUF',
      schema: 'syntax = "proto3";',
    })
    const answer = await registry.register('p', V1)
    expect(errorOf(answer)).to.deep.equal({ status: 409, code: 409 })
    expect((answer.body as { message: string }).message).to.include('different schema type')
    await registry.close()
  })

  it('keeps an id to its schema when another record claims it', async () => {
    const topic = new MemoryTopic([schemaRecord('s', 1, 1, V1), schemaRecord('t', 1, 1, V2)])
    const registry = await startMemoryRegistry(topic)
    expect((await registry.call('GET', '/schemas/ids/1')).body).to.deep.equal({ schema: V1 })
    expect((await registry.call('GET', '/subjects')).body).to.deep.equal(['s'])
    await registry.close()
  })

  it('refuses an id that another writer took first', async () => {
    const registry = await startMemoryRegistry()
    registry.topic.beforeAppend = () => {
      registry.topic.records.push(schemaRecord('other', 1, 1, V2))
      return Promise.resolve()
    }
    const answer = await registry.register('s', V1)
    expect(errorOf(answer)).to.deep.equal({ status: 500, code: 50001 })
    expect((answer.body as { message: string }).message).to.include('another registry writes')
    registry.topic.beforeAppend = () => Promise.resolve()
    expect((await registry.register('s', V1)).body).to.deep.equal({ id: 2 })
    await registry.close()
  })

  it('reports a topic that cannot be written, and goes on when it can', async () => {
    const registry = await startMemoryRegistry()
    registry.topic.beforeAppend = () => Promise.reject(new UnavailableError('kafka.unavailable', 'no broker'))
    const answer = await registry.register('s', V1)
    expect(errorOf(answer)).to.deep.equal({ status: 500, code: 50001 })
    expect((answer.body as { message: string }).message).to.include('no broker')
    expect((await registry.call('GET', '/subjects')).body).to.deep.equal([])
    registry.topic.beforeAppend = () => Promise.resolve()
    expect((await registry.register('s', V1)).body).to.deep.equal({ id: 1 })
    await registry.close()
  })

  it('takes a record into account that arrived although its write failed', async () => {
    const registry = await startMemoryRegistry()
    registry.topic.afterAppend = () => Promise.reject(new UnavailableError('kafka.unavailable', 'no answer'))
    expect((await registry.register('s', V1)).status).to.equal(500)
    registry.topic.afterAppend = () => Promise.resolve()
    expect((await registry.register('s', V2)).body).to.deep.equal({ id: 2 })
    expect((await registry.call('GET', '/subjects/s/versions')).body).to.deep.equal([1, 2])
    await registry.close()
  })

  it('shows nothing of a schema before its record was read back', async () => {
    const registry = await startMemoryRegistry()
    const written = Promise.withResolvers<undefined>()
    const proceed = Promise.withResolvers<undefined>()
    registry.topic.afterAppend = () => {
      written.resolve(undefined)
      return proceed.promise
    }
    const registering = registry.register('s', V1)
    await written.promise
    expect((await registry.call('GET', '/subjects')).body).to.deep.equal([])
    expect((await registry.call('GET', '/schemas/ids/1')).status).to.equal(404)
    proceed.resolve(undefined)
    expect((await registering).body).to.deep.equal({ id: 1 })
    await registry.close()
  })
})
