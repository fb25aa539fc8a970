import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { ConnectError } from '../../../src/api/errors.ts'
import { KEY_PASSWORD, STORE_PASSWORD } from '../../support/certificates.ts'
import { ask, clientOf, file, refusalOf, sasl, type Settings, trusting } from './clients.ts'

export function clientsByTls(): void {
  describe('by TLS', () => {
    const trust = (type: string, name: string): Settings => ({
      'security.protocol': 'SSL',
      'ssl.truststore.type': type,
      'ssl.truststore.location': file(name),
      'ssl.truststore.password': STORE_PASSWORD,
    })

    it('trusts what a file of PEM, JKS or PKCS12 says, also one of an old Java', async () => {
      for (const [type, name] of [
        ['PEM', 'ca.pem'],
        ['JKS', 'trust.jks'],
        ['PKCS12', 'trust.p12'],
        ['PKCS12', 'old-trust.p12'],
        ['JKS', 'trust.p12'], // Java looks into the file too
      ] as const)
        expect(await ask('TLS', trust(type, name)), `${type} ${name}`).not.to.equal('')
    })

    it('trusts PEM in the settings themselves, where line breaks have become blanks', async () => {
      const written = readFileSync(file('ca.pem'), 'utf8').replaceAll('\n', ' ')
      expect(
        await ask('TLS', { 'security.protocol': 'ssl', 'ssl.truststore.certificates': written }),
      ).not.to.equal('')
    })

    it('shows its own certificate, of PEM, JKS or PKCS12, to a broker that asks for one', async () => {
      const own = (type: string, name: string, keyPassword: string): Settings => ({
        'ssl.keystore.type': type,
        'ssl.keystore.location': file(name),
        'ssl.keystore.password': STORE_PASSWORD,
        'ssl.key.password': keyPassword,
      })
      expect(
        await ask('MUTUAL', { ...trusting(), ...own('PKCS12', 'client.p12', STORE_PASSWORD) }),
      ).not.to.equal('')
      expect(await ask('MUTUAL', { ...trusting(), ...own('JKS', 'client.jks', KEY_PASSWORD) })).not.to.equal(
        '',
      )
      const both = readFileSync(file('client-sealed.key'), 'utf8') + readFileSync(file('client.pem'), 'utf8')
      writeFileSync(file('client-both.pem'), both)
      const pem = { 'ssl.keystore.type': 'PEM', 'ssl.keystore.location': file('client-both.pem') }
      expect(await ask('MUTUAL', { ...trusting(), ...pem, 'ssl.key.password': KEY_PASSWORD })).not.to.equal(
        '',
      )
      const written = {
        'ssl.keystore.key': readFileSync(file('client-sealed.key'), 'utf8'),
        'ssl.keystore.certificate.chain': readFileSync(file('client.pem'), 'utf8'),
        'ssl.key.password': KEY_PASSWORD,
      }
      expect(await ask('MUTUAL', { ...trusting(), ...written })).not.to.equal('')
    })

    it('says who it is by SASL within TLS', async () => {
      const settings = { ...trusting(), ...sasl('SCRAM-SHA-512'), 'security.protocol': 'SASL_SSL' }
      expect(await ask('SASLSSL', settings)).not.to.equal('')
      expect(
        await ask('SASLSSL', { ...settings, ...sasl('PLAIN'), 'security.protocol': 'SASL_SSL' }),
      ).not.to.equal('')
    })

    it('accepts a broker under another name only where it is told to', async () => {
      const refused = await refusalOf('WRONGHOST', trusting())
      expect(refused.message).to.match(/localhost:\d+ cannot be used: its certificate is for another host/)
      expect(refused.message).to.contain('kafka.example').and.contain('ssl.endpoint.identification.algorithm')
      expect(
        await ask('WRONGHOST', { ...trusting(), 'ssl.endpoint.identification.algorithm': '' }),
      ).not.to.equal('')
    })

    it('accepts a renewed certificate and trust store without a new client', async () => {
      const moving = file('moving.pem')
      copyFileSync(file('other-ca.pem'), moving)
      const client = clientOf('STRANGER', { ...trusting(), 'ssl.truststore.location': moving })
      try {
        await client.connection('any', 'first')
        copyFileSync(file('ca.pem'), moving)
        const refused = await client.connection('any', 'second').catch((error: unknown) => error)
        expect(refused).to.be.instanceOf(ConnectError).with.property('code', 'kafka.security')
        expect(refused).to.have.property('retriable', true) // it worked before
        copyFileSync(file('other-ca.pem'), moving)
        await client.connection('any', 'second')
      } finally {
        await client.close()
      }
    })
  })
}
