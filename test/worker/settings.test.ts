import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { ConfigError, messageOf } from '../../src/api/errors.ts'
import { parseProperties } from '../../src/runtime/config-providers/properties-file.ts'
import { forgetLeftOut } from '../../src/runtime/plugins/left-out.ts'
import { versionedCode, writePackage } from '../support/plugin-package.ts'
import { loadSettings, readSettings } from '../../src/worker/settings/settings.ts'
import { fromEnvironment } from '../../src/worker/settings/settings-file.ts'

const MINIMUM: Readonly<Record<string, string>> = {
  'bootstrap.servers': '127.0.0.1:9999',
  'group.id': 'g',
  'config.storage.topic': 'c',
  'offset.storage.topic': 'o',
  'status.storage.topic': 's',
}

function read(more: Record<string, string> = {}) {
  return readSettings(new Map(Object.entries({ ...MINIMUM, ...more })))
}

function problemsOf(more: Record<string, string>, without: readonly string[] = []): Map<string, string> {
  const raw = new Map(Object.entries({ ...MINIMUM, ...more }).filter(([key]) => !without.includes(key)))
  try {
    readSettings(raw)
  } catch (error) {
    if (error instanceof ConfigError) return new Map(error.problems.map((p) => [p.path, p.message]))
    throw error
  }
  return new Map()
}

describe('Java properties', () => {
  it('are read with comments, every separator, continuations and escapes', () => {
    const text = [
      '# comment \\',
      '! another',
      'a=1',
      'b : two words ',
      'c\tthree',
      '   indented = x=y:z',
      'long = one,\\',
      '   two,\\',
      '\tthree',
      'path=C:\\\\dir\\tx',
      'esc\\=key\\ with=v\\u00e9',
      'empty',
      'even=ends\\\\',
      'next=1',
    ].join('\r\n')
    expect(Object.fromEntries(parseProperties(text))).to.deep.equal({
      a: '1',
      b: 'two words ',
      c: 'three',
      indented: 'x=y:z',
      long: 'one,two,three',
      path: 'C:\\dir\tx',
      'esc=key with': 'vé',
      empty: '',
      even: 'ends\\',
      next: '1',
    })
  })
})

