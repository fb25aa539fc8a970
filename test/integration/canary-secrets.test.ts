import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { avscType, record, withHeader } from '../converters/avro/support.ts'
import { cheapHash } from '../support/cheap-hash.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import {
  type ConnectorStatus,
  registerSchema,
  type SluiceDev,
  startSluiceDev,
} from '../support/sluice-dev.ts'
import { countRecords, fillTopic, readTopic } from '../support/topics.ts'

type Config = Readonly<Record<string, string>>

/** Each secret is another word, so that a finding says which. */
const secret = (name: string): string => `CANARY${name.replaceAll('-', '')}8c1f`
const PEM = (name: string): string =>
  `-----BEGIN PRIVATE KEY-----\n${secret(name)}\n-----END PRIVATE KEY-----`
/** What is no secret, and must be found: else the search is broken. */
const VISIBLE = 'VISIBLE-8c1f'
const GIVEN = ['file', 'note-of-file', 'env']
const ASKED = ['password-rest', 'wrong-rest', 'bearer-rest', 'query-rest']
const POSTED = [
  ...['db', 'url', 'user-info', 'jdbc', 'api-key', 'jaas', 'wrong-jaas', 'client-secret', 'truststore'],
  ...['keystore', 'key', 'registry-truststore', 'registry-keystore', 'registry-pem', 'unreachable'],
]
const WORKER = ['worker-user-info']
const REFUSED = ['refused-jaas', 'refused-bearer']

