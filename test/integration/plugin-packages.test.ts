import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { type ChaosWorker, startChaosWorker } from '../support/chaos-worker.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import { versionedCode, writePackage } from '../support/plugin-package.ts'
import { REPOSITORY } from '../support/process.ts'
import { call, untilTasks } from '../support/sluice-dev.ts'
import { fillTopic, readTopic } from '../support/topics.ts'

const FIXTURES = path.join(REPOSITORY, 'test/fixtures')
const READER = 'XgboostJson 1.0.0 of acme-xgboost 2.1.0'

const PROVIDER = `
import { defineConfig } from 'sluice'
export default { kind: 'config-provider', name: 'AcmeNames', aliases: [], version: '1.0.0', summary: 'Joins.', config: defineConfig({}),
  open: () => ({ get: async (path, keys) => new Map([...keys].map((key) => [key, path + '-' + key])) }) }`

/** Writes in front of a text who reads the model, and what it says of two numbers. */
const SCORER = `
import { defineConfig, mapRecords } from 'sluice'
const numbers = (value) => ({ type: 'float64', values: Float64Array.of(value), present: Uint8Array.of(1) })
export default { kind: 'transform', name: 'AcmeHours', version: '1.0.0', summary: 'Scores.', config: defineConfig({}), examples: [],
  open: async (_, { models }) => {
    const model = await models.load('hours')
    const { prediction } = await model.score([numbers(0), numbers(0)], 1)
    const said = model.reader + '=' + Math.round(prediction.values[0])
    return mapRecords((record) => ({ ...record, value: said + ' ' + record.value }))
  } }`

describe('a worker with packages of plugins', function () {
  this.timeout(240_000)
  let plugins: string
  let worker: ChaosWorker
  const [source, target] = [uniqueName('in'), uniqueName('out')]

  before(async () => {
    plugins = await mkdtemp(path.join(tmpdir(), 'sluice-plugins-'))
    await writePackage(plugins, 'old', versionedCode('Side', '1.0.0', 'old'))
    await writePackage(plugins, 'new', versionedCode('Side', '2.0.0', 'new'))
    await writePackage(plugins, 'names', PROVIDER)
    await writePackage(plugins, 'scorer', SCORER)
    await writePackage(plugins, 'broken', 'throw new Error("no licence")')
    await cp(path.join(FIXTURES, 'plugins/acme-xgboost'), path.join(plugins, 'acme-xgboost'), {
      recursive: true,
    })
    worker = await startChaosWorker(30_000, {
      'plugin.path': plugins,
      'config.providers': 'names',
      'config.providers.names.class': 'AcmeNames',
    })
    await mkdir(path.join(worker.models, 'hours'))
    await cp(path.join(FIXTURES, 'xgboost/hours.json'), path.join(worker.models, 'hours/hours.json'))
    await cp(path.join(FIXTURES, 'xgboost/hours-probe.jsonl'), path.join(worker.models, 'hours/probe.jsonl'))
    await fillTopic(worker.bootstrapServers, source, 1, [{ key: 'k', value: Buffer.from('text') }])
  })
  after(async () => {
    await worker.stop()
    await rm(plugins, { recursive: true })
  })

  const config = (version: string) => ({
    'connector.class': 'TopicSink',
    topics: source,
    'target.topic': `\${names:${target}:${version}}`,
    'key.converter': 'StringConverter',
    'value.converter': 'StringConverter',
    transforms: 'score,side',
    'transforms.score.type': 'AcmeHours$Value',
    'transforms.side.type': 'SideTransform$Value',
    'transforms.side.plugin.version': version,
  })

  it('runs two versions side by side, with a provider and a model format of packages', async () => {
    for (const version of ['1.0.0', '2.0.0']) {
      await worker.create(uniqueName('side'), config(version))
      await eventually(
        async () => {
          const [record] = await readTopic(worker.bootstrapServers, `${target}-${version}`)
          expect(String(record?.value)).to.equal(`${version}:${READER}=39 text`) // XGBoost: 38.8085
          return true
        },
        { timeoutMs: 60_000 },
      )
    }
  })

  it('shows them where people look', async () => {
    const { body: all } = await call(worker.rest, 'GET', '/connector-plugins?connectorsOnly=false')
    const named = (all as { class: string; type: string; version: string }[]).map((each) =>
      [each.class, each.type, each.version].join(' '),
    )
    expect(named).to.include.members([
      'SideSink sink 2.0.0',
      'SideSink sink 1.0.0',
      'AcmeNames config_provider 1.0.0',
      'XgboostJson model_format 1.0.0',
    ])
    const { body: keys } = await call(
      worker.rest,
      'GET',
      '/connector-plugins/SideTransform$Value/config?version=1.0.0',
    )
    expect((keys as { name: string }[]).map(({ name }) => name)).to.deep.equal(['old'])
    const { body: model } = await call(worker.rest, 'GET', '/sluice/models/hours')
    expect(model).to.include({ format: 'xgboost-json', reader: READER, probes: 20 })
  })

  it('says what is not there, each once for its key: a version with those that are, a class with what was left out', async () => {
    const refused = async (more: Readonly<Record<string, string>>) => {
      const wrong = { name: uniqueName('wrong'), config: { ...config('1.0.0'), ...more } }
      const { status, body } = await call(worker.rest, 'POST', '/connectors', wrong)
      expect(status).to.equal(400)
      return (body as { message: string }).message
    }
    const version = await refused({ 'transforms.side.plugin.version': '[3,)' })
    expect(version)
      .to.include('contains the following 2 error(s)')
      .and.include('available versions: [1.0.0, 2.0.0]')
    const unknown = await refused({ 'transforms.side.type': 'AcmeHoure$Value' })
    expect(unknown).to.include('The nearest names: AcmeHours$Value, ').and.include('broken 1.0.0 in')
    expect((await call(worker.rest, 'GET', '/connector-plugins/SideSink/config?version=9')).status).to.equal(
      400,
    )
    await untilTasks(worker.rest, 'calm', 'RUNNING')
  })
})
