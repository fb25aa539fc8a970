import { registerHooks } from 'node:module'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { ConfigError, messageOf } from '../../src/api/errors.ts'
import { SILENT } from '../../src/api/log.ts'
import { ConnectorCheck } from '../../src/worker/configs/connector-check.ts'
import { readSettings } from '../../src/worker/settings/settings.ts'

type Settings = Readonly<Record<string, string>>

const WORKER = {
  'group.id': 'g',
  'config.storage.topic': 'c',
  'offset.storage.topic': 'o',
  'status.storage.topic': 's',
}
const CONNECTOR = { name: 'n', 'connector.class': 'TopicSink', topics: 't', 'target.topic': 'u' }
const SECURITY = 'org.apache.kafka.common.security'
const PLAIN = `${SECURITY}.plain.PlainLoginModule required username="a" password="CANARY-1";`
const BEARER = `${SECURITY}.oauthbearer.OAuthBearerLoginModule required clientId="a" clientSecret="CANARY-2";`

/** The one error of a connector's configuration; undefined where it is taken. */
async function errorOf(config: Settings, policy = 'All'): Promise<string | undefined> {
  const raw = { ...WORKER, 'connector.client.config.override.policy': policy }
  const { settings } = readSettings(new Map(Object.entries(raw)))
  const check = new ConnectorCheck({ validate: () => Promise.resolve([]) }, settings, SILENT)
  try {
    await check.require({ ...CONNECTOR, ...config })
    return undefined
  } catch (error) {
    expect(error).to.be.instanceOf(ConfigError)
    return messageOf(error)
  }
}

const sasl = (mechanism: string, jaas: string, more: Settings = {}): Settings => ({
  'security.protocol': 'SASL_PLAINTEXT',
  'sasl.mechanism': mechanism,
  'sasl.jaas.config': jaas,
  ...more,
})
const ssl = (more: Settings): Settings => ({ 'security.protocol': 'SSL', ...more })
const endpoint = (url: string) => sasl('OAUTHBEARER', BEARER, { 'sasl.oauthbearer.token.endpoint.url': url })
const jndi = 'com.sun.security.auth.module.JndiLoginModule'
const ldap = 'com.sun.security.auth.module.LdapLoginModule'