describe('twenty-five secrets that a worker is told', function () {
  this.timeout(240_000)
  const [source, target, dead, configs, statuses, storage] = ['in', 'out', 'dead', 'cfg', 'sts', 'own'].map(
    uniqueName,
  ) as [string, string, string, string, string, string]
  /** What anybody got to see, by where. */
  const seen: { readonly where: string; readonly text: string }[] = []
  let folder: string
  let dev: SluiceDev

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'sluice-canaries-'))
    const file = path.join(folder, 'secrets.properties')
    writeFileSync(file, `secret=${secret('file')}\nnote=${secret('note-of-file')} is no topic\n`)
    writeFileSync(path.join(folder, 'no-store'), 'no store')
    writeFileSync(path.join(folder, 'users'), `ops:admin:${cheapHash(secret('password-rest'))}\n`)
    dev = await startSluiceDev({
      CONNECT_CONFIG_STORAGE_TOPIC: configs,
      CONNECT_STATUS_STORAGE_TOPIC: statuses,
      CONNECT_SLUICE_STORAGE_TOPIC: storage,
      CONNECT_CONFIG_PROVIDERS: 'file,env',
      CONNECT_CONFIG_PROVIDERS_FILE_CLASS: 'FileConfigProvider',
      CONNECT_CONFIG_PROVIDERS_ENV_CLASS: 'EnvVarConfigProvider',
      CONNECT_REST_AUTH_BASIC_USERS_FILE: path.join(folder, 'users'),
      CONNECT_VALUE_CONVERTER: 'AvroConverter',
      CONNECT_VALUE_CONVERTER_BASIC_AUTH_CREDENTIALS_SOURCE: 'USER_INFO',
      CONNECT_VALUE_CONVERTER_BASIC_AUTH_USER_INFO: `worker:${secret('worker-user-info')}`,
      SLUICE_TEST_CANARY: secret('env'),
      SLUICE_LOG_LEVEL: 'trace',
    })
    const id = await registerSchema(
      dev.schemaRegistry,
      uniqueName('canary'),
      JSON.stringify(record({ n: 'int' })),
    )
    const good = withHeader(avscType(record({ n: 'int' })).toBuffer({ n: 5 }), id)
    await fillTopic(dev.bootstrapServers, source, 1, [
      { key: 'good', value: good },
      { key: 'bad', value: good.subarray(0, 3) },
    ])
  })
  after(async () => {
    await dev.stop()
    rmSync(folder, { recursive: true })
  })

  const basic = (password: string) => `Basic ${Buffer.from(`ops:${password}`).toString('base64')}`
  /** Asks, and keeps the answer with its headers. */
  async function ask(
    method: string,
    route: string,
    body?: unknown,
    authorization = basic(secret('password-rest')),
  ) {
    const headers = { authorization, ...(body === undefined ? {} : { 'content-type': 'application/json' }) }
    const response = await fetch(dev.rest + route, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    const where = `${method} ${route.replace(/\?.*/, '')}`
    seen.push({ where, text: `${text} ${JSON.stringify([...response.headers])}` })
    return { status: response.status, text }
  }

  const base = (): Config => ({
    'connector.class': 'TopicSink',
    topics: source,
    'target.topic': target,
    'value.converter': 'AvroConverter',
    'value.converter.schema.registry.url': dev.schemaRegistry,
    'errors.log.enable': 'true',
    'errors.log.include.messages': 'true',
  })
  const SECURITY = 'org.apache.kafka.common.security'
  const jaas = (name: string): string =>
    `${SECURITY}.plain.PlainLoginModule required username="a" password="${secret(name)}";`
  const noStore = (): string => path.join(folder, 'no-store')
  const connectors = (): Record<string, Config> => ({
    good: {
      ...base(),
      'value.converter.schema.registry.url': dev.schemaRegistry.replace('://', `://me:${secret('url')}@`),
      'value.converter.basic.auth.credentials.source': 'URL',
      'errors.tolerance': 'all',
      'errors.deadletterqueue.topic.name': dead,
      'errors.deadletterqueue.topic.replication.factor': '1',
      'errors.deadletterqueue.context.headers.enable': 'true',
      'db.password': secret('db'),
      'my.api.key': secret('api-key'),
      'connection.url': `jdbc:postgresql://db/x?user=me&password=${secret('jdbc')}`,
      'my.secret': `\${file:${folder}/secrets.properties:secret}`,
      'other.password': '${env:SLUICE_TEST_CANARY}',
      'my.note': VISIBLE,
    },
    // Without tolerance it fails at the bad record.
    failing: { ...base(), 'value.converter.basic.auth.user.info': `me:${secret('user-info')}` },
    illegal: { ...base(), 'target.topic': `\${file:${folder}/secrets.properties:note}` },
    sasl: {
      ...base(),
      'consumer.override.security.protocol': 'SASL_PLAINTEXT',
      'consumer.override.sasl.mechanism': 'PLAIN',
      'consumer.override.sasl.jaas.config': jaas('jaas'),
      'producer.override.sasl.jaas.config': jaas('wrong-jaas'),
      'admin.override.sasl.oauthbearer.client.credentials.client.secret': secret('client-secret'),
    },
    stores: {
      ...base(),
      'consumer.override.security.protocol': 'SSL',
      'consumer.override.ssl.truststore.location': noStore(),
      'consumer.override.ssl.truststore.password': secret('truststore'),
      'consumer.override.ssl.keystore.location': noStore(),
      'consumer.override.ssl.keystore.password': secret('keystore'),
      'consumer.override.ssl.key.password': secret('key'),
    },
    'registry-stores': {
      ...base(),
      'value.converter.schema.registry.url': 'https://localhost:1',
      'value.converter.schema.registry.ssl.truststore.location': noStore(),
      'value.converter.schema.registry.ssl.truststore.password': secret('registry-truststore'),
      'value.converter.schema.registry.ssl.keystore.location': noStore(),
      'value.converter.schema.registry.ssl.keystore.password': secret('registry-keystore'),
    },
    'registry-pem': {
      ...base(),
      'value.converter.schema.registry.url': 'https://localhost:1',
      'value.converter.schema.registry.ssl.keystore.key': PEM('registry-pem'),
      'value.converter.schema.registry.ssl.keystore.certificate.chain':
        '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----',
    },
    unreachable: {
      ...base(),
      'value.converter.schema.registry.url': `http://me:${secret('unreachable')}@127.0.0.1:1`,
      'value.converter.basic.auth.credentials.source': 'URL',
    },
  })
  const FAIL = ['failing', 'registry-stores', 'registry-pem']
  const WAIT = ['sasl', 'unreachable']

  it('are in connectors that run, wait and fail', async () => {
    for (const [name, config] of Object.entries(connectors())) {
      const { status, text } = await ask('PUT', `/connectors/${name}/config`, config)
      expect(status, `${name}: ${text}`).to.be.oneOf(name === 'illegal' ? [400] : [201])
      await ask('PUT', `/connector-plugins/TopicSink/config/validate`, { name, ...config })
    }
    const status = async (name: string): Promise<ConnectorStatus> =>
      JSON.parse((await ask('GET', `/connectors/${name}/status`)).text) as ConnectorStatus
    for (const [names, isSo] of [
      [FAIL, (each: ConnectorStatus) => each.tasks[0]?.state === 'FAILED'],
      [WAIT, (each: ConnectorStatus) => each.tasks[0]?.reason !== undefined],
      [['stores'], (each: ConnectorStatus) => /no-store/.test(JSON.stringify(each))],
    ] as const)
      for (const name of names)
        await eventually(
          async () => {
            const found = await status(name)
            return isSo(found) || Promise.reject(new Error(JSON.stringify(found)))
          },
          { timeoutMs: 60_000, everyMs: 200 },
        )
    await eventually(async () => (await countRecords(dev.bootstrapServers, dead)) === 1, {
      timeoutMs: 60_000,
    })
  })

  it('and others are in requests that are refused', async () => {
    const where = '/connectors/refused/config'
    const wrong = {
      'consumer.override.sasl.jaas.config': `evil.Module required password="${secret('refused-jaas')}";`,
    }
    expect((await ask('PUT', where, { ...base(), ...wrong })).status).to.equal(400)
    const bearer = { 'value.converter.bearer.auth.token': secret('refused-bearer') }
    expect((await ask('PUT', where, { ...base(), ...bearer })).status).to.equal(400)
    expect((await ask('GET', '/connectors', undefined, basic(secret('wrong-rest')))).status).to.equal(401)
    expect((await ask('GET', '/connectors', undefined, `Bearer ${secret('bearer-rest')}`)).status).to.equal(
      401,
    )
    expect((await ask('POST', `/connectors/good/restart?token=${secret('query-rest')}`)).status).to.equal(204)
    expect((await ask('PUT', `/connectors/absent/pause?token=${secret('query-rest')}`)).status).to.equal(404)
  })

  it('are in no answer, log, header of a dead letter, status or topic of ours; what is no secret is found', async () => {
    for (const name of Object.keys(connectors()))
      for (const route of [
        '',
        '/config',
        '/status',
        '/tasks',
        '/tasks-config',
        '/tasks/0/status',
        '/topics',
        '/offsets',
        '/lag',
      ])
        await ask('GET', `/connectors/${name}${route}`)
    for (const route of [
      ...[
        '/',
        '/health',
        '/connectors',
        '/connectors?expand=info&expand=status',
        '/admin/loggers',
        '/models',
      ],
      ...['/connector-plugins', '/connector-plugins/TopicSink/config'],
    ])
      await ask('GET', route)
    for (const topic of [dead, statuses, storage]) {
      const found = await readTopic(dev.bootstrapServers, topic)
      if (topic !== storage) expect(found, topic).not.to.have.length(0)
      for (const { key, value, headers } of found) {
        const shown = Object.entries(headers ?? {}).map(([name, each]) => `${name}=${String(each)}`)
        seen.push({ where: `topic ${topic}`, text: `${String(key)} ${String(value)} ${shown.join(' ')}` })
      }
    }
    const log = dev.process.stderr() + dev.process.stdout()
    expect(log).to.contain('registry-stores')
    seen.push({ where: 'log', text: log })
    const all = [...GIVEN, ...ASKED, ...POSTED, ...WORKER, ...REFUSED]
    const sightings = seen.flatMap(({ where, text }) =>
      all.flatMap((name) => {
        const forms = [
          secret(name),
          Buffer.from(`ops:${secret(name)}`).toString('base64'),
          encodeURIComponent(secret(name)),
        ]
        const found = forms.find((form) => text.includes(form))
        return found === undefined
          ? []
          : [
              `${name} in ${where}: ${text.slice(Math.max(0, text.indexOf(found) - 150), text.indexOf(found) + 60)}`,
            ]
      }),
    )
    expect(all).to.have.length(25)
    expect(sightings).to.eql([])
    const where = seen.filter(({ text }) => text.includes(VISIBLE)).map((each) => each.where)
    expect(where).to.include('GET /connectors/good/config').and.to.include('GET /connectors/good/tasks')
  })

  it('are in the topic of configurations as far as they were posted in one that was taken, and no others', async () => {
    const stored = (await readTopic(dev.bootstrapServers, configs))
      .map(({ value }) => String(value))
      .join('\n')
    const isIn = (name: string) => stored.includes(secret(name))
    expect(POSTED.filter((name) => !isIn(name))).to.eql([])
    expect([...GIVEN, ...ASKED, ...WORKER, ...REFUSED].filter(isIn)).to.eql([])
    expect(stored).to.contain(VISIBLE)
  })
})
