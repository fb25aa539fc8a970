import { expect } from 'chai'
import { describe, it } from 'mocha'
import { tokenEndpoint, unsignedToken } from '../../support/token-endpoint.ts'
import { ask, refusalOf } from './clients.ts'

export function clientsByToken(): void {
  describe('by OAUTHBEARER', () => {
    const MODULE = 'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required'
    const oauth = { 'security.protocol': 'SASL_PLAINTEXT', 'sasl.mechanism': 'OAUTHBEARER' }

    it('is let in with a token that nobody signed, as Kafka has it for tests', async () => {
      const jaas = `${MODULE} unsecuredLoginStringClaim_sub="alice";`
      expect(await ask('OAUTH', { ...oauth, 'sasl.jaas.config': jaas })).not.to.equal('')
    })

    it('is let in with the token of an identity provider, and asks for one token for all connections', async () => {
      await using provider = await tokenEndpoint({ 'sluice:s3cret/with+signs': unsignedToken() })
      const settings = {
        ...oauth,
        'sasl.oauthbearer.token.endpoint.url': provider.url,
        'sasl.jaas.config': `${MODULE} clientId="sluice" clientSecret="s3cret/with+signs" scope="kafka";`,
      }
      expect(await ask('OAUTH', settings)).not.to.equal('')
      expect(provider.bodies).to.deep.equal(['grant_type=client_credentials&scope=kafka'])
    })

    it('is told which of the two refused it: the identity provider, or the broker', async () => {
      await using provider = await tokenEndpoint({ 'sluice:right': 'no token of the kind' })
      const settings = { ...oauth, 'sasl.oauthbearer.token.endpoint.url': provider.url }
      const wrong = await refusalOf('OAUTH', {
        ...settings,
        'sasl.jaas.config': `${MODULE} clientId="sluice" clientSecret="wrong-secret";`,
      })
      expect(wrong.code).to.equal('kafka.security')
      expect(wrong.message).to.contain('HTTP 401').and.contain('Check the client id')
      expect(wrong.message).not.to.contain('wrong-secret')
      const unusable = await refusalOf('OAUTH', {
        ...settings,
        'sasl.jaas.config': `${MODULE} clientId="sluice" clientSecret="right";`,
      })
      expect(unusable.code).to.equal('kafka.security')
      expect(unusable.message).to.contain('it refuses the token of OAUTHBEARER')
    })

    it('is tried again while the identity provider is away', async () => {
      const settings = {
        ...oauth,
        'sasl.oauthbearer.token.endpoint.url': 'http://127.0.0.1:1/token',
        'sasl.jaas.config': `${MODULE} clientId="sluice" clientSecret="right";`,
      }
      const away = await refusalOf('OAUTH', settings)
      expect(away.retriable).to.equal(true)
      expect(away.message).to.contain('http://127.0.0.1:1/token').and.contain('cannot be reached')
    })
  })
}
