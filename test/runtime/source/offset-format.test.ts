import { expect } from 'chai'
import { describe, it } from 'mocha'
import { partitionForKey } from '../../../src/kafka/produce/partitioner.ts'
import {
  offsetJson,
  offsetKey,
  parseOffset,
  parseOffsetKey,
  partitionId,
  sourceMapProblem,
} from '../../../src/runtime/source/offset-format.ts'

describe('the records of the offset topic', () => {
  it('have the keys that Kafka Connect writes, which decide the partition', () => {
    const key = offsetKey('local-file-source', { filename: '/tmp/test.txt' })
    expect(key).to.equal('["local-file-source",{"filename":"/tmp/test.txt"}]')
    expect(partitionForKey(Buffer.from(key), 25)).to.be.within(0, 24)
    expect(offsetKey('a', { filename: null })).to.equal('["a",{"filename":null}]')
  })

  it('are written as Jackson writes JSON', () => {
    expect(offsetJson({ text: 'é"\\/\u001f\n\u007f' })).to.equal('{"text":"é\\"\\\\/\\u001F\\n\u007f"}')
    expect(offsetJson({ text: '\\u001f' })).to.equal('{"text":"\\\\u001f"}')
    expect(offsetJson({ lsn: 2n ** 63n - 1n, done: true })).to.equal(
      '{"lsn":9223372036854775807,"done":true}',
    )
  })

  it('are read back with all digits', () => {
    const offset = { lsn: 2n ** 63n - 1n, small: 7, none: null }
    expect(parseOffset(offsetJson(offset))).to.deep.equal(offset)
    const place = { connector: 'a', partition: { server: 'x' } }
    expect(parseOffsetKey(offsetKey('a', { server: 'x' }))).to.deep.equal(place)
  })

  it('tell what is no key and no offset', () => {
    for (const key of ['', 'null', '{}', '["a"]', '["a",1]', '["a",[]]', '["a",{},1]', '[1,{}]', '["a",{}'])
      expect(parseOffsetKey(key), key).to.equal(undefined)
    for (const value of ['', '1', '"x"', '[]', '{']) expect(parseOffset(value), value).to.equal(undefined)
    expect(parseOffset(null)).to.equal(null)
    expect(parseOffset('null')).to.equal(null)
  })

  it('name a partition in one way', () => {
    expect(partitionId({ b: 1, a: 'x' })).to.equal(partitionId({ a: 'x', b: 1 }))
    expect(partitionId({ a: '1' })).not.to.equal(partitionId({ a: 1 }))
  })

  it('hold flat JSON objects alone, and say what is none', () => {
    expect(sourceMapProblem({ a: 1, b: 'x', c: null, d: true, e: 1n })).to.equal(undefined)
    const wrong: [unknown, string][] = [
      [undefined, 'is undefined, not a plain object'],
      [null, 'is null, not a plain object'],
      [[1], 'is an array, not a plain object'],
      [new Map(), 'is an instance of Map, not a plain object'],
      [{ at: new Date(0) }, 'has an instance of Date as "at"'],
      [{ at: undefined }, 'has undefined as "at"'],
      [{ at: Number.NaN }, 'has NaN as "at"'],
      [{ at: { deep: 1 } }, 'has an object as "at"'],
      [{ at: () => 1 }, 'has function as "at"'],
    ]
    for (const [value, problem] of wrong) expect(sourceMapProblem(value)).to.contain(problem)
  })
})
