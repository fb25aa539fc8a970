import { expect } from 'chai'
import { describe, it } from 'mocha'
import { STORE_PASSWORD } from '../../support/certificates.ts'
import type { ListenerName } from '../../support/secured-kafka.ts'
import { file, kafka, refusalOf, sasl, type Settings, trusting } from './clients.ts'

const expiredOwn = (): Settings => ({
  'ssl.keystore.type': 'PKCS12',
  'ssl.keystore.location': file('expired.p12'),
  'ssl.keystore.password': STORE_PASSWORD,
})

export function refusedClients(): void {
  describe('is told in one sentence, which says what to do,', () => {
    const cases: [string, () => [ListenerName | 'clear', Settings], RegExp][] = [
      [
        'of a wrong password',
        () => ['PLAIN', sasl('PLAIN', 'wrong-secret')],
        /refuses user and password of PLAIN.*: check sasl\.jaas\.config/,
      ],
      [
        'of a wrong password of SCRAM',
        () => ['SCRAM', sasl('SCRAM-SHA-256', 'wrong-secret')],
        /refuses user and password of SCRAM-SHA-256.*check sasl\.jaas\.config/,
      ],
      [
        'of a mechanism that the broker does not have',
        () => ['SCRAM', sasl('PLAIN')],
        /does not know PLAIN at this port: change sasl\.mechanism.*offers SCRAM-SHA-(256|512), SCRAM/,
      ],
      [
        'of a certificate that it does not trust',
        () => ['STRANGER', trusting()],
        /signed by nobody that this client trusts: set ssl\.truststore/,
      ],
      ['of an expired certificate', () => ['EXPIRED', trusting()], /has expired: renew it/],
      [
        'of a broker that asks for its certificate',
        () => ['MUTUAL', trusting()],
        /does not accept this client's certificate.*set ssl\.keystore/,
      ],
      [
        'of its own certificate that has expired',
        () => ['MUTUAL', { ...trusting(), ...expiredOwn() }],
        /does not accept this client's certificate \(.*\): set ssl\.keystore/,
      ],
      [
        'of a port that speaks TLS',
        () => ['TLS', {}],
        /speaks TLS at this port: set security\.protocol to SSL/,
      ],
      [
        'of a port that speaks TLS, with SASL',
        () => ['SASLSSL', sasl('SCRAM-SHA-512')],
        /speaks TLS at this port: set security\.protocol to SASL_SSL/,
      ],
      [
        'of a port that speaks no TLS',
        () => ['clear', trusting()],
        /speaks no TLS at this port: set security\.protocol to PLAINTEXT/,
      ],
      [
        'of a port that wants no SASL',
        () => ['clear', sasl('PLAIN')],
        /wants no SASL at this port: set security\.protocol to PLAINTEXT/,
      ],
    ]
    for (const [what, made, sentence] of cases)
      it(what, async () => {
        const error = await refusalOf(...made())
        expect(error.message).to.match(sentence)
        expect(error.message).not.to.match(/secret/)
        expect(error.code).to.equal('kafka.security')
        expect(error.retriable).to.equal(false)
      })

    it('of a port that wants SASL, which may be a broker that goes down too', async () => {
      const error = await refusalOf('PLAIN', {})
      expect(error.message).to.match(
        /localhost:\d+ closes the connection.*may want SASL: set security\.protocol/,
      )
      expect(error.retriable).to.equal(true)
    })

    it('of a store that is missing, has another password, or is none', async () => {
      const at = async (settings: Settings): Promise<string> =>
        (await refusalOf('TLS', { ...trusting(), 'ssl.truststore.type': 'JKS', ...settings })).message
      expect(await at({ 'ssl.truststore.location': '/no/such.jks' })).to.equal(
        'ssl.truststore.location: /no/such.jks does not exist.',
      )
      for (const name of ['trust.jks', 'trust.p12'])
        expect(
          await at({ 'ssl.truststore.location': file(name), 'ssl.truststore.password': 'wrong-secret' }),
        ).to.contain(`${file(name)} does not open: its password is wrong`)
      expect(await at({ 'ssl.truststore.location': file('ca.pem') })).to.contain('is PEM, not JKS')
      expect(await at({ 'ssl.truststore.location': file('ca.conf') })).to.contain('neither JKS nor PKCS12')
      expect(await at({ 'ssl.truststore.location': kafka.certificates.folder })).to.contain('is a folder')
    })
  })
}
