import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { Access } from '../../src/access/access.ts'
import { Buckets } from '../../src/access/buckets.ts'
import { ConnectError } from '../../src/api/errors.ts'
import { SILENT } from '../../src/api/log.ts'
import { RegistryClient } from '../../src/converters/avro/registry-client.ts'
import { neededRole } from '../../src/registry/access.ts'
import { type RegistryServer, serveRegistry } from '../../src/registry/server.ts'
import { cheapHash } from '../support/cheap-hash.ts'
import { sluice } from '../support/process.ts'
import { MemoryTopic } from './memory-topic.ts'

describe('a schema registry with users', function () {
  this.timeout(30_000)
  let folder: string
  let registry: RegistryServer
  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'sluice-registry-users-'))
    const file = path.join(folder, 'users')
    const hash = cheapHash('right-secret')
    writeFileSync(file, ['reader', 'operator', 'admin'].map((role) => `${role}:${role}:${hash}\n`).join(''))
    const settings = { users: { file, setting: 'users' }, bearer: null, certificates: null }
    const access = new Access(settings, SILENT, new Buckets({ burst: 1000, perSecond: 1 }))
    await access.open()
    const allowedHosts = ['registry.example.com']
    registry = await serveRegistry(new MemoryTopic().open, 0, SILENT, {
      host: '0.0.0.0',
      allowedHosts,
      access,
    })
  })
  after(async () => {
    await registry.close()
    rmSync(folder, { recursive: true })
  })

  const client = (userInfo: string | null): RegistryClient =>
    new RegistryClient({
      urls: [`http://127.0.0.1:${registry.port}`],
      userInfo,
      retries: 0,
      retryWaitMs: 1,
      timeoutMs: 5_000,
      log: SILENT,
    })
  const outcome = (work: Promise<unknown>): Promise<unknown> =>
    work.catch((error: unknown) => (error instanceof ConnectError ? error.code : error))
  const schema = { schema: '"string"' }

  it('is used by our client with basic.auth.user.info, by each role as far as it may', async () => {
    expect(await outcome(client('operator:right-secret').register('s', schema))).to.equal(1)
    expect(await outcome(client('reader:right-secret').lookup('s', schema))).to.equal(1)
    expect(await outcome(client('reader:right-secret').schemaById(1))).to.have.property('schema', '"string"')
    expect(await outcome(client('reader:right-secret').register('t', schema))).to.equal('registry.denied')
    for (const wrong of [null, 'reader:wrong', 'nobody:right-secret'])
      expect(await outcome(client(wrong).schemaById(1)), String(wrong)).to.equal('registry.denied')
  })

  it('needs an admin to delete, and to set levels and modes', () => {
    for (const [method, path] of [
      ['DELETE', '/subjects/s'],
      ['PUT', '/config'],
      ['PUT', '/mode/s'],
      ['POST', '/new'],
    ] as const)
      expect(neededRole(method, path), path).to.equal('admin')
    expect(neededRole('POST', '/compatibility/subjects/s/versions/latest')).to.equal('reader')
  })

  it('takes no other names than its own, of whoever asks', async () => {
    const codeFor = (host: string) =>
      new Promise((resolve) => {
        request(
          { host: '127.0.0.1', port: registry.port, path: '/subjects', headers: { host } },
          (answer) => {
            answer.resume()
            resolve(answer.statusCode)
          },
        ).end()
      })
    expect(await codeFor('evil.test')).to.equal(403)
    for (const host of ['10.1.2.3:8081', 'registry.EXAMPLE.com', 'localhost'])
      expect(await codeFor(host), host).to.equal(401)
  })

  it('listens on no address of others without users', async () => {
    const command = sluice(['registry', '--host', '0.0.0.0'])
    expect(await command.exited).to.equal(1)
    expect(command.stderr()).to.contain('--users-file').and.contain('--allow-network')
    const missing = sluice(['registry', '--host', '0.0.0.0', '--users-file', path.join(folder, 'none')])
    expect(await missing.exited).to.equal(1)
    expect(missing.stderr()).to.contain('--users-file').and.contain('cannot be read')
  })
})
