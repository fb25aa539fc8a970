import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { after, before, describe, it } from 'mocha'
import { type BearerSettings, BearerTokens, keysProblem } from '../../src/access/bearer-tokens.ts'
import { roleTable } from '../../src/access/roles.ts'
import { messageOf } from '../../src/api/errors.ts'

const SOON = Math.floor(Date.now() / 1000) + 600

describe('who asks by a token', () => {
  let folder: string
  let file: string
  let keys: { readonly publicKey: CryptoKey; readonly privateKey: CryptoKey }
  let others: typeof keys
  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'sluice-tokens-'))
    file = path.join(folder, 'keys.json')
    ;[keys, others] = [await generateKeyPair('ES256'), await generateKeyPair('ES256')]
    writeFileSync(file, JSON.stringify({ keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'one' }] }))
  })
  after(() => rmSync(folder, { recursive: true }))

  const tokens = (more: Partial<BearerSettings> = {}): BearerTokens =>
    new BearerTokens({
      keys: file,
      issuer: 'https://id.test',
      audience: ['sluice'],
      algorithms: ['ES256'],
      roleClaim: 'role',
      roles: new Map(),
      ...more,
    })
  const claims: JWTPayload = { iss: 'https://id.test', aud: 'sluice', sub: 'alice', role: 'admin', exp: SOON }
  const signed = (payload: JWTPayload, key = keys.privateKey, header = {}): Promise<string> =>
    new SignJWT(payload).setProtectedHeader({ alg: 'ES256', kid: 'one', ...header }).sign(key)

  it('is known by a token of the issuer, for us, that is signed and not too old', async () => {
    const found = await tokens().identify(await signed(claims))
    expect(found).to.deep.equal({ name: 'alice', role: 'admin', by: 'token' })
  })

  it('is nobody with any other token', async () => {
    const without = (name: string): JWTPayload =>
      Object.fromEntries(Object.entries(claims).filter(([key]) => key !== name))
    const right = await signed(claims)
    const [head = '', , signature = ''] = right.split('.')
    const forged = Buffer.from(JSON.stringify({ ...claims, sub: 'mallory' })).toString('base64url')
    // The public key is known: whoever could sign with it as a shared secret would be let in.
    const shared = new TextEncoder().encode(JSON.stringify(await exportJWK(keys.publicKey)))
    const wrong: [string, string][] = [
      ['of another issuer', await signed({ ...claims, iss: 'https://evil.test' })],
      ['for another audience', await signed({ ...claims, aud: 'other' })],
      ['without an audience', await signed(without('aud'))],
      ['that has expired', await signed({ ...claims, exp: SOON - 3600 })],
      ['that never expires', await signed(without('exp'))],
      ['that is not valid yet', await signed({ ...claims, nbf: SOON })],
      ['without a name', await signed(without('sub'))],
      ['with a name for logs to stumble over', await signed({ ...claims, sub: 'a\nb' })],
      ['of another key', await signed(claims, others.privateKey)],
      ['of a key that is not known', await signed(claims, others.privateKey, { kid: 'two' })],
      ['with other claims', `${head}.${forged}.${signature}`],
      ['that nobody signed', new UnsecuredJWT(claims).encode()],
      [
        'signed with a shared secret',
        await new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(shared),
      ],
      ['that is none', 'x'],
      ['that is empty', '..'],
      ['that is far too long', `${right}${'A'.repeat(10_000)}`],
    ]
    for (const [what, token] of wrong) expect(await tokens().identify(token), what).to.equal(undefined)
  })

  it('may do what the claim says, or what the settings make of it', async () => {
    const roleOf = async (payload: JWTPayload, more: Partial<BearerSettings> = {}): Promise<unknown> =>
      (await tokens(more).identify(await signed({ ...claims, ...payload })))?.role
    expect(await roleOf({ role: ['reader', 'operator', 'king'] })).to.equal('operator')
    expect(await roleOf({ role: 'king' })).to.equal(null)
    expect(await roleOf({ role: undefined })).to.equal(null)
    expect(await roleOf({ role: { admin: true } })).to.equal(null)
    const within = { roleClaim: 'realm_access.roles', roles: roleTable(['connect-ops:operator', '*:reader']) }
    expect(await roleOf({ realm_access: { roles: ['connect-ops'] } }, within)).to.equal('operator')
    expect(await roleOf({ realm_access: { roles: ['admin'] } }, within)).to.equal('reader')
    expect(await roleOf({ realm_access: 'x' }, { ...within, roles: new Map() })).to.equal(null)
    expect(await roleOf({}, { roleClaim: 'constructor.name' })).to.equal(null)
  })

  it('is known by keys that are fetched, and is not refused for good while they cannot be', async () => {
    let body = JSON.stringify({ keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'one' }] })
    const server: Server = createServer((_request, response) => {
      response.statusCode = body === '' ? 500 : 200
      response.end(body)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const url = { keys: `http://127.0.0.1:${port}/keys` }
    try {
      expect(await tokens(url).identify(await signed(claims))).to.have.property('name', 'alice')
      expect(await tokens(url).identify(await signed(claims, others.privateKey))).to.equal(undefined)
      body = ''
      const away = await tokens(url)
        .identify(await signed(claims))
        .catch((error: unknown) => error)
      expect(away).to.have.property('code', 'access.busy')
    } finally {
      server.close()
    }
    expect(
      await tokens({ keys: path.join(folder, 'none') })
        .open()
        .catch(messageOf),
    ).to.contain('rest.auth.bearer.jwks')
  })

  it('is checked with keys of a file, an https URL, or a URL of this machine', () => {
    for (const right of ['/etc/keys.json', 'keys.json', 'https://id.test/keys', 'http://127.0.0.1:1/keys'])
      expect(keysProblem(right), right).to.equal(undefined)
    for (const wrong of ['http://id.test/keys', 'ftp://id.test/keys', 'http://127.0.0.1.evil.test/'])
      expect(keysProblem(wrong), wrong).to.be.a('string')
  })
})
