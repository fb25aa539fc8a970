import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { ConfigError } from '../../src/api/errors.ts'
import { forgetLeftOut } from '../../src/runtime/plugins/left-out.ts'
import { loadSettings, readSettings } from '../../src/worker/settings/settings.ts'

const FIXTURES = path.resolve(import.meta.dirname, '../fixtures/worker')

const MINIMUM = {
  'group.id': 'g',
  'config.storage.topic': 'c',
  'offset.storage.topic': 'o',
  'status.storage.topic': 's',
}

function read(more: Readonly<Record<string, string>>) {
  return readSettings(new Map(Object.entries({ ...MINIMUM, ...more })))
}

describe('the settings of a worker, as Kafka Connect reads them,', () => {
  it('warn of a key that nobody knows, as Kafka Connect does, with the key that was meant', () => {
    const { warnings } = read({ 'bootstrap.server': 'x', 'sasl.mechanisms': 'PLAIN', 'my.tool': '1' })
    expect(warnings).to.deep.equal([
      'bootstrap.server is not a setting of a worker and is ignored. Did you mean bootstrap.servers?',
      'sasl.mechanisms is not a setting of a worker and is ignored. Did you mean sasl.mechanism?',
      'my.tool is not a setting of a worker and is ignored.',
    ])
  })

  it('take values in any case where Kafka Connect does', () => {
    const { settings } = read({ 'topic.creation.enable': 'FALSE', 'connect.protocol': 'EAGER' })
    expect(settings.topicCreation).to.equal(false)
    expect(settings.mode).to.include({ protocol: 'eager' })
    expect(
      read({ 'exactly.once.source.support': 'Disabled', 'security.protocol': 'plaintext' }).warnings,
    ).to.deep.equal([])
    expect(() => read({ 'log.level': 'INFO' })).to.throw('log.level')
  })

  it('may name every address where that is asked for by a setting of its own', () => {
    for (const listener of [
      'http://:8083',
      'HTTP://0.0.0.0:8083',
      'http://[::]:8083',
      'http://kafka.internal:8083',
    ]) {
      expect(() => read({ listeners: listener }), listener)
        .to.throw(listener.startsWith('http://kafka') ? 'kafka.internal' : listener)
        .with.property('message')
        .that.contains('rest.allow.network=true')
      const { settings } = read({ listeners: listener, 'rest.allow.network': 'True' })
      expect(settings.listener.port, listener).to.equal(8083)
    }
    for (const host of ['a:80', 'http://a', 'a/b', '*'])
      expect(() => read({ 'rest.allowed.hosts': `good.host, ${host}` }), host).to.throw('rest.allowed.hosts')
  })

  it('makes no group of all sinks', () => {
    const { settings, warnings } = read({
      'consumer.group.id': 'all',
      'consumer.isolation.level': 'read_committed',
    })
    expect(warnings).to.have.lengthOf(1)
    expect(warnings[0]).to.contain('consumer.group.id is ignored: each sink has a group of its own')
    expect(settings.clients.consumer).to.deep.equal({ 'isolation.level': 'read_committed' })
  })

  it('has values below producer. and consumer. that are checked like those of connectors', () => {
    expect(() => read({ 'consumer.auto.offset.reset': 'middle' })).to.throw('consumer.auto.offset.reset')
    expect(() => read({ 'producer.bootstrap.servers': 'nowhere' })).to.throw('producer.bootstrap.servers')
    expect(() => read({ 'admin.security.protocol': 'TLS' })).to.throw('admin.security.protocol')
    expect(() => read({ 'connector.client.config.override.policy': 'Some' })).to.throw('one of All, None')
  })
})

