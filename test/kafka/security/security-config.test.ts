import { expect } from 'chai'
import { describe, it } from 'mocha'
import { readSecurity } from '../../../src/kafka/security/security-config.ts'

const MODULES = 'org.apache.kafka.common.security'
const SCRAM = `${MODULES}.scram.ScramLoginModule required username="alice" password="geheim-1";`
const OAUTH = `${MODULES}.oauthbearer.OAuthBearerLoginModule required`
const PEM = '-----BEGIN CERTIFICATE----- QUJD -----END CERTIFICATE-----'
const KEY = '-----BEGIN PRIVATE KEY-----\\nQUJD\\n-----END PRIVATE KEY-----'

type Settings = Readonly<Record<string, string>>

function problemsOf(settings: Settings): Record<string, string> {
  return Object.fromEntries(readSecurity(settings).problems.map(({ path, message }) => [path, message]))
}

const sasl = (mechanism: string, jaas = SCRAM): Settings => ({
  'security.protocol': 'SASL_SSL',
  'sasl.mechanism': mechanism,
  'sasl.jaas.config': jaas,
})

describe('the security of a client', () => {
  it('is none by default, whatever settings of another protocol are there', () => {
    const left = { 'sasl.mechanism': 'GSSAPI', 'ssl.truststore.type': 'nonsense' }
    expect(readSecurity(left)).to.deep.equal({ security: { tls: null, sasl: null }, problems: [] })
    expect(problemsOf({ ...left, 'security.protocol': '' })).to.deep.equal({})
  })

  it('is read with the protocol in any case', () => {
    const { security, problems } = readSecurity({ ...sasl('SCRAM-SHA-512'), 'security.protocol': 'sasl_ssl' })
    expect(problems).to.deep.equal([])
    expect(security.sasl).to.deep.equal({
      mechanism: 'SCRAM-SHA-512',
      username: 'alice',
      password: 'geheim-1',
    })
    expect(security.tls).to.deep.include({
      trust: null,
      own: null,
      checkHost: true,
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.3',
    })
  })

  it('names the setting that is wrong, and what it may be', () => {
    expect(problemsOf({ 'security.protocol': 'TLS' })['security.protocol']).to.contain('SASL_SSL, not "TLS"')
    for (const mechanism of ['', 'GSSAPI', 'AWS_MSK_IAM', 'scram-sha-512'])
      expect(problemsOf(sasl(mechanism))['sasl.mechanism'], mechanism).to.contain(
        'one of PLAIN, SCRAM-SHA-256',
      )
    expect(problemsOf(sasl('AWS_MSK_IAM'))['sasl.mechanism']).to.contain('SCRAM-SHA-512 and mutual TLS')
    expect(problemsOf(sasl('PLAIN', ''))['sasl.jaas.config']).to.contain('is required with PLAIN')
    expect(problemsOf(sasl('PLAIN'))['sasl.jaas.config']).to.contain('PlainLoginModule with PLAIN')
    expect(
      problemsOf(sasl('SCRAM-SHA-512', SCRAM.replace('username', 'user')))['sasl.jaas.config'],
    ).to.contain('no username')
    expect(
      problemsOf(sasl('SCRAM-SHA-512', SCRAM.replace('password', 'pass')))['sasl.jaas.config'],
    ).to.contain('no password')
    for (const name of ['sasl.client.callback.handler.class'])
      expect(problemsOf({ ...sasl('SCRAM-SHA-512'), [name]: 'com.Own' })[name]).to.contain('a Java class')
    for (const settings of [sasl('PLAIN'), sasl('SCRAM-SHA-256', 'geheim-1')])
      expect(JSON.stringify(problemsOf(settings))).not.to.contain('geheim')
  })

  it('takes stores of three types in any case, and PEM in the settings', () => {
    const tls = (settings: Settings) => readSecurity({ 'security.protocol': 'SSL', ...settings })
    const file = { 'ssl.truststore.location': '/t', 'ssl.truststore.password': 'p' }
    expect(tls({ ...file, 'ssl.truststore.type': 'pkcs12' }).security.tls?.trust).to.deep.equal({
      location: '/t',
      type: 'PKCS12',
      password: 'p',
      keyPassword: 'p',
    })
    expect(tls({ ...file, 'ssl.truststore.type': 'BCFKS' }).problems[0]?.message).to.contain(
      'JKS, PKCS12, PEM',
    )
    expect(
      tls({
        'ssl.truststore.certificates': PEM,
        'ssl.keystore.key': KEY,
        'ssl.keystore.certificate.chain': PEM,
      }).problems,
    ).to.deep.equal([])
    for (const [settings, path, words] of [
      [{ ...file, 'ssl.truststore.certificates': PEM }, 'ssl.truststore.location', 'cannot be set together'],
      [
        { 'ssl.truststore.certificates': PEM, 'ssl.truststore.type': 'JKS' },
        'ssl.truststore.type',
        'must be PEM',
      ],
      [{ 'ssl.truststore.certificates': 'QUJD' }, 'ssl.truststore.certificates', 'no certificate in PEM'],
      [{ 'ssl.keystore.key': KEY }, 'ssl.keystore.certificate.chain', 'needed beside'],
      [{ 'ssl.keystore.certificate.chain': PEM }, 'ssl.keystore.key', 'needed beside'],
      [
        { 'ssl.keystore.key': PEM, 'ssl.keystore.certificate.chain': PEM },
        'ssl.keystore.key',
        'no private key',
      ],
      [
        { 'ssl.endpoint.identification.algorithm': 'LDAPS' },
        'ssl.endpoint.identification.algorithm',
        'https, or empty',
      ],
      [{ 'ssl.enabled.protocols': 'SSLv3' }, 'ssl.enabled.protocols', 'TLSv1.2 or TLSv1.3'],
      [{ 'ssl.protocol': 'SSL' }, 'ssl.protocol', 'TLSv1.3 or TLSv1.2'],
      [{ 'ssl.cipher.suites': 'TLS_AES_128_GCM_SHA256,TLS_NULL' }, 'ssl.cipher.suites', 'TLS_NULL'],
      [{ 'ssl.engine.factory.class': 'com.Own' }, 'ssl.engine.factory.class', 'a Java class'],
    ] as const)
      expect(
        problemsOf({ 'security.protocol': 'SSL', ...settings })[path],
        JSON.stringify(settings),
      ).to.contain(words)
  })

  it('narrows TLS as it is told', () => {
    const tls = (settings: Settings) => readSecurity({ 'security.protocol': 'SSL', ...settings }).security.tls
    expect(tls({ 'ssl.enabled.protocols': 'TLSv1.3' })).to.deep.include({
      minVersion: 'TLSv1.3',
      maxVersion: 'TLSv1.3',
    })
    expect(tls({ 'ssl.protocol': 'TLSv1.2' })).to.deep.include({
      minVersion: 'TLSv1.2',
      maxVersion: 'TLSv1.2',
    })
    expect(tls({ 'ssl.endpoint.identification.algorithm': '' })).to.have.property('checkHost', false)
    expect(tls({ 'ssl.endpoint.identification.algorithm': 'HTTPS' })).to.have.property('checkHost', true)
    const suites =
      'TLS_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, TLS_RSA_WITH_AES_256_CBC_SHA'
    expect(tls({ 'ssl.cipher.suites': suites })?.ciphers).to.equal(
      'TLS_AES_256_GCM_SHA384:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:AES256-SHA',
    )
  })

  it('takes tokens from an endpoint, a file or from nobody', () => {
    const read = (jaas: string, more: Settings = {}) =>
      readSecurity({ ...sasl('OAUTHBEARER', jaas), ...more })
    const endpoint = { 'sasl.oauthbearer.token.endpoint.url': 'https://id.test/token' }
    const options = 'clientId="sluice" clientSecret="geheim-2" scope="kafka" extension_logicalCluster="lkc-1"'
    expect(read(`${OAUTH} ${options};`, endpoint).security.sasl).to.deep.equal({
      mechanism: 'OAUTHBEARER',
      source: {
        ...{ kind: 'endpoint', url: 'https://id.test/token', clientId: 'sluice', clientSecret: 'geheim-2' },
        ...{ scope: 'kafka', urlEncode: false },
      },
      extensions: { logicalCluster: 'lkc-1' },
    })
    const separate = {
      ...endpoint,
      'sasl.oauthbearer.client.credentials.client.id': 'sluice',
      'sasl.oauthbearer.client.credentials.client.secret': 'geheim-2',
    }
    expect(read('', separate).problems).to.deep.equal([])
    expect(
      read(`${OAUTH};`, { 'sasl.oauthbearer.token.endpoint.url': 'file:///run/my%20token' }).security.sasl,
    ).to.deep.include({
      source: { kind: 'file', location: '/run/my token' },
    })
    const unsecured = `${OAUTH} unsecuredLoginStringClaim_sub="alice" unsecuredLoginListClaim_scope=",a,b" unsecuredLoginNumberClaim_n="7" unsecuredLoginLifetimeSeconds="60";`
    expect(read(unsecured).security.sasl).to.deep.include({
      source: { kind: 'unsecured', claims: { sub: 'alice', scope: ['a', 'b'], n: 7 }, lifetime: 60 },
    })
    for (const [jaas, more, path] of [
      [`${OAUTH};`, {}, 'sasl.jaas.config'],
      [`${OAUTH};`, endpoint, 'sasl.jaas.config'],
      [
        `${OAUTH} clientId="c" clientSecret="s";`,
        { 'sasl.oauthbearer.token.endpoint.url': 'ftp://id' },
        'sasl.oauthbearer.token.endpoint.url',
      ],
      [
        `${OAUTH} clientId="c" clientSecret="s";`,
        { 'sasl.login.callback.handler.class': 'com.Own' },
        'sasl.login.callback.handler.class',
      ],
      [
        `${OAUTH};`,
        { 'sasl.login.callback.handler.class': `${MODULES}.oauthbearer.OAuthBearerLoginCallbackHandler` },
        'sasl.oauthbearer.token.endpoint.url',
      ],
      [
        `${OAUTH};`,
        { ...endpoint, 'sasl.oauthbearer.jwt.retriever.class': 'com.Own' },
        'sasl.oauthbearer.jwt.retriever.class',
      ],
    ] as const)
      expect(
        Object.keys(problemsOf({ ...sasl('OAUTHBEARER', jaas), ...more })),
        JSON.stringify([jaas, more]),
      ).to.include(path)
  })
})