describe('worker settings', () => {
  it('have Kafka Connect’s names and our defaults', () => {
    const { settings, warnings } = read()
    expect(warnings).to.deep.equal([])
    expect(settings).to.deep.include({
      bootstrapServers: ['127.0.0.1:9999'],
      clientId: 'sluice-g',
      listener: { host: '127.0.0.1', port: 8083 },
      offsetFlushInterval: 1000,
      sessionTimeout: 6_000,
      images: { dirs: [], origins: [], privateAddresses: false },
      mode: {
        kind: 'distributed',
        groupId: 'g',
        configTopic: { topic: 'c', partitions: 1, replicationFactor: 3 },
        offsetTopic: { topic: 'o', partitions: 25, replicationFactor: 3 },
        statusTopic: { topic: 's', partitions: 5, replicationFactor: 3 },
        sharedTopic: { topic: 'g-sluice', partitions: 1, replicationFactor: -1 },
        protocol: 'sessioned',
        rebalanceDelay: 3_000,
        transactionalSources: false,
        signing: 'signing' in settings.mode && settings.mode.signing,
      },
    })
    expect(settings.converterDefaults['key.converter']).to.equal('ByteArrayConverter')
  })

  it('say from where images may be read, and refuse what is no origin', () => {
    const { settings } = read({
      'images.allowed.dirs': '/data/images, pictures',
      'images.allowed.origins': 'https://images.test, http://10.0.0.1:9000',
      'images.private.addresses': 'true',
    })
    expect(settings.images).to.deep.equal({
      dirs: ['/data/images', path.resolve('pictures')],
      origins: ['https://images.test', 'http://10.0.0.1:9000'],
      privateAddresses: true,
    })
    for (const [key, value] of [
      ['images.allowed.origins', 'https://images.test, images.test'],
      ['images.allowed.origins', 'https://images.test/'],
      ['images.allowed.origins', '*'],
      ['images.private.addresses', 'yes'],
    ] as const)
      expect([...problemsOf({ [key]: value }).keys()], value).to.deep.equal([key])
    expect(problemsOf({ 'images.allowed.origins': 'images.test' }).get('images.allowed.origins')).to.include(
      'https://host',
    )
  })

  it('keep the options of the default converters', () => {
    const { settings } = read({ 'value.converter.schema.registry.url': 'http://127.0.0.1:1' })
    expect(settings.converterDefaults['value.converter.schema.registry.url']).to.equal('http://127.0.0.1:1')
  })

  it('name every wrong key at once', () => {
    const found = problemsOf({ 'task.hosts': '-1', 'log.level': 'loud', 'session.timeout.ms': 'ten' }, [
      'group.id',
      'status.storage.topic',
    ])
    expect([...found.keys()].sort()).to.deep.equal([
      'group.id',
      'log.level',
      'session.timeout.ms',
      'status.storage.topic',
      'task.hosts',
    ])
    expect(found.get('group.id')).to.equal('is required.')
  })

  it('refuse one topic for two purposes', () => {
    const problems = problemsOf({ 'status.storage.topic': 'c' })
    expect([...problems.keys()]).to.deep.equal(['status.storage.topic'])
    expect(problems.get('status.storage.topic')).to.contain('config.storage.topic')
    const missing = problemsOf({}, ['config.storage.topic', 'offset.storage.topic'])
    expect([...missing.values()]).to.deep.equal(['is required.', 'is required.'])
  })

  it('say what a number may be, never that it is "NaN"', () => {
    const message = problemsOf({ 'task.hosts': 'many' }).get('task.hosts')
    expect(message).to.contain('whole number from 0 to 1024')
    expect(message).not.to.contain('NaN')
  })

  it('warn of keys that are for the JVM alone', () => {
    const { warnings } = read({
      'plugin.discovery': 'hybrid_warn',
      'metric.reporters': 'x',
    })
    expect(warnings).to.have.lengthOf(2)
    expect(warnings[0]).to.contain('plugin.discovery')
  })

  it('stop the start at a key that changes meaning or security and is not supported, by name', () => {
    const found = problemsOf({
      'rest.extension.classes': 'X',
      'admin.listeners': 'http://127.0.0.1:1',
      'response.http.headers.config': 'add X-Frame-Options:DENY',
    })
    expect(found.size).to.equal(3)
    for (const message of found.values()) expect(message).to.contain('does not support yet')
  })

  it('accept the values of such keys that change nothing', () => {
    expect(
      problemsOf({ 'security.protocol': 'PLAINTEXT', 'header.converter.plugin.version': 'latest' }).size,
    ).to.equal(0)
  })

  it('know converters by the names of Kafka Connect and Confluent, and check their options', () => {
    for (const name of [
      'org.apache.kafka.connect.json.JsonConverter',
      'org.apache.kafka.connect.storage.StringConverter',
      'org.apache.kafka.connect.converters.ByteArrayConverter',
    ])
      expect(problemsOf({ 'key.converter': name }).size, name).to.equal(0)
    const avro = { 'value.converter': 'io.confluent.connect.avro.AvroConverter' }
    expect([...problemsOf(avro).keys()]).to.deep.equal(['value.converter.schema.registry.url'])
    expect(
      problemsOf({ ...avro, 'value.converter.schema.registry.url': 'http://127.0.0.1:1' }).size,
    ).to.equal(0)
    expect([...problemsOf({ 'key.converter': 'Nope' }).keys()]).to.deep.equal(['key.converter'])
  })

  it('are read from the file that Apache Kafka ships, as it is, and overridden by the environment', async () => {
    const file = path.resolve(import.meta.dirname, '../fixtures/worker/connect-distributed.properties')
    const { settings, warnings } = await loadSettings(file, { CONNECT_OFFSET_STORAGE_PARTITIONS: '3' })
    expect(warnings).to.deep.equal([])
    expect(settings).to.deep.include({
      bootstrapServers: ['localhost:9092'],
      listener: { host: '127.0.0.1', port: 8083 },
      offsetFlushInterval: 10_000,
    })
    expect(settings.mode).to.deep.include({
      groupId: 'connect-cluster',
      configTopic: { topic: 'connect-configs', partitions: 1, replicationFactor: 1 },
      offsetTopic: { topic: 'connect-offsets', partitions: 3, replicationFactor: 1 },
      statusTopic: { topic: 'connect-status', partitions: 5, replicationFactor: 1 },
    })
    expect(settings.converterDefaults).to.deep.equal({
      'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
      'key.converter.schemas.enable': 'true',
      'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
      'value.converter.schemas.enable': 'true',
    })
  })

  it('may come from config providers, of which the defaults of converters are told as they are written', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'sluice-settings-'))
    const [file, secrets] = ['worker.properties', 'secrets.properties'].map((name) => path.join(folder, name))
    writeFileSync(secrets!, 'group=g\nurl=http://127.0.0.1:1\n')
    const write = (more: Readonly<Record<string, string>>) =>
      writeFileSync(
        file!,
        Object.entries({ ...MINIMUM, ...more })
          .map(([k, v]) => `${k}=${v}`)
          .join('\n'),
      )
    const provider = {
      'config.providers': 'file',
      'config.providers.file.class': 'org.apache.kafka.common.config.provider.FileConfigProvider',
    }
    const url = `\${file:${secrets!}:url}`
    const avro = { 'value.converter': 'AvroConverter', 'value.converter.schema.registry.url': url }
    write({ ...provider, ...avro, 'group.id': `\${file:${secrets!}:group}` })
    const { settings } = await loadSettings(file, {})
    expect(settings.mode).to.include({ groupId: 'g' })
    expect(settings.converterDefaults['value.converter.schema.registry.url']).to.equal(url)
    expect(settings.configProviders).to.deep.equal([
      { name: 'file', className: provider['config.providers.file.class'], params: {} },
    ])
    const refusal = (more: Readonly<Record<string, string>>) => {
      write({ ...provider, ...more })
      return loadSettings(file, {}).then(
        () => expect.fail('taken'),
        (error: unknown) => messageOf(error),
      )
    }
    expect(await refusal({ 'client.id': `\${file:${secrets!}:gone}` }))
      .to.include('client.id')
      .and.include('gone')
    expect(await refusal({ 'config.providers.file.class': 'Vault' })).to.match(
      /config\.providers\.file\.class: There is no config provider "Vault"\. The nearest names: (\w+, ){2}\w+\. /,
    )
    rmSync(folder, { recursive: true })
  })

  it('may name what packages on plugin.path bring: config providers and default converters', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'sluice-settings-'))
    const provider = `
import { defineConfig } from 'sluice'
export default { kind: 'config-provider', name: 'SettingsVault', aliases: [], version: '1.0.0', summary: 'A.',
  config: defineConfig({}), open: () => ({ get: async (path, keys) => new Map([...keys].map((k) => [k, path + k])) }) }`
    const packages = [
      await writePackage(folder, 'plugins/vault', provider),
      await writePackage(folder, 'plugins/all', versionedCode('Setting', '2.0.0', 'o')),
    ]
    await writePackage(folder, 'plugins/broken', 'throw new Error("no licence")')
    const file = path.join(folder, 'worker.json')
    const settings = {
      ...MINIMUM,
      'config.providers': 'env,v',
      'config.providers.env.class': 'EnvVarConfigProvider',
      'config.providers.v.class': 'SettingsVault',
      'group.id': '${v:g:roup}',
      'value.converter': 'SettingConverter',
      'value.converter.plugin.version': '[2,3)',
      'plugin.path': '${env:SLUICE_TEST_PLUGINS}/plugins',
    }
    writeFileSync(file, JSON.stringify(settings))
    process.env['SLUICE_TEST_PLUGINS'] = folder
    const read = await loadSettings(file, {})
    expect(read.settings.mode).to.include({ groupId: 'group' })
    expect(read.settings.pluginPackages).to.include.members(packages)
    expect(read.leftOut.map(({ reason }) => reason)).to.deep.equal(['no licence'])
    writeFileSync(file, JSON.stringify({ ...settings, 'value.converter.plugin.version': '3' }))
    const refusal = await loadSettings(file, {}).then(() => 'taken', messageOf)
    expect(refusal).to.match(/value\.converter\.plugin\.version: .*available versions: \[2\.0\.0\]/)
    delete process.env['SLUICE_TEST_PLUGINS']
    forgetLeftOut()
    rmSync(folder, { recursive: true })
  })

  it('take overrides from the environment in the way of Confluent’s images', () => {
    const found = fromEnvironment({
      CONNECT_BOOTSTRAP_SERVERS: 'a:1',
      CONNECT_VALUE_CONVERTER_SCHEMA_REGISTRY_URL: 'http://r',
      CONNECT_A__B___C: 'x',
      PATH: '/bin',
    })
    expect(Object.fromEntries(found)).to.deep.equal({
      'bootstrap.servers': 'a:1',
      'value.converter.schema.registry.url': 'http://r',
      'a_b-c': 'x',
    })
  })
})
