import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { ConnectError } from '../../../src/api/errors.ts'
import type { TokenSource } from '../../../src/kafka/security/token-config.ts'
import { Tokens } from '../../../src/kafka/security/tokens.ts'
import { tokenEndpoint, unsignedToken } from '../../support/token-endpoint.ts'

const source = (url: string, urlEncode = false): TokenSource => ({
  kind: 'endpoint',
  url,
  clientId: 'a+b',
  clientSecret: 's/1',
  scope: undefined,
  urlEncode,
})

async function refusal(tokens: Tokens): Promise<ConnectError> {
  const error: unknown = await tokens.get().catch((thrown: unknown) => thrown)
  if (error instanceof ConnectError) return error
  throw new Error('a token was given')
}

describe('the tokens of OAUTHBEARER', () => {
  it('are asked for once by all who need one at the same time, and until four fifths of their life are over', async () => {
    await using provider = await tokenEndpoint({ 'a+b:s/1': 'opaque' })
    const tokens = new Tokens(source(provider.url))
    expect(await Promise.all([tokens.get(), tokens.get()])).to.deep.equal(['opaque', 'opaque'])
    expect(await tokens.get()).to.equal('opaque')
    expect(provider.bodies).to.deep.equal(['grant_type=client_credentials'])
  })

  it('are asked for anew where they are old, or nobody says how long they live', async () => {
    for (const [token, more] of [
      ['opaque', { expires_in: 0 }],
      ['opaque', {}],
      [unsignedToken(-1), {}],
    ] as const) {
      await using provider = await tokenEndpoint({ 'a+b:s/1': token }, more)
      const tokens = new Tokens(source(provider.url))
      await tokens.get()
      await tokens.get()
      expect(provider.bodies, JSON.stringify(more)).to.have.lengthOf(2)
    }
  })

  it('live as long as a JWT says where the endpoint does not', async () => {
    await using provider = await tokenEndpoint({ 'a+b:s/1': unsignedToken() }, {})
    const tokens = new Tokens(source(provider.url))
    await tokens.get()
    await tokens.get()
    expect(provider.bodies).to.have.lengthOf(1)
  })

  it('are asked for with id and secret as they are, or URL-encoded where that is set', async () => {
    await using provider = await tokenEndpoint({ 'a%2Bb:s%2F1': 'encoded' })
    expect(await new Tokens(source(provider.url, true)).get()).to.equal('encoded')
    expect((await refusal(new Tokens(source(provider.url)))).message).to.contain('HTTP 401 (invalid_client)')
  })

  it('are refused where an answer is none of OAuth, and nothing of it is shown', async () => {
    await using provider = await tokenEndpoint({ 'a+b:s/1': '' })
    const error = await refusal(new Tokens(source(provider.url)))
    expect(error).to.include({ code: 'kafka.security', retriable: false })
    expect(error.message).to.contain('without an access_token')
  })

  it('of a file are read anew each time, and a file that is missing is named', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'sluice-token-'))
    const location = path.join(folder, 'token')
    try {
      const tokens = new Tokens({ kind: 'file', location })
      expect((await refusal(tokens)).message).to.contain(location)
      for (const token of ['first', 'second']) {
        writeFileSync(location, `${token}\n`)
        expect(await tokens.get()).to.equal(token)
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
