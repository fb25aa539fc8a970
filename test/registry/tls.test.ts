import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createPlainServer } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TLSSocket } from 'node:tls'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { ConnectError } from '../../src/api/errors.ts'
import { SILENT } from '../../src/api/log.ts'
import { avroConverter } from '../../src/converters/avro/plugin.ts'
import { Registry } from '../../src/registry/registry.ts'
import { registryApp } from '../../src/registry/server.ts'
import { allRows, bytesOf, Failures, openConverter, slicesOf } from '../converters/support.ts'
import { type Certificates, KEY_PASSWORD, makeCertificates, STORE_PASSWORD } from '../support/certificates.ts'
import { freePort } from '../support/kafka.ts'
import { MemoryTopic } from './memory-topic.ts'

type Settings = Readonly<Record<string, string>>

describe('a schema registry over https', function () {
  this.timeout(60_000)
  let certificates: Certificates
  let registry: Registry
  const servers: Server[] = []
  const file = (name: string): string => certificates.file(name)

  before(async () => {
    certificates = await makeCertificates(mkdtempSync(path.join(tmpdir(), 'sluice-registry-tls-')))
    registry = await Registry.open(new MemoryTopic().open, SILENT)
    await prepare('text', '{"schema":"\\"string\\""}')
  })
  after(async () => {
    for (const server of servers) server.closeAllConnections()
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
    await registry.close()
    rmSync(certificates.folder, { recursive: true })
  })

  /** Schema 1 is there: what a converter then asks for. */
  async function prepare(subject: string, body: string): Promise<void> {
    const server = createPlainServer(registryApp(registry, SILENT)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const headers = { 'content-type': 'application/json' }
    const url = `http://127.0.0.1:${port}/subjects/${subject}/versions`
    expect((await fetch(url, { method: 'POST', headers, body })).status).to.equal(200)
    server.closeAllConnections()
    server.close()
  }

  /** The embedded registry with a certificate of this name; its URL. */
  async function serve(name: string, more: object = {}): Promise<string> {
    const own = { key: readFileSync(file(`${name}.key`)), cert: readFileSync(file(`${name}.pem`)) }
    const server = createServer({ ...own, ...more }, registryApp(registry, SILENT))
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return `https://localhost:${(server.address() as AddressInfo).port}`
  }
  const mutual = () => ({ ca: readFileSync(file('ca.pem')), requestCert: true, rejectUnauthorized: true })

  const ssl = (settings: Settings): Settings =>
    Object.fromEntries(
      Object.entries(settings).map(([name, value]) => [`schema.registry.ssl.${name}`, value]),
    )
  const trust = (type: string, name: string): Settings => ({
    'truststore.type': type,
    'truststore.location': file(name),
    'truststore.password': STORE_PASSWORD,
  })
  const keystore = (type: string, name: string, keyPassword: string): Settings => ({
    'keystore.type': type,
    'keystore.location': file(name),
    'keystore.password': STORE_PASSWORD,
    'key.password': keyPassword,
  })

  /** Reads a record of schema 1; its value, or the error of the task. */
  async function read(url: string, settings: Settings): Promise<unknown> {
    const quick = { 'max.retries': '1', 'retries.wait.ms': '1', 'schema.registry.url': url }
    const converter = openConverter(avroConverter, { ...quick, ...ssl(settings) })
    const failures = new Failures()
    const rows = slicesOf([Buffer.from([0, 0, 0, 0, 1, 4, 0x68, 0x69])])
    try {
      const side = await converter.decode('in', rows, failures.fail)
      return bytesOf(await converter.encode('text', side, allRows(1), failures.fail), [0])[0]?.toString(
        'latin1',
        6,
      )
    } catch (error) {
      expect(failures.codes(), 'no record is hurt').to.eql({})
      if (error instanceof ConnectError) return error
      throw error
    }
  }
  async function failure(url: string, settings: Settings): Promise<ConnectError> {
    const found = await read(url, settings)
    expect(found, 'it was let through').to.be.instanceOf(ConnectError)
    return found as ConnectError
  }

  it('is trusted by what a file of PEM, JKS or PKCS12 says, or the settings themselves', async () => {
    const url = await serve('broker')
    const written = { 'truststore.certificates': readFileSync(file('ca.pem'), 'utf8') }
    for (const settings of [
      trust('PEM', 'ca.pem'),
      trust('JKS', 'trust.jks'),
      trust('PKCS12', 'trust.p12'),
      written,
    ])
      expect(await read(url, settings)).to.equal('hi')
  })

  it('that asks for the client’s certificate gets it from PKCS12, JKS or PEM', async () => {
    const url = await serve('broker', mutual())
    const trusting = trust('PEM', 'ca.pem')
    const written = {
      'keystore.key': readFileSync(file('client-sealed.key'), 'utf8'),
      'keystore.certificate.chain': readFileSync(file('client.pem'), 'utf8'),
      'key.password': KEY_PASSWORD,
    }
    for (const own of [
      keystore('PKCS12', 'client.p12', STORE_PASSWORD),
      keystore('JKS', 'client.jks', KEY_PASSWORD),
      written,
    ])
      expect(await read(url, { ...trusting, ...own })).to.equal('hi')
  })

  it('with a certificate that does not fit fails the task, with one sentence that names key and registry', async () => {
    const cases: [string, Settings, string, string][] = [
      [
        'stranger',
        trust('PEM', 'ca.pem'),
        'signed by nobody that this client trusts',
        'ssl.truststore.location',
      ],
      ['broker', {}, 'signed by nobody that this client trusts', 'ssl.truststore.certificates'],
      ['wrong-host', trust('PEM', 'ca.pem'), 'is for another host', 'ssl.endpoint.identification.algorithm'],
      ['expired', trust('PEM', 'ca.pem'), 'has expired: renew it at the registry', 'clock of this machine'],
    ]
    for (const [name, settings, words, todo] of cases) {
      const url = await serve(name)
      const { message, code, retriable } = await failure(url, settings)
      expect([code, retriable], name).to.eql(['registry.denied', false])
      expect(message).to.contain(`No answer from the schema registry at ${url}: its certificate`)
      expect(message).to.contain(words).and.to.contain(todo).and.not.to.contain('\n')
      expect(todo.startsWith('ssl.') ? message : `schema.registry.${todo}`).to.contain(
        `schema.registry.${todo}`,
      )
    }
  })

  it('for another host is taken where the settings say that any host will do', async () => {
    const url = await serve('wrong-host')
    for (const any of ['', 'none'])
      expect(
        await read(url, { ...trust('PEM', 'ca.pem'), 'endpoint.identification.algorithm': any }),
      ).to.equal('hi')
  })

  it('that refuses the client’s certificate fails the task; one that hangs up is waited for, with a hint', async () => {
    const url = await serve('broker', mutual())
    const refused = await failure(url, trust('PEM', 'ca.pem'))
    expect(refused.message)
      .to.contain('certificate required')
      .and.to.contain('schema.registry.ssl.keystore.*')
    expect(refused.retriable).to.equal(false)
    // What nobody has signed is answered by a connection that closes.
    const stranger = keystore('PKCS12', 'stranger.p12', STORE_PASSWORD)
    const silent = await failure(url, { ...trust('PEM', 'ca.pem'), ...stranger })
    expect(silent.message).to.contain('without a word').and.to.contain('schema.registry.ssl.keystore.*')
    expect(silent.retriable).to.equal(true)
  })

  it('that speaks no TLS at its port fails the task and says which URL to write', async () => {
    const server = createPlainServer(registryApp(registry, SILENT)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const { message } = await failure(`https://localhost:${port}`, trust('PEM', 'ca.pem'))
    server.close()
    expect(message).to.contain('speaks no TLS at this port: write http://')
  })

  it('is one of two: the task goes on by the other, and waits while the other is away', async () => {
    const expired = await serve('expired')
    expect(await read(`${expired},${await serve('broker')}`, trust('PEM', 'ca.pem'))).to.equal('hi')
    const away = await failure(`${expired},http://127.0.0.1:${await freePort()}`, trust('PEM', 'ca.pem'))
    expect([away.code, away.retriable]).to.eql(['registry.unavailable', true])
  })

  it('is asked with the renewed certificate of the client once its file has changed', async () => {
    const names: string[] = []
    const url = await serve('broker', mutual())
    servers.at(-1)?.on('secureConnection', (socket: TLSSocket) => {
      names.push(String(socket.getPeerCertificate().subject.CN))
    })
    copyFileSync(file('client.p12'), file('renewed.p12'))
    const own = keystore('PKCS12', 'renewed.p12', STORE_PASSWORD)
    const config = { 'schema.registry.url': url, ...ssl({ ...trust('PEM', 'ca.pem'), ...own }) }
    const converter = openConverter(avroConverter, config)
    await converter.topicSchema?.('a')
    copyFileSync(file('broker.p12'), file('renewed.p12'))
    await converter.topicSchema?.('b')
    expect(names).to.eql(['client', 'broker'])
  })

  it('whose settings or files are wrong is a wrong configuration, named by its key and without secrets', async () => {
    const problems = (settings: Settings) =>
      avroConverter.config.parse({ 'schema.registry.url': 'https://r', ...ssl(settings) }, 'value.converter.')
        .problems
    const unusable: [Settings, string][] = [
      [{ 'truststore.type': 'BKS', 'truststore.location': '/x' }, 'truststore.type'],
      [{ 'keystore.key': 'SECRET' }, 'keystore.key'],
      [{ 'enabled.protocols': 'SSLv3' }, 'enabled.protocols'],
      [{ 'cipher.suites': 'NONE_SUCH' }, 'cipher.suites'],
      [{ 'endpoint.identification.algorithm': 'ldap' }, 'endpoint.identification.algorithm'],
      [{ 'engine.factory.class': 'evil.Factory' }, 'engine.factory.class'],
    ]
    for (const [settings, key] of unusable) {
      const found = problems(settings)
      expect(found.map((each) => each.path)).to.include(`value.converter.schema.registry.ssl.${key}`)
      expect(JSON.stringify(found)).not.to.contain('SECRET')
    }
    writeFileSync(file('text.txt'), 'no store')
    const files: [Settings, string, string][] = [
      [trust('PEM', 'absent.pem'), 'truststore.location', 'does not exist'],
      [trust('JKS', 'text.txt'), 'truststore.location', 'neither JKS nor PKCS12'],
      [{ ...trust('JKS', 'trust.jks'), 'truststore.password': 'WRONG' }, 'truststore.location', 'password'],
      [keystore('JKS', 'client.jks', 'WRONG'), 'keystore.location', 'password'],
    ]
    for (const [settings, key, words] of files) {
      const { message, code } = await failure('https://localhost:1', settings)
      expect(code).to.equal('config.invalid')
      expect(message)
        .to.contain(`schema.registry.ssl.${key}: `)
        .and.to.contain(words)
        .and.not.to.contain('WRONG')
    }
  })
})
