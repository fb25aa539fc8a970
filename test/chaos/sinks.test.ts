import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { type ChaosWorker, startChaosWorker } from '../support/chaos-worker.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import { loopingGraph } from '../support/hostile-graphs.ts'
import { kafkajsClient } from '../support/kafka.ts'
import { sinkCode, transformCode, writePackage } from '../support/plugin-package.ts'
import { descendantsOf } from '../support/process-tree.ts'
import { call, untilTasks } from '../support/sluice-dev.ts'
import { fillTopic } from '../support/topics.ts'

describe('a sink that writes outside of Kafka', function () {
  this.timeout(120_000)
  let worker: ChaosWorker

  let plugins: string

  before(async () => {
    plugins = await mkdtemp(path.join(tmpdir(), 'sluice-plugin-path-'))
    await writePackage(plugins, 'acme-upper', transformCode('AcmeUpper'))
    await writePackage(plugins, 'acme-file', sinkCode('AcmeFile'))
    await writePackage(plugins, 'acme-broken', 'throw new Error("no licence")')
    worker = await startChaosWorker(10_000, { 'plugin.path': plugins })
  })

  after(async () => {
    await worker.stop()
    await rm(plugins, { recursive: true, force: true })
  })

  it('comes from a package on plugin.path, with a transform from another, beside one that is broken', async () => {
    const { body } = await call(worker.rest, 'GET', '/connector-plugins?connectorsOnly=false')
    const found = (body as { class: string; location?: string }[]).filter(
      ({ location }) => location !== undefined,
    )
    expect(found).to.deep.equal([
      { class: 'AcmeFile', type: 'sink', version: '4.5.6', location: path.join(plugins, 'acme-file') },
      ...['AcmeUpper$Key', 'AcmeUpper$Value'].map((name) => ({
        ...{ class: name, type: 'transformation', version: '1.2.3' },
        location: path.join(plugins, 'acme-upper'),
      })),
    ])
    const [name, source] = [uniqueName('acme'), uniqueName('acme-in')]
    const file = path.join(worker.models, `${name}.txt`)
    const value = Buffer.from('{"code":"ua"}')
    await fillTopic(worker.bootstrapServers, source, 1, [{ key: null, value }])
    await worker.create(name, {
      ...{ 'connector.class': 'AcmeFile', topics: source, file },
      ...{ 'value.converter': 'JsonConverter', 'value.converter.schemas.enable': 'false' },
      ...{ transforms: 'up', 'transforms.up.type': 'AcmeUpper$Value', 'transforms.up.field': 'code' },
    })
    await eventually(async () => (await linesOf(file)).join() === '{"code":"UA"}', { timeoutMs: 60_000 })
    await untilTasks(worker.rest, name, 'RUNNING')
  })

  /** Who is in the connector's group, and whether it is stable. */
  async function group(name: string): Promise<unknown> {
    const admin = kafkajsClient(worker.bootstrapServers).admin()
    await admin.connect()
    const { groups } = await admin.describeGroups([`connect-${name}`])
    await admin.disconnect()
    return groups.map(({ state, members }) => ({ state, members: members.map(({ memberId }) => memberId) }))
  }

  const linesOf = async (file: string): Promise<string[]> =>
    (await readFile(file, 'utf8').catch(() => '')).split('\n').slice(0, -1)

  it('FileStreamSink has every scored record, also where its task host is killed', async () => {
    const [name, source] = [uniqueName('scored'), uniqueName('scored-in')]
    const file = path.join(worker.models, `${name}.txt`)
    await mkdir(path.join(worker.models, 'model'))
    await writeFile(path.join(worker.models, 'model', 'model.onnx'), loopingGraph())
    const fields = [{ field: 'f0', type: 'double', optional: false }]
    const records = Array.from({ length: 400 }, (_, f0) => {
      const value = { schema: { type: 'struct', fields, optional: false }, payload: { f0 } }
      return { key: null, value: Buffer.from(JSON.stringify(value)) }
    })
    await fillTopic(worker.bootstrapServers, source, 2, records.slice(0, 200))
    await worker.create(name, {
      topics: source,
      'target.topic': `${name}-out`,
      'value.converter': 'JsonConverter',
      transforms: 'score',
      'transforms.score.type': 'ScoreOnnx$Value',
      'transforms.score.model': 'model',
    })
    await worker.create(`${name}-file`, {
      'connector.class': 'org.apache.kafka.connect.file.FileStreamSinkConnector',
      topics: `${name}-out`,
      file,
      'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    })
    await eventually(async () => (await linesOf(file)).length > 0, { timeoutMs: 60_000 })
    const host = descendantsOf(worker.pid).find(({ command }) => command.endsWith('task-host'))
    process.kill(host?.pid ?? 0, 'SIGKILL')
    await fillTopic(worker.bootstrapServers, source, 2, records.slice(200))
    const scored = async (): Promise<Set<number>> => {
      const found = (await linesOf(file)).map((line) => {
        const f0 = /^Struct\{f0=(\d+)\.0,prediction=\1\.0[,}]/.exec(line)?.[1]
        if (f0 === undefined) throw new Error(line)
        return Number(f0)
      })
      return new Set(found)
    }
    await eventually(async () => (await scored()).size === 400, { timeoutMs: 60_000, everyMs: 250 })
    for (const each of [name, `${name}-file`]) await untilTasks(worker.rest, each, 'RUNNING')
  })

  it('FileStreamSink fails its task where the folder of its file is missing, and the status says so', async () => {
    const [name, source] = [uniqueName('nowhere'), uniqueName('nowhere-in')]
    await fillTopic(worker.bootstrapServers, source, 1, [])
    const file = path.join(worker.models, 'nowhere', 'out.txt')
    await worker.create(name, { 'connector.class': 'FileStreamSink', topics: source, file })
    const { tasks } = await untilTasks(worker.rest, name, 'FAILED')
    expect(tasks[0]?.trace).to.contain(file).and.to.contain('does not exist')
  })

  it('gets each record once where its system is away for a while, stays RUNNING and keeps its place in its group', async () => {
    const [name, source] = [uniqueName('refusing'), uniqueName('refusing-in')]
    const [file, outage] = [path.join(worker.models, `${name}.txt`), path.join(worker.models, 'outage')]
    const lines = () => linesOf(file)
    const values = Array.from({ length: 200 }, (_, i) => `value ${i}`)
    const records = values.map((value) => ({ key: null, value: Buffer.from(value) }))
    await fillTopic(worker.bootstrapServers, source, 2, records.slice(0, 100))
    await worker.create(name, { 'connector.class': 'RefusingSink', topics: source, file, outage })
    await eventually(async () => (await lines()).length === 100, { timeoutMs: 30_000 })

    await writeFile(outage, '')
    const before = await group(name)
    await fillTopic(worker.bootstrapServers, source, 2, records.slice(100))
    await eventually(async () => (await lines()).length >= 120, { timeoutMs: 30_000 })
    await untilTasks(worker.rest, name, 'RUNNING')
    expect(await group(name)).to.deep.equal(before)

    await rm(outage)
    const taken = async () => (await lines()).filter((line) => line !== 'refused')
    await eventually(async () => (await taken()).length >= 200, { timeoutMs: 30_000 })
    expect((await taken()).toSorted()).to.deep.equal(values.toSorted())
    await untilTasks(worker.rest, name, 'RUNNING')
    expect(await group(name)).to.deep.equal(before)
  })
})
