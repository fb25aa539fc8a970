import { expect } from 'chai'
import { describe, it } from 'mocha'
import { avroConverter } from '../../../src/converters/avro/plugin.ts'
import {
  dropMemoryRegistry,
  MemoryRegistry,
  memoryRegistry,
  mockScope,
} from '../../../src/converters/avro/memory-registry.ts'

const [A, B] = [{ schema: '"int"' }, { schema: '"long"' }]

describe('a schema registry in memory', () => {
  it('gives a schema one id, whatever subjects it has', async () => {
    const registry = new MemoryRegistry()
    expect(await registry.lookup('s', A)).to.equal(null)
    expect(await registry.register('s', A)).to.equal(1)
    expect(await registry.register('s', B)).to.equal(2)
    expect(await registry.lookup('t', A)).to.equal(null)
    expect(await registry.register('t', A)).to.equal(1)
    expect(await registry.lookup('t', A)).to.equal(1)
    expect(await registry.schemaById(2)).to.deep.equal(B)
    expect(await registry.schemaById(3)).to.equal(null)
  })

  it('numbers the versions of a subject, and a schema that it has is no new one', async () => {
    const registry = new MemoryRegistry()
    for (const schema of [A, B, A]) await registry.register('s', schema)
    expect(await registry.schemaVersion('s', 1)).to.deep.equal(A)
    expect(await registry.schemaVersion('s', 'latest')).to.deep.equal(B)
    expect(await registry.schemaVersion('s', 3)).to.equal(null)
    expect(await registry.schemaVersion('t', 'latest')).to.equal(null)
  })

  it('is shared by all that name its scope, until that is dropped', async () => {
    await memoryRegistry('one').register('s', A)
    expect(await memoryRegistry('one').lookup('s', A)).to.equal(1)
    expect(await memoryRegistry('two').lookup('s', A)).to.equal(null)
    dropMemoryRegistry('one')
    expect(await memoryRegistry('one').lookup('s', A)).to.equal(null)
  })

  it('is what mock://name alone means to AvroConverter', () => {
    expect(mockScope('mock://a.b-c')).to.equal('a.b-c')
    for (const url of ['mock://', 'http://mock', 'mock://a/b'])
      expect(mockScope(url), url).to.equal(undefined)
    const problems = (url: string) => avroConverter.config.parse({ 'schema.registry.url': url }).problems
    expect(problems('mock://tests')).to.deep.equal([])
    expect(problems('mock://tests,http://registry:8081')).to.have.length(1)
  })
})
