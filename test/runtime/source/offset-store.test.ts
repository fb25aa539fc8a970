import { expect } from 'chai'
import { describe, it } from 'mocha'
import { OffsetStore } from '../../../src/runtime/source/offset-store.ts'
import { SourceOffsets } from '../../../src/runtime/source/source-offsets.ts'
import { MemoryTopics } from '../../worker/memory-log.ts'

const topic = (name: string) => ({ topic: name, partitions: 1, replicationFactor: 1 })

describe('the store of source offsets', () => {
  function open(topics: MemoryTopics, name = 'offsets', only?: string): Promise<OffsetStore> {
    return OffsetStore.open((onRecord) => topics.open(topic(name), onRecord), `topic ${name}`, only)
  }

  it('goes on with what Kafka Connect wrote, under the very key that it has', async () => {
    const topics = new MemoryTopics()
    topics.write('offsets', '["a",{"server":"s","db":"d"}]', '{"lsn":9223372036854775807}')
    const store = await open(topics)
    const partition = { db: 'd', server: 's' }
    expect(store.offset('a', partition)).to.deep.equal({ lsn: 2n ** 63n - 1n })
    expect(store.offset('b', partition)).to.equal(null)
    await store.write('a', [{ partition, offset: { lsn: 1 } }])
    expect(topics.records('offsets').at(-1)).to.deep.equal({
      key: '["a",{"server":"s","db":"d"}]',
      value: '{"lsn":1}',
    })
    expect(store.offset('a', partition)).to.deep.equal({ lsn: 1 })
  })

  it('ignores keys that are none, and says which offset cannot be read', async () => {
    const topics = new MemoryTopics()
    for (const key of ['x', '["a"]', '[1,{}]']) topics.write('offsets', key, '{}')
    topics.write('offsets', '["a",{"f":1}]', 'not JSON')
    const store = await open(topics)
    expect(() => store.offset('a', { f: 1 }))
      .to.throw('Connector a: what topic offsets holds as the offset of {"f":1}')
      .with.property('code', 'source.offset')
    await store.write('a', [{ partition: { f: 1 }, offset: null }])
    expect(store.offset('a', { f: 1 })).to.equal(null)
  })

  it('keeps one connector alone where it is asked to', async () => {
    const topics = new MemoryTopics()
    topics.write('offsets', '["a",{"f":1}]', '{"n":1}')
    topics.write('offsets', '["b",{"f":1}]', '{"n":2}')
    const store = await open(topics, 'offsets', 'a')
    expect(store.offsets('a')).to.deep.equal([{ partition: { f: 1 }, offset: { n: 1 } }])
    expect(store.offsets('b')).to.deep.equal([])
  })

  it('reads a topic of the connector before that of the workers, and writes both', async () => {
    const topics = new MemoryTopics()
    topics.write('offsets', '["a",{"f":1}]', '{"n":1}')
    topics.write('offsets', '["a",{"f":2}]', '{"n":2}')
    topics.write('own', '["a",{"f":1}]', '{"n":10}')
    const both = new SourceOffsets('a', 'offsets', [await open(topics, 'own'), await open(topics)])
    expect([both.offset({ f: 1 }), both.offset({ f: 2 }), both.offset({ f: 3 })]).to.deep.equal([
      { n: 10 },
      { n: 2 },
      null,
    ])
    await both.write([{ partition: { f: 2 }, offset: { n: 20 } }])
    for (const name of ['own', 'offsets'])
      expect(topics.records(name).at(-1)).to.deep.equal({ key: '["a",{"f":2}]', value: '{"n":20}' })
  })
})
