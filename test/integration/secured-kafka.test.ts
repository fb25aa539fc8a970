import { once } from 'node:events'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { SILENT } from '../../src/api/log.ts'
import { ConnectError } from '../../src/api/errors.ts'
import { KafkaClient } from '../../src/kafka/client.ts'
import {
  jaasConfig,
  PASSWORD,
  type ListenerName,
  type SecuredKafka,
  startSecuredKafka,
} from '../support/secured-kafka.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import { freePort } from '../support/kafka.ts'
import { sluice } from '../support/process.ts'
import { call } from '../support/sluice-dev.ts'
import { countRecords, fillTopic } from '../support/topics.ts'
import { KEY_PASSWORD, STORE_PASSWORD } from '../support/certificates.ts'

type Settings = Readonly<Record<string, string>>

let kafka: SecuredKafka

async function ask(listener: ListenerName | 'clear', security: Settings): Promise<string> {
  const server = listener === 'clear' ? kafka.bootstrapServers : kafka.at(listener)
  const client = new KafkaClient({ bootstrapServers: [server], clientId: 'test', log: SILENT, security })
  try {
    // The second connection goes to what the broker advertises for this listener.
    await client.connection(await client.controller())
    return await client.clusterId()
  } finally {
    await client.close()
  }
}

async function refusalOf(listener: ListenerName | 'clear', security: Settings): Promise<ConnectError> {
  try {
    await ask(listener, security)
  } catch (error) {
    if (error instanceof ConnectError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

const sasl = (mechanism: string, password?: string): Settings => ({
  'security.protocol': 'SASL_PLAINTEXT',
  'sasl.mechanism': mechanism,
  'sasl.jaas.config': jaasConfig(mechanism, password),
})

describe('a client of a secured Kafka', function () {
  this.timeout(60_000)

  before(async function () {
    this.timeout(120_000)
    kafka = await startSecuredKafka()
  })
  after(() => kafka.stop())

  const file = (name: string): string => kafka.certificates.file(name)
  const trusting = (): Settings => ({
    'security.protocol': 'SSL',
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': file('ca.pem'),
  })

  for (const [listener, mechanism] of [
    ['PLAIN', 'PLAIN'],
    ['SCRAM', 'SCRAM-SHA-256'],
    ['SCRAM', 'SCRAM-SHA-512'],
  ] as const)
    it(`is let in by ${mechanism}`, async () => {
      expect(await ask(listener, sasl(mechanism))).not.to.equal('')
    })

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
      const client = new KafkaClient({
        bootstrapServers: [kafka.at('STRANGER')],
        clientId: 'test',
        log: SILENT,
        security: { ...trusting(), 'ssl.truststore.location': moving },
      })
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

  it('goes on with new connections where the broker ends sessions', async () => {
    const client = new KafkaClient({
      bootstrapServers: [kafka.at('SHORT')],
      clientId: 'test',
      log: SILENT,
      security: sasl('PLAIN'),
    })
    try {
      const first = await client.connection('any')
      await eventually(async () => (await client.connection('any')) !== first, { timeoutMs: 10_000 })
      expect(await client.clusterId()).not.to.equal('')
      expect(first.isConnected()).to.equal(true) // what is in flight on it may end
    } finally {
      await client.close()
    }
  })

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

  describe('as a worker', () => {
    let folder: string
    before(() => (folder = mkdtempSync(path.join(tmpdir(), 'sluice-secured-worker-'))))
    after(() => rmSync(folder, { recursive: true }))

    /** A worker in a process of its own, with the settings as Kafka Connect has them in a properties file. */
    const start = async (servers: string, security: Settings) => {
      const [group, port] = [uniqueName('secured'), await freePort()]
      const topics = ['config', 'offset', 'status'].flatMap((kind) => [
        [`${kind}.storage.topic`, `${group}-${kind}`],
        [`${kind}.storage.replication.factor`, '1'],
      ])
      const settings: Record<string, string> = {
        'bootstrap.servers': servers,
        'group.id': group,
        listeners: `http://127.0.0.1:${port}`,
        'task.hosts': '1',
        'value.converter': 'StringConverter',
        ...(Object.fromEntries(topics) as Settings),
        ...security,
      }
      const file = path.join(folder, `${group}.properties`)
      const lines = Object.entries(settings).map(([key, value]) => `${key}=${value}\n`)
      writeFileSync(file, lines.join(''))
      return { rest: `http://127.0.0.1:${port}`, worker: sluice(['worker', file]) }
    }
    const secured = (): Settings => ({
      ...trusting(),
      'security.protocol': 'SASL_SSL',
      'sasl.mechanism': 'SCRAM-SHA-512',
      'sasl.jaas.config': jaasConfig('SCRAM-SHA-512'),
    })

    it('runs a sink over SASL_SSL, another as another user in clear, and says why one is refused', async () => {
      const { rest, worker } = await start(kafka.at('SASLSSL'), secured())
      const put = async (name: string, config: Settings) => {
        const body = { 'connector.class': 'TopicSink', ...config }
        return call(rest, 'PUT', `/connectors/${name}/config`, body)
      }
      try {
        await eventually(async () => (await fetch(`${rest}/health`)).status === 200, { timeoutMs: 90_000 })
        const source = uniqueName('secured-in')
        await fillTopic(kafka.bootstrapServers, source, 2, [{ key: 'k', value: Buffer.from('v') }])
        const isThere = async (topic: string): Promise<boolean> =>
          (await countRecords(kafka.bootstrapServers, topic)) === 1
        expect((await put('own', { topics: source, 'target.topic': `${source}-own` })).status).to.equal(201)
        await eventually(() => isThere(`${source}-own`), { timeoutMs: 60_000 })

        const other = {
          'consumer.override.bootstrap.servers': kafka.at('PLAIN'),
          'consumer.override.security.protocol': 'SASL_PLAINTEXT',
          'consumer.override.sasl.mechanism': 'PLAIN',
          'consumer.override.sasl.jaas.config': jaasConfig('PLAIN'),
        }
        const shown = await put('other', { ...other, topics: source, 'target.topic': `${source}-other` })
        expect(shown.status, JSON.stringify(shown.body)).to.equal(201)
        expect(JSON.stringify(shown.body)).not.to.contain(PASSWORD).and.contain('[hidden]')
        await eventually(() => isThere(`${source}-other`), { timeoutMs: 60_000 })

        const wrong = { ...other, 'consumer.override.sasl.jaas.config': jaasConfig('PLAIN', 'wrong-secret') }
        await put('wrong', { ...wrong, topics: source, 'target.topic': `${source}-wrong` })
        const status = await eventually(
          async () => {
            const { body } = await call(rest, 'GET', '/connectors/wrong/status')
            return JSON.stringify(body).includes('refuses user and password of PLAIN')
              ? JSON.stringify(body)
              : null
          },
          { timeoutMs: 60_000 },
        )
        expect(status).to.contain('check sasl.jaas.config').and.not.contain('secret')
        for (const name of ['own', 'other', 'wrong'])
          for (const route of ['', '/config', '/tasks', '/status'])
            expect(
              JSON.stringify((await call(rest, 'GET', `/connectors/${name}${route}`)).body),
            ).not.to.match(/secret/)
      } finally {
        worker.signal('SIGTERM')
        await worker.exited
      }
      expect(worker.stderr() + worker.stdout()).not.to.match(/secret/)
    }).timeout(240_000)

    it('ends at once with one sentence where its password is wrong', async () => {
      const wrong = { ...secured(), 'sasl.jaas.config': jaasConfig('SCRAM-SHA-512', 'wrong-secret') }
      const { worker } = await start(kafka.at('SASLSSL'), wrong)
      expect(await worker.exited).to.equal(1)
      expect(worker.stderr()).to.match(
        /localhost:\d+ cannot be used: it refuses user and password of SCRAM-SHA-512/,
      )
      expect(worker.stderr()).not.to.match(/secret/)
    })

    it('goes on trying where that may help, and says why it waits', async () => {
      const { rest, worker } = await start(kafka.at('PLAIN'), {})
      try {
        await eventually(() => worker.stderr().includes('It may want SASL: set security.protocol'), {
          timeoutMs: 60_000,
        })
        expect((await fetch(`${rest}/health`)).status).to.equal(503)
      } finally {
        worker.signal('SIGTERM')
        await worker.exited
      }
    })
  })
})

/** An identity provider with one client: it gives the token of whoever names id and secret. */
async function tokenEndpoint(tokens: Readonly<Record<string, string>>) {
  const bodies: string[] = []
  const server = createServer((request, response) => {
    const basic = (request.headers.authorization ?? '').replace('Basic ', '')
    const token = tokens[Buffer.from(basic, 'base64').toString()]
    request.on('data', (chunk: Buffer) => bodies.push(chunk.toString()))
    request.on('end', () => {
      response.writeHead(token === undefined ? 401 : 200, { 'content-type': 'application/json' })
      const answer =
        token === undefined ? { error: 'invalid_client' } : { access_token: token, expires_in: 600 }
      response.end(JSON.stringify(answer))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/token`,
    bodies,
    [Symbol.asyncDispose]: async () => {
      server.close()
      server.closeAllConnections()
      await Promise.resolve()
    },
  }
}

function unsignedToken(): string {
  const part = (data: unknown): string => Buffer.from(JSON.stringify(data)).toString('base64url')
  const now = Math.floor(Date.now() / 1000)
  return `${part({ alg: 'none' })}.${part({ sub: 'alice', iat: now, exp: now + 600 })}.`
}