describe('the settings of a worker of another distribution', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'sluice-others-'))
    const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
    openssl(
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      'ca.key',
      '-out',
      'ca.pem',
      '-subj',
      '/CN=ca',
    )
    openssl(
      'pkcs12',
      '-export',
      '-nokeys',
      '-in',
      'ca.pem',
      '-out',
      'trust.p12',
      '-passout',
      'pass:store-secret',
    )
  })
  after(() => {
    forgetLeftOut()
    rmSync(folder, { recursive: true })
  })

  /** A fixture as a file of the test, with some texts replaced. */
  function fileOf(name: string, replace: Readonly<Record<string, string>> = {}): string {
    const text = Object.entries(replace).reduce(
      (read, [from, to]) => read.replaceAll(from, to),
      readFileSync(path.join(FIXTURES, name), 'utf8'),
    )
    const file = path.join(folder, name)
    writeFileSync(file, text)
    return file
  }

  it('of Strimzi: with providers, PKCS12 and SCRAM, once the network is asked for', async () => {
    const file = fileOf('strimzi.properties', {
      '/tmp/kafka/cluster.truststore.p12': path.join(folder, 'trust.p12'),
    })
    const secrets = { CERTS_STORE_PASSWORD: 'store-secret', CONNECT_USER_PASSWORD: 'scram-secret' }
    Object.assign(process.env, secrets)
    try {
      const refused = await loadSettings(file, {}).catch((error: unknown) => error)
      expect(refused).to.be.instanceOf(ConfigError)
      expect(String(refused)).to.contain('http://0.0.0.0:8083').and.contain('rest.allow.network=true')
      const { settings, warnings } = await loadSettings(file, { CONNECT_REST_ALLOW_NETWORK: 'true' })
      expect(warnings).to.deep.equal(['consumer.client.rack has no effect in Sluice and is ignored.'])
      expect(settings.listener).to.deep.equal({ host: '0.0.0.0', port: 8083 })
      expect(settings.clients.producer['sasl.jaas.config']).to.contain('scram-secret')
      expect(JSON.stringify(settings.clientsAsWritten)).not.to.contain('-secret')
      process.env['CERTS_STORE_PASSWORD'] = 'another'
      const wrong = await loadSettings(file, { CONNECT_REST_ALLOW_NETWORK: 'true' }).catch(
        (error: unknown) => error,
      )
      expect(String(wrong))
        .to.contain('producer.ssl.truststore.location')
        .and.contain('its password is wrong')
      expect(String(wrong)).not.to.contain('another')
    } finally {
      for (const name of Object.keys(secrets)) Reflect.deleteProperty(process.env, name)
    }
  })

  it('of Confluent’s images: the environment alone', async () => {
    const lines = readFileSync(path.join(FIXTURES, 'cp-docker.env'), 'utf8').split('\n')
    const env = Object.fromEntries(
      lines
        .filter((line) => /^[A-Z]/.test(line))
        .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
    )
    const { settings, warnings, leftOut } = await loadSettings(undefined, env)
    expect(settings.bootstrapServers).to.deep.equal(['broker:29092'])
    expect(settings.advertised.host).to.equal('connect')
    expect(settings.clients.consumer).to.deep.equal({ 'auto.offset.reset': 'latest' })
    expect(settings.clients.producer).to.deep.equal({ 'compression.type': 'lz4' })
    expect(warnings.map((warning) => warning.split(' ')[0])).to.have.members([
      'rest.port',
      'internal.key.converter',
      'internal.value.converter',
      'producer.interceptor.classes',
      'consumer.interceptor.classes',
      'producer.max.request.size',
      'consumer.max.partition.fetch.bytes',
      'log4j.root.loglevel',
      'log4j.loggers',
      'cub.kafka.timeout',
      'confluent.topic.replication.factor',
    ])
    expect(leftOut).to.have.lengthOf(2)
  })

  it('of Amazon MSK: SCRAM, and client keys with and without a prefix', async () => {
    const { settings, warnings } = await loadSettings(fileOf('msk.properties'), {})
    expect(settings.clientId).to.equal('msk-worker')
    expect(settings.clients.own['sasl.jaas.config']).to.contain('username="connect"')
    expect(settings.clients.consumer).to.include({ 'session.timeout.ms': '45000' })
    for (const key of [
      'acks',
      'client.rack',
      'producer.acks',
      'producer.linger.ms',
      'consumer.fetch.max.bytes',
      'retries',
    ])
      expect(warnings.join('\n')).to.match(new RegExp(`^${key} has no effect`, 'm'))
    expect(warnings.join('\n')).not.to.contain('secret').and.not.to.contain('Did you mean')
  })

  it('of Amazon MSK with IAM: refused by a sentence that says what MSK offers besides', async () => {
    const file = fileOf('msk.properties', {
      'SCRAM-SHA-512': 'AWS_MSK_IAM',
      'producer.retries=10':
        'sasl.client.callback.handler.class=software.amazon.msk.auth.iam.IAMClientCallbackHandler',
    })
    const refused = await loadSettings(file, {}).catch((error: unknown) => error)
    expect(String(refused)).to.contain('SCRAM-SHA-512 and mutual TLS').and.not.contain('secret')
  })

  it('of MirrorMaker 2: what is no setting of a worker warns', async () => {
    const { settings, warnings } = await loadSettings(fileOf('connect-mirror-maker.properties'), {})
    expect(settings.bootstrapServers).to.deep.equal(['B_host1:9092'])
    expect(warnings).to.have.lengthOf(16)
    expect(warnings).to.include('A->B.enabled is not a setting of a worker and is ignored.')
  })

  it('of none: each setting that is missing is named', async () => {
    const refused = await loadSettings(undefined, {}).catch((error: unknown) => error)
    expect(refused).to.be.instanceOf(ConfigError)
    expect((refused as ConfigError).problems.map((each) => each.path)).to.include.members([
      'group.id',
      'config.storage.topic',
    ])
  })

  it('with stores that cannot be read: each is named with its prefix, and nothing starts', async () => {
    const file = path.join(folder, 'wrong.properties')
    const base = readFileSync(path.join(FIXTURES, 'connect-distributed.properties'), 'utf8')
    const tls = [
      'security.protocol=SSL',
      'ssl.truststore.location=/no/such.jks',
      'consumer.security.protocol=SSL',
      `consumer.ssl.keystore.location=${folder}/ca.pem`,
    ]
    writeFileSync(file, `${base}\n${tls.join('\n')}\n`)
    const refused = await loadSettings(file, {}).catch((error: unknown) => error)
    expect(refused).to.be.instanceOf(ConfigError)
    expect((refused as ConfigError).problems).to.deep.equal([
      { path: 'ssl.truststore.location', message: '/no/such.jks does not exist.' },
      {
        path: 'consumer.ssl.keystore.location',
        message: `${folder}/ca.pem is PEM, not JKS: set the type PEM.`,
      },
    ])
  })
})
