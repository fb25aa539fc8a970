import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { StoreError } from '../../src/tls/store-content.ts'
import { readStore, type StoreFile } from '../../src/tls/stores.ts'
import { type Certificates, KEY_PASSWORD, makeCertificates, STORE_PASSWORD } from '../support/certificates.ts'

describe('a key or trust store', function () {
  this.timeout(120_000)
  let made: Certificates
  before(async () => {
    made = await makeCertificates(mkdtempSync(path.join(tmpdir(), 'sluice-stores-')))
  })
  after(() => rmSync(made.folder, { recursive: true }))

  const read = (name: string, more: Partial<StoreFile> = {}) =>
    readStore({
      location: made.file(name),
      type: 'JKS',
      password: STORE_PASSWORD,
      keyPassword: KEY_PASSWORD,
      ...more,
    })
  const refusal = async (name: string, more: Partial<StoreFile> = {}): Promise<string> => {
    try {
      const { key } = await read(name, more)
      key?.privateKey()
      return 'none'
    } catch (error) {
      if (error instanceof StoreError) return error.message
      throw error
    }
  }
  const derOf = (pem: string): string => new X509Certificate(pem).raw.toString('hex')

  it('gives the same certificates whichever format it has', async () => {
    const expected = derOf(readFileSync(made.file('ca.pem'), 'utf8'))
    for (const name of ['trust.jks', 'trust.p12', 'old-trust.p12']) {
      const { certificates, key } = await read(name)
      expect(certificates.map(derOf), name).to.deep.equal([expected])
      expect(key, name).to.equal(null)
    }
  })

  it('gives a private key with its certificate first and those that sign it behind', async () => {
    const chain = ['client.pem', 'ca.pem'].map((name) => derOf(readFileSync(made.file(name), 'utf8')))
    for (const name of ['client.jks', 'client.p12']) {
      const { key } = await read(name)
      expect(key?.chain.map(derOf), name).to.deep.equal(chain)
      expect(
        new X509Certificate(key?.chain[0] ?? '').checkPrivateKey(createPrivateKey(key?.privateKey() ?? '')),
        name,
      ).to.equal(true)
    }
  })

  it('of JKS is read unchecked without a password, as Java does, but not its key', async () => {
    const open = { password: undefined, keyPassword: undefined }
    expect((await read('trust.jks', open)).certificates).to.have.lengthOf(1)
    expect(await refusal('client.jks', open)).to.contain('needs a password')
    expect(await refusal('client.jks', { keyPassword: STORE_PASSWORD })).to.contain('another password')
  })

  it('of PKCS12 asks for its password', async () => {
    expect(await refusal('trust.p12', { password: undefined, keyPassword: undefined })).to.equal(
      'needs its password',
    )
    expect(await refusal('trust.p12', { password: 'x' })).to.contain('its password is wrong')
  })

  it('that is damaged or cut off anywhere is refused, and never taken for another', async () => {
    for (const name of ['client.jks', 'client.p12']) {
      const whole = readFileSync(made.file(name))
      const broken = path.join(made.folder, 'broken')
      const more = { location: broken }
      for (let length = 0; length < whole.length; length += Math.ceil(whole.length / 60)) {
        writeFileSync(broken, whole.subarray(0, length))
        expect(await refusal(name, more), `${name} cut at ${length}`).not.to.equal('none')
        const changed = Buffer.from(whole)
        changed[length] = (changed[length] ?? 0) ^ 0x55
        writeFileSync(broken, changed)
        expect(await refusal(name, more), `${name} changed at ${length}`).not.to.equal('none')
      }
    }
  })

  it('of JKS that is hostile ends at once, also where nothing checks it', async () => {
    const open = { location: path.join(made.folder, 'hostile'), password: undefined }
    const trailer = Buffer.alloc(20)
    const entry = (count: number, ...rest: number[]): Buffer => {
      const head = Buffer.alloc(12)
      head.writeUInt32BE(0xfeedfeed, 0)
      head.writeUInt32BE(2, 4)
      head.writeUInt32BE(count, 8)
      return Buffer.concat([head, Buffer.from(rest), trailer])
    }
    const huge = [0xff, 0xff, 0xff, 0xff]
    const key = [0, 0, 0, 1, 0, 1, 0x61, ...Array.from({ length: 8 }, () => 0)]
    for (const [content, words] of [
      [entry(2 ** 32 - 1), 'ends too early'],
      [entry(1, 0, 0, 0, 9, 0, 1, 0x61, ...Array.from({ length: 8 }, () => 0)), 'does not have'],
      [entry(1, ...key, ...huge), 'ends too early'],
      [entry(1, ...key, 0, 0, 0, 0, ...huge), 'ends too early'],
    ] as const) {
      writeFileSync(open.location, content)
      expect(await refusal('', open)).to.contain(words)
    }
  })
})
