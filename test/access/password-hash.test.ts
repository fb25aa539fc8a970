import { expect } from 'chai'
import { describe, it } from 'mocha'
import { hashPassword, isPassword, readHash, unknownHash } from '../../src/access/password-hash.ts'

describe('the hash of a password', function () {
  this.timeout(30_000)

  it('fits that password alone, and is another one each time', async () => {
    const [first, second] = [await hashPassword('correct horse'), await hashPassword('correct horse')]
    expect(first)
      .to.match(/^scrypt\$32768\$8\$3\$/)
      .and.not.equal(second)
    const hash = readHash(first)!
    expect(await isPassword('correct horse', hash)).to.equal(true)
    for (const wrong of ['', 'correct horsf', 'Correct horse', 'correct horse ', 'x'.repeat(100_000)])
      expect(await isPassword(wrong, hash), wrong.slice(0, 20)).to.equal(false)
  })

  it('takes a letter for the same however it is composed', async () => {
    const hash = readHash(await hashPassword('passw\u00F6rd'))!
    expect(await isPassword('passwo\u0308rd', hash)).to.equal(true)
  })

  it('is refused where it is none, is cheap, or would take all memory', () => {
    const [salt, hash] = ['c2FsdHNhbHRzYWx0c2FsdA==', 'aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g=']
    expect(readHash(`scrypt$32768$8$1$${salt}$${hash}`)).not.to.equal(undefined)
    for (const wrong of [
      '',
      'secret',
      `bcrypt$32768$8$1$${salt}$${hash}`,
      `scrypt$16$8$1$${salt}$${hash}`,
      `scrypt$30000$8$1$${salt}$${hash}`,
      `scrypt$4194304$8$1$${salt}$${hash}`,
      `scrypt$32768$99$1$${salt}$${hash}`,
      `scrypt$32768$8$17$${salt}$${hash}`,
      `scrypt$32768$8$0$${salt}$${hash}`,
      `scrypt$32768$8$1$${salt}$`,
      `scrypt$32768$8$1$$${hash}`,
      `scrypt$32768$8$1$${salt}$${hash}$`,
    ])
      expect(readHash(wrong), wrong).to.equal(undefined)
  })

  it('of nobody costs as much as one that is there, and fits nothing', async () => {
    const hash = readHash(await hashPassword('correct horse'))!
    const { n, r, p } = unknownHash(hash)
    expect({ n, r, p }).to.deep.equal({ n: hash.n, r: hash.r, p: hash.p })
    expect(await isPassword('correct horse', unknownHash(hash))).to.equal(false)
  })

  it('is compared for two callers at once, some wait, and others are told to come again', async () => {
    const hash = readHash(await hashPassword('correct horse'))!
    const asked = await Promise.allSettled(
      Array.from({ length: 60 }, () => isPassword('wrong', { ...hash, n: 1024, p: 1 })),
    )
    const refused = asked.filter(({ status }) => status === 'rejected')
    expect(refused).to.have.length(60 - 34)
    expect(await isPassword('correct horse', hash)).to.equal(true)
  })
})
