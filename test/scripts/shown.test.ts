import { expect } from 'chai'
import { describe, it } from 'mocha'
import { shown } from '../../scripts/shown.ts'
import { struct } from '../../src/index.ts'

describe('a value of an example in the reference', () => {
  it('has every digit of an int64, wherever it is', () => {
    const minutes = 9007199254740993n
    expect(shown(minutes)).to.equal('9007199254740993')
    expect(shown(struct({ a: [minutes, -minutes] }))).to.equal('{"a":[9007199254740993,-9007199254740993]}')
  })

  it('is JSON where JSON has it', () => {
    for (const value of [null, 'a "b"', 0.1, true, [], [1, [2]], { a: { 'b c': null } }])
      expect(shown(value)).to.equal(JSON.stringify(value))
    expect(shown(new Map([['a', 1]]))).to.equal('{"a":1}')
  })

  it('has bytes as the text that they are, or short', () => {
    expect(shown(Buffer.from('not an image'))).to.equal('<bytes "not an image">')
    expect(shown({ a: Buffer.from([255, 216]) })).to.equal('{"a":<2 bytes ffd8>}')
    expect(shown(Buffer.alloc(1619))).to.equal(`<1619 bytes ${'00'.repeat(16)}…>`)
  })
})
