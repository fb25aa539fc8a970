import { expect } from 'chai'
import { describe, it } from 'mocha'
import { errorCode } from '../../src/index.ts'

describe('an error code of a plugin', () => {
  it('begins with the name of the plugin', () => {
    expect(errorCode('postgres', 'not-there')).to.equal('postgres.not-there')
  })

  for (const [plugin, word] of [
    ['kafka', 'away'],
    ['Postgres', 'away'],
    ['postgres', 'not there'],
    ['', 'away'],
    ['post.gres', 'away'],
  ] as const)
    it(`is not "${plugin}.${word}"`, () => {
      expect(() => errorCode(plugin, word)).to.throw(TypeError, plugin)
    })
})