/** What a connector sets below an override prefix, and what the error says even where the policy allows everything. */
const REFUSED: readonly (readonly [prefix: string, settings: Settings, key: string, words: string])[] = [
  ['consumer', sasl('PLAIN', `${jndi} required user.provider.url="ldap://evil";`), 'sasl.jaas.config', jndi],
  ['producer', sasl('PLAIN', `${ldap} required userProvider="ldap://evil";`), 'sasl.jaas.config', ldap],
  ['admin', { 'sasl.jaas.config': `${jndi} required;` }, 'sasl.jaas.config', jndi],
  ['producer', { 'sasl.jaas.config': `${ldap} required;` }, 'sasl.jaas.config', ldap],
  ['consumer', sasl('PLAIN', 'node:child_process required;'), 'sasl.jaas.config', 'needs one of'],
  ['consumer', sasl('PLAIN', `${PLAIN} ${jndi} required;`), 'sasl.jaas.config', 'one login module'],
  ['admin', sasl('PLAIN', '/etc/passwd'), 'sasl.jaas.config', 'names no login module'],
  ['consumer', sasl('PLAIN', `../../x required;`), 'sasl.jaas.config', 'must begin with the class'],
  ['producer', sasl('SCRAM-SHA-512', PLAIN), 'sasl.jaas.config', 'ScramLoginModule'],
  ['consumer', sasl('PLAIN', ''), 'sasl.jaas.config', 'is '],
  [
    'consumer',
    sasl('GSSAPI', 'com.sun.security.auth.module.Krb5LoginModule required;'),
    'sasl.mechanism',
    'GSSAPI',
  ],
  ['consumer', sasl('__proto__', PLAIN), 'sasl.mechanism', 'must be one of'],
  ['producer', sasl('constructor', PLAIN), 'sasl.mechanism', 'must be one of'],
  ['consumer', endpoint('file:///etc/passwd'), 'sasl.oauthbearer.token.endpoint.url', 'do not name'],
  ['admin', endpoint('http://169.254.169.254/latest'), 'sasl.oauthbearer.token.endpoint.url', 'do not name'],
  ['producer', endpoint('http://127.0.0.1:1/'), 'sasl.oauthbearer.token.endpoint.url', 'do not name'],
  ['consumer', endpoint('ldap://evil'), 'sasl.oauthbearer.token.endpoint.url', 'must be'],
  [
    'consumer',
    sasl('PLAIN', PLAIN, { 'sasl.client.callback.handler.class': 'evil.X' }),
    'sasl.client.callback.handler.class',
    'cannot be loaded',
  ],
  [
    'consumer',
    { 'sasl.client.callback.handler.class': 'evil.X' },
    'sasl.client.callback.handler.class',
    'cannot be loaded',
  ],
  [
    'producer',
    { 'sasl.login.callback.handler.class': 'node:fs' },
    'sasl.login.callback.handler.class',
    'cannot be loaded',
  ],
  [
    'admin',
    { 'sasl.oauthbearer.jwt.retriever.class': 'evil.X' },
    'sasl.oauthbearer.jwt.retriever.class',
    'cannot be loaded',
  ],
  [
    'consumer',
    { 'ssl.engine.factory.class': 'data:text/javascript,1' },
    'ssl.engine.factory.class',
    'cannot be loaded',
  ],
  ['producer', ssl({ 'ssl.engine.factory.class': 'evil.X' }), 'ssl.engine.factory.class', 'cannot be loaded'],
  [
    'consumer',
    ssl({ 'ssl.truststore.type': 'BKS', 'ssl.truststore.location': '/x' }),
    'ssl.truststore.type',
    'must be one of',
  ],
  ['consumer', ssl({ 'ssl.enabled.protocols': 'SSLv3' }), 'ssl.enabled.protocols', 'TLSv1.2'],
  ['producer', ssl({ 'ssl.cipher.suites': 'SSL_RSA_WITH_NULL_MD5' }), 'ssl.cipher.suites', 'not known'],
  [
    'consumer',
    ssl({ 'ssl.endpoint.identification.algorithm': 'evil' }),
    'ssl.endpoint.identification.algorithm',
    'https',
  ],
  [
    'admin',
    ssl({ 'ssl.truststore.certificates': 'CANARY-3' }),
    'ssl.truststore.certificates',
    'no certificate',
  ],
  ['consumer', { 'security.protocol': '../../x' }, 'security.protocol', 'must be one of'],
  ['consumer', { 'bootstrap.servers': 'http://evil.test:9092' }, 'bootstrap.servers', 'host:port'],
  ['producer', { 'bootstrap.servers': 'evil' }, 'bootstrap.servers', 'host:port'],
  ['admin', { 'bootstrap.servers': 'evil:99999' }, 'bootstrap.servers', '65535'],
  ['consumer', { 'bootstrap.servers': '' }, 'bootstrap.servers', 'host:port'],
  [
    'consumer',
    { 'partition.assignment.strategy': 'evil.Assignor' },
    'partition.assignment.strategy',
    'not an assignor',
  ],
  ['consumer', { 'isolation.level': 'evil' }, 'isolation.level', 'read_committed'],
  ['consumer', { 'group.instance.id': '../../x' }, 'group.instance.id', 'Not a group instance id'],
]

/** Accepted where the policy allows everything, as in Kafka Connect: they name code of Java, and do nothing here. */
const IDLE: readonly (readonly [prefix: string, name: string])[] = [
  ['consumer', 'interceptor.classes'],
  ['producer', 'interceptor.classes'],
  ['consumer', 'metric.reporters'],
  ['producer', 'metric.reporters'],
  ['consumer', 'key.deserializer'],
  ['producer', 'value.serializer'],
  ['producer', 'partitioner.class'],
  ['admin', 'security.providers'],
  ['producer', 'config.providers'],
  ['consumer', 'constructor'],
  ['consumer', 'toString'],
]

