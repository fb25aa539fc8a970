import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { ConfigError } from '../../src/api/errors.ts'
import { loadSettings, readSettings } from '../../src/worker/settings/settings.ts'
import { REPOSITORY } from '../support/process.ts'

const FILE = { 'offset.storage.file.filename': '/var/lib/connect.offsets' }
const read = (more: Record<string, string>) =>
  readSettings(new Map(Object.entries({ ...FILE, ...more })), 'standalone')

function problemsOf(work: () => unknown): Record<string, string> {
  try {
    work()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return Object.fromEntries(error.problems.map((each) => [each.path, each.message]))
  }
  return {}
}

describe('the settings of a standalone worker', () => {
  let folder: string
  before(() => (folder = mkdtempSync(path.join(tmpdir(), 'sluice-standalone-settings-'))))
  after(() => rmSync(folder, { recursive: true, force: true }))

  it('need a file for offsets, and nothing of a cluster', () => {
    const { settings, warnings } = read({})
    expect(settings.mode).to.deep.equal({ kind: 'standalone', offsetFile: '/var/lib/connect.offsets' })
    expect(settings.clientId).to.equal('sluice-standalone')
    expect(warnings).to.deep.equal([])
    for (const name of ['', ' '])
      expect(problemsOf(() => read({ 'offset.storage.file.filename': name }))).to.deep.equal({
        'offset.storage.file.filename': 'is required.',
      })
    expect(problemsOf(() => readSettings(new Map(), 'standalone'))).to.have.all.keys(
      'offset.storage.file.filename',
    )
  })

  it('are those of a connect-standalone.properties file, the offsets file below the folder it is started in', async () => {
    const file = path.join(folder, 'connect-standalone.properties')
    const lines = [
      '# who reads this',
      'bootstrap.servers=broker:9092',
      'key.converter=org.apache.kafka.connect.json.JsonConverter',
      'key.converter.schemas.enable=false',
      'value.converter=org.apache.kafka.connect.storage.StringConverter',
      'offset.storage.file.filename=connect.offsets',
      'offset.flush.interval.ms=10000',
      '#plugin.path=/usr/local/share/java',
    ]
    writeFileSync(file, lines.join('\n'))
    const { settings, warnings } = await loadSettings(file, {}, 'standalone')
    expect(warnings).to.deep.equal([])
    expect(settings).to.deep.include({
      bootstrapServers: ['broker:9092'],
      offsetFlushInterval: 10_000,
      mode: { kind: 'standalone', offsetFile: path.resolve('connect.offsets') },
      converterDefaults: {
        'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
        'key.converter.schemas.enable': 'false',
        'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
      },
    })
    const other = { CONNECT_OFFSET_STORAGE_FILE_FILENAME: '/elsewhere' }
    const over = await loadSettings(file, other, 'standalone')
    expect(over.settings.mode).to.include({ offsetFile: '/elsewhere' })
  })

  it('may be those of a worker in a cluster, as JSON: what has no meaning here is ignored, with a warning', async () => {
    const file = path.join(REPOSITORY, 'config/worker.json')
    const env = { CONNECT_OFFSET_STORAGE_FILE_FILENAME: '/elsewhere' }
    const { settings, warnings } = await loadSettings(file, env, 'standalone')
    expect(settings.mode).to.deep.equal({ kind: 'standalone', offsetFile: '/elsewhere' })
    const ignored = ['group.id', ...['config', 'offset', 'status'].map((kind) => `${kind}.storage.topic`)]
    for (const key of ignored)
      expect(warnings).to.include(
        `${key} is a setting of a worker in a cluster: a standalone worker ignores it.`,
      )
    expect(warnings).to.have.length(7)
  })

  it('are not refused for a key that nobody knows, or a group without topics', () => {
    const { settings, warnings } = read({
      'my.tool.key': '1',
      'bootstrap.server': 'x:9092',
      'config.storage.topic': 'same',
      'status.storage.topic': 'same',
      'connect.protocol': 'none',
      'inter.worker.key.size': '1',
    })
    expect(settings.bootstrapServers).to.deep.equal(['localhost:9092'])
    expect(warnings).to.include('my.tool.key is not a setting of a worker and is ignored.')
    expect(warnings).to.include(
      'bootstrap.server is not a setting of a worker and is ignored. Did you mean bootstrap.servers?',
    )
    expect(warnings).to.have.length(6)
  })

  it('are refused where they cannot be kept, and where a value is wrong', () => {
    const wrong = {
      'security.protocol': 'TLS',
      'offset.flush.interval.ms': 'soon',
    }
    expect(problemsOf(() => read(wrong))).to.have.all.keys(Object.keys(wrong))
    expect(problemsOf(() => read({ 'security.protocol': 'PLAINTEXT' }))).to.deep.equal({})
    expect(problemsOf(() => read({ 'value.converter': 'None' }))).to.have.all.keys('value.converter')
  })

  it('are no settings of a worker in a cluster', () => {
    const cluster = { 'group.id': 'g', 'config.storage.topic': 'c', 'offset.storage.topic': 'o' }
    const raw = new Map(Object.entries({ ...FILE, ...cluster, 'status.storage.topic': 's' }))
    expect(problemsOf(() => readSettings(raw))).to.deep.equal({
      'offset.storage.file.filename':
        'is a setting of a standalone worker. Remove it, or start `sluice standalone`.',
    })
  })
})
