import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { Access, TooManyAttempts } from '../../src/access/access.ts'
import { Buckets, networkOf } from '../../src/access/buckets.ts'
import { roleProblem, roleTable } from '../../src/access/roles.ts'
import { messageOf } from '../../src/api/errors.ts'
import { SILENT } from '../../src/api/log.ts'
import { cheapHash } from '../support/cheap-hash.ts'

const basic = (name: string, password: string): string =>
  `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`

describe('who asks by user and password', function () {
  this.timeout(60_000)
  let folder: string
  let file: string
  let [alice, bob] = ['', '']
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'sluice-access-'))
    file = path.join(folder, 'users')
    ;[alice, bob] = [cheapHash('alice-secret'), cheapHash('bob-secret')]
    writeFileSync(file, `# our users\n\nalice:admin:${alice}\r\nbob:reader:${bob}\n`)
  })
  after(() => rmSync(folder, { recursive: true }))

  const open = async (failures?: Buckets): Promise<Access> => {
    const settings = { users: { file, setting: 'users.file' }, bearer: null, certificates: null }
    const access = new Access(settings, SILENT, failures)
    await access.open()
    return access
  }
  const ask = (access: Access, authorization: string | undefined, address = '10.0.0.1') =>
    access.identify({ authorization, certificate: undefined, address })

  it('is known with the right password alone, and has the role of the file', async () => {
    const access = await open()
    expect(await ask(access, basic('alice', 'alice-secret'))).to.deep.equal({
      name: 'alice',
      role: 'admin',
      by: 'password',
    })
    expect(await ask(access, basic('bob', 'bob-secret'))).to.have.property('role', 'reader')
    for (const wrong of [
      undefined,
      '',
      'Basic',
      'Basic ',
      'Basic !!!',
      'Basic YWxpY2U=',
      basic('alice', ''),
      basic('alice', 'bob-secret'),
      basic('carol', 'alice-secret'),
    ])
      expect(await ask(access, wrong, '10.0.0.2'), wrong).to.equal(undefined)
    for (const wrong of [
      basic('', ''),
      basic('__proto__', 'x'),
      'Bearer abc',
      'Digest abc',
      `${basic('a', 'b')} c`,
    ])
      expect(await ask(access, wrong, '10.0.0.3'), wrong).to.equal(undefined)
  })

  it('is told to wait after some wrong passwords from one address, which no right one of before suffers from', async () => {
    let now = 0
    const access = await open(new Buckets({ burst: 2, perSecond: 0.1, now: () => now }))
    const right = basic('alice', 'alice-secret')
    await ask(access, right)
    await ask(access, basic('alice', 'wrong-1'))
    await ask(access, basic('alice', 'wrong-2'))
    const refusal = await ask(access, basic('bob', 'bob-secret')).catch((error: unknown) => error)
    expect(refusal).to.be.instanceOf(TooManyAttempts).with.property('wait', 10)
    expect(await ask(access, right)).to.have.property('name', 'alice')
    expect(await ask(access, basic('bob', 'bob-secret'), '10.0.0.2')).to.have.property('name', 'bob')
    now = 10_000
    expect(await ask(access, basic('alice', 'wrong-3'))).to.equal(undefined)
  })

  it('counts many wrong passwords that come at once', async () => {
    const access = await open(new Buckets({ burst: 3, perSecond: 0.001 }))
    const asked = Array.from({ length: 12 }, (_, i) => ask(access, basic('alice', `wrong-${i}`)))
    const answers = await Promise.allSettled(asked)
    expect(answers.filter(({ status }) => status === 'fulfilled')).to.have.length(3)
  })

  it('is another one as soon as the file changes, and the same while the file is wrong', async () => {
    const access = await open()
    const right = basic('alice', 'alice-secret')
    expect(await ask(access, right)).to.have.property('role', 'admin')
    writeFileSync(file, `alice:reader:${alice}\n`)
    expect(await ask(access, right)).to.have.property('role', 'reader')
    writeFileSync(file, 'alice:king:x\n')
    expect(await ask(access, right)).to.have.property('role', 'reader')
    writeFileSync(file, `bob:reader:${bob}\n`)
    expect(await ask(access, right)).to.equal(undefined)
  })

  it('is nobody where the file is missing or has a wrong line, which no message repeats', async () => {
    const refusal = async (content: string): Promise<string> => {
      writeFileSync(file, content)
      return open().then(() => 'opened', messageOf)
    }
    expect(await refusal(''))
      .to.contain('users.file')
      .and.contain('sluice hash-password')
    for (const line of ['alice:canary-secret', 'alice:admin:canary-secret', `:admin:${bob}`, `canary:${bob}`])
      expect(await refusal(`bob:admin:${bob}\n${line}\n`), line)
        .to.contain('line 2')
        .and.not.contain('canary-secret')
    rmSync(file)
    expect(await open().then(() => 'opened', messageOf)).to.contain('cannot be read')
  })
})

describe('who asks by a certificate', () => {
  it('has the role of its common name, or of everybody', async () => {
    const certificates = roleTable(['ops.example.com:operator', ' spiffe://a/b : admin', '*:reader'])
    const access = new Access({ users: null, bearer: null, certificates }, SILENT)
    const ask = (certificate: string | undefined) =>
      access.identify({ authorization: undefined, certificate, address: '10.0.0.1' })
    expect(await ask('ops.example.com')).to.deep.equal({
      name: 'ops.example.com',
      role: 'operator',
      by: 'certificate',
    })
    expect(await ask('spiffe://a/b')).to.have.property('role', 'admin')
    expect(await ask('anybody')).to.have.property('role', 'reader')
    for (const none of [undefined, '', 'a\nb', 'x'.repeat(300)]) expect(await ask(none)).to.equal(undefined)
    const strict = new Access({ users: null, bearer: null, certificates: roleTable(['a:admin']) }, SILENT)
    const other = { authorization: undefined, certificate: 'b', address: '' }
    expect(await strict.identify(other)).to.have.property('role', null)
  })

  it('is configured by names with roles', () => {
    expect(roleProblem('a:admin')).to.equal(undefined)
    for (const wrong of ['a', ':admin', 'a:', 'a:king', 'a:Admin', ''])
      expect(roleProblem(wrong), wrong).to.contain('name:role')
  })
})

describe('the network of an address', () => {
  it('is the address itself of IPv4, and 64 bits of IPv6', () => {
    expect(
      ['10.1.2.3', '::ffff:10.1.2.3', '2001:db8:1:2:3:4:5:6', '2001:db8::1', '::1'].map(networkOf),
    ).to.deep.equal(['10.1.2.3', '10.1.2.3', '2001:db8:1:2', '2001:db8:0:0', '0:0:0:0'])
  })
})
