import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { eventually, uniqueName } from '../support/eventually.ts'
import { call, type SluiceDev, startSluiceDev, untilTasks } from '../support/sluice-dev.ts'
import { countRecords, fillTopic, readTopic } from '../support/topics.ts'

const SECRET = 'canary-of-the-file-4711'

describe('a worker with config providers', function () {
  this.timeout(150_000)
  const [source, target, name] = [uniqueName('in'), uniqueName('out'), uniqueName('provided')]
  const configTopic = uniqueName('configs')
  let folder: string
  let file: string
  let sluice: SluiceDev

  const write = (lines: Readonly<Record<string, string>>) =>
    writeFile(
      file,
      Object.entries(lines)
        .map(([key, value]) => `${key}=${value}\n`)
        .join(''),
    )

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-provided-'))
    file = path.join(folder, 'secrets.properties')
    await write({ target, secret: SECRET, tasks: '2', flush: '777' })
    sluice = await startSluiceDev({
      CONNECT_CONFIG_STORAGE_TOPIC: configTopic,
      CONNECT_CONFIG_PROVIDERS: 'file,env',
      CONNECT_CONFIG_PROVIDERS_FILE_CLASS: 'org.apache.kafka.common.config.provider.FileConfigProvider',
      CONNECT_CONFIG_PROVIDERS_FILE_PARAM_ALLOWED_PATHS: folder,
      CONNECT_CONFIG_PROVIDERS_ENV_CLASS: 'EnvVarConfigProvider',
      CONNECT_OFFSET_FLUSH_INTERVAL_MS: `\${file:${file}:flush}`,
      SLUICE_TEST_SOURCE: source,
      SLUICE_LOG_LEVEL: 'debug',
    })
    await fillTopic(sluice.bootstrapServers, source, 1, [{ key: 'k', value: Buffer.from('v') }])
  })
  after(async () => {
    await sluice.stop()
    await rm(folder, { recursive: true })
  })

  const config = () => ({
    'connector.class': 'TopicSink',
    'key.converter': 'ByteArrayConverter',
    'value.converter': 'ByteArrayConverter',
    'tasks.max': `\${file:${file}:tasks}`,
    topics: '${env:SLUICE_TEST_SOURCE}',
    'target.topic': `\${file:${file}:target}`,
    'my.password': `\${file:${file}:secret}`,
    'my.note': '${date:now:yyyy}',
  })
  const read = async (route: string) => (await call(sluice.rest, 'GET', route)).body

  it('resolves them where a connector runs, and keeps them as they are written in REST and in its topics', async () => {
    const created = await call(sluice.rest, 'POST', '/connectors', { name, config: config() })
    expect(created.status, JSON.stringify(created.body)).to.equal(201)
    await untilTasks(sluice.rest, name, 'RUNNING')
    await eventually(async () => (await countRecords(sluice.bootstrapServers, target)) === 1, {
      timeoutMs: 60_000,
    })
    expect(await read(`/connectors/${name}/config`)).to.deep.equal({ ...config(), name })
    const tasks = (await read(`/connectors/${name}/tasks`)) as { config: Record<string, string> }[]
    expect(tasks.map((task) => task.config['target.topic'])).to.deep.equal(
      Array(2).fill(`\${file:${file}:target}`),
    )
    const stored = await readTopic(sluice.bootstrapServers, configTopic)
    expect(stored.map(({ key }) => String(key))).to.include(`connector-${name}`)
    const texts = stored
      .map(({ value }) => String(value))
      .filter((text) => text.includes(target) || text.includes(SECRET))
    expect(texts).to.deep.equal([])
  })

  it('shows no value in what validate says, and refuses a reference that gives nothing by its key', async () => {
    const validate = (more: object) =>
      call(sluice.rest, 'PUT', '/connector-plugins/TopicSink/config/validate', { ...config(), name, ...more })
    const score = {
      transforms: 's',
      'transforms.s.type': 'ScoreH2O$Value',
      'transforms.s.model': `\${file:${file}:secret}`,
    }
    for (const more of [score, { 'tasks.max': `\${file:${file}:secret}` }]) {
      const { body } = await validate(more)
      expect(JSON.stringify(body)).to.include('[hidden]').and.not.to.include(SECRET)
    }
    const { status, body } = await call(sluice.rest, 'PUT', `/connectors/${name}/config`, {
      ...config(),
      'my.password': `\${file:${file}:gone}`,
    })
    expect(status).to.equal(400)
    expect(JSON.stringify(body))
      .to.include(`Connector ${name}`)
      .and.include('my.password')
      .and.include('provider file')
  })

  it('fails a task whose value is gone, and goes on with the new one after a restart', async () => {
    await write({ target, tasks: '2', flush: '777' })
    const restart = () => call(sluice.rest, 'POST', `/connectors/${name}/restart?includeTasks=true`)
    await restart()
    const { tasks } = await untilTasks(sluice.rest, name, 'FAILED')
    expect(tasks[0]?.trace)
      .to.include(`Connector ${name}`)
      .and.include('my.password')
      .and.include('has no key "secret"')
    await write({ target, secret: 'another canary', tasks: '2', flush: '777' })
    await restart()
    await untilTasks(sluice.rest, name, 'RUNNING')
  })

  it('logs no value of a plugin', () => {
    const logged = sluice.process.stderr()
    expect(logged).to.include(name)
    expect(logged.includes(SECRET) || logged.includes('another canary')).to.equal(false)
  })
})