const HOSTILE_NAMES = [
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'toString',
  '../../x',
  '/etc/passwd',
  'fs',
  'node:child_process',
  'data:text/javascript,globalThis.broken=1',
  'http://127.0.0.1:1/x.js',
  'file:///tmp/x.js',
  'TopicSink;import("fs")',
  'java.lang.Runtime',
  '${env:HOME}',
  'a\0b',
  '',
  'x'.repeat(10_240),
]

describe('a hostile configuration of a connector', () => {
  const asked: string[] = []
  let hooks: ReturnType<typeof registerHooks>
  before(async () => {
    await errorOf({}) // what is imported late is there then
    hooks = registerHooks({
      resolve(specifier, context, next) {
        asked.push(specifier)
        return next(specifier, context)
      },
    })
  })
  after(() => hooks.deregister())

  it('is watched: what it made the worker import would be seen here', async () => {
    const specifier = 'data:text/javascript,export default 1'
    await import(specifier)
    expect(asked).to.include(specifier)
    asked.length = 0
  })

  const below = (prefix: string, settings: Settings): Settings =>
    Object.fromEntries(Object.entries(settings).map(([name, value]) => [`${prefix}.override.${name}`, value]))

  for (const [prefix, settings, key, words] of REFUSED)
    it(`is told what is wrong with ${prefix}.override.${key} (${JSON.stringify(settings[key]).slice(0, 60)})`, async () => {
      const message = await errorOf(below(prefix, settings))
      const lines = message?.split('\n').filter((line) => line.includes(`${prefix}.override.`)) ?? []
      expect(lines, message).to.have.length(1)
      expect(lines[0])
        .to.contain(`${prefix}.override.${key}`)
        .and.to.contain(words)
        .and.not.to.contain('CANARY')
    })

  it('may name Java classes that nothing here uses, where the policy allows all', async () => {
    for (const [prefix, name] of IDLE)
      expect(await errorOf(below(prefix, { [name]: 'node:child_process' })), name).to.equal(undefined)
  })

  it('overrides nothing under None, and only who it is under Principal', async () => {
    const rows = [
      ...REFUSED.map(([prefix, settings]) => [prefix, settings] as const),
      ...IDLE.map(([prefix, name]) => [prefix, { [name]: 'x' }] as const),
      ...['127.0.0.1:1', '169.254.169.254:80'].map(
        (servers) => ['consumer', { 'bootstrap.servers': servers }] as const,
      ),
      ['consumer', ssl({ 'ssl.truststore.location': '/etc/shadow' })] as const,
    ]
    const principal = ['security.protocol', 'sasl.mechanism', 'sasl.jaas.config']
    for (const [prefix, settings] of rows)
      for (const policy of ['None', 'Principal']) {
        const message = await errorOf(below(prefix, settings), policy)
        const over = Object.keys(settings).filter((name) => policy === 'None' || !principal.includes(name))
        expect(message, `${policy} ${JSON.stringify(settings)}`).to.be.a('string')
        for (const name of over)
          expect(message).to.contain(`The '${policy}' policy does not allow '${name}' to be overridden`)
        expect(message).not.to.contain('CANARY')
      }
  })

  const places: readonly (readonly [key: string, config: (name: string) => Settings])[] = [
    ['connector.class', (name) => ({ 'connector.class': name })],
    ['key.converter', (name) => ({ 'key.converter': name })],
    ['value.converter', (name) => ({ 'value.converter': name })],
    ['header.converter', (name) => ({ 'header.converter': name })],
    ['transforms.a.type', (name) => ({ transforms: 'a', 'transforms.a.type': name })],
    ['predicates.p.type', (name) => ({ predicates: 'p', 'predicates.p.type': name })],
  ]
  for (const [key, config] of places)
    it(`gets one short error for each hostile name in ${key}`, async () => {
      for (const name of HOSTILE_NAMES) {
        const message = await errorOf(config(name))
        const shown = JSON.stringify(name).slice(0, 40)
        expect(message, shown).to.contain('the following 1 error').and.to.contain(key)
        expect(message?.length, shown).to.be.lessThan(1_500)
      }
    })

  it('has made the worker import nothing', () => {
    expect(asked).to.eql([])
    expect(globalThis).not.to.have.property('broken')
    expect(Object.keys(Object.prototype)).to.eql([])
  })
})
