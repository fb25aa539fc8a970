import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { freePort, sharedKafka } from '../support/kafka.ts'
import { REPOSITORY } from '../support/process.ts'
import { type ClusterWorker, WorkerCluster } from '../support/worker-cluster.ts'
import { ask, comesTo, create, offsetsOf, toldBy } from './cluster-questions.ts'
import { NumberedLines } from './numbered-lines.ts'

const SHIPPED = path.join(REPOSITORY, 'test/fixtures/worker/connect-distributed.properties')
const [RUNNING, PAUSED] = ['RUNNING,RUNNING', 'PAUSED,PAUSED']
const NAMES = ['going', 'paused', 'stopped', 'ours'] as const

/** Java has no class of this name. */
const flowers = ({ name }: WorkerCluster) => ({
  'connector.class': 'Datagen',
  quickstart: 'iris',
  'kafka.topic': `${name}-flowers`,
  'topic.creation.default.partitions': '1',
  'topic.creation.default.replication.factor': '1',
})

/** A source that runs with a sink behind it, one paused and one stopped after its first lines, and one deleted. */
async function fillByJava(
  java: ClusterWorker,
  { going, paused, stopped, ours }: Readonly<Record<(typeof NAMES)[number], NumberedLines>>,
): Promise<void> {
  for (const lines of [going, paused, stopped]) await lines.append(50)
  await create(java, 'going', going.source)
  await create(java, 'paused', paused.source)
  await create(java, 'stopped', stopped.source)
  await create(java, 'sunk', going.sink)
  await create(java, 'gone', ours.source, 'STOPPED')
  await comesTo(java, { going: RUNNING, sunk: RUNNING, paused: RUNNING, stopped: RUNNING, gone: 'STOPPED' })
  for (const lines of [going, paused, stopped]) await lines.areInTopic()
  await ask(java, 'PUT', '/connectors/paused/pause')
  await ask(java, 'PUT', '/connectors/stopped/stop')
  await ask(java, 'DELETE', '/connectors/gone')
  await comesTo(java, { paused: PAUSED, stopped: 'STOPPED' })
}

/** Connectors come, one of a class that Java has not, change and go. */
async function changeBySluice(
  sluice: ClusterWorker,
  cluster: WorkerCluster,
  ours: NumberedLines,
): Promise<void> {
  await ours.append(50)
  await create(sluice, 'ours', ours.source)
  await create(sluice, 'flowers', flowers(cluster))
  await ours.areInTopic()
  await ask(sluice, 'PUT', '/connectors/paused/pause')
  await ask(sluice, 'PUT', '/connectors/ours/stop')
  await ask(sluice, 'DELETE', '/connectors/stopped')
  await ask(sluice, 'PATCH', '/connectors/sunk/config', { 'errors.tolerance': 'all' })
  await comesTo(sluice, { going: RUNNING, sunk: RUNNING, flowers: RUNNING, paused: PAUSED, ours: 'STOPPED' })
}

describe("a Java cluster's topics", function () {
  this.timeout(400_000)
  const cluster = new WorkerCluster()
  let folder = ''
  let file = ''
  let base = ''

  before(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'sluice-takeover-'))
    file = path.join(folder, 'connect-distributed.properties')
    base = `http://127.0.0.1:${await freePort()}`
    const { bootstrapServers } = await sharedKafka()
    const shipped = await readFile(SHIPPED, 'utf8')
    const text = shipped
      .replace('localhost:9092', bootstrapServers)
      .replace(/^group\.id=.*$/m, `group.id=${cluster.name}`)
      .replace(/^(\w+)\.storage\.topic=.*$/gm, `$1.storage.topic=${cluster.name}-$1`)
      .replace(/^#listeners=.*$/m, `listeners=${base}`)
    await writeFile(file, text)
  })
  after(async () => {
    await cluster.stop()
    await rm(folder, { recursive: true, force: true })
  })

  it('are carried on by a Sluice worker with the same properties file, and handed back', async () => {
    const [going, paused, stopped, ours] = NAMES.map(
      (name) => new NumberedLines(folder, name, `${cluster.name}-${name}`),
    ) as [NumberedLines, NumberedLines, NumberedLines, NumberedLines]
    const goesOn = async () => {
      await going.append(50)
      await going.areInTopic()
      await going.areCopied()
    }

    const java = await cluster.started('java', { base, file })
    await fillByJava(java, { going, paused, stopped, ours })
    const [pausedAt, stoppedAt] = [paused.offset, stopped.offset]
    for (const lines of [paused, stopped]) await lines.append(50)
    await goesOn()
    const found = await toldBy(java)
    await java.stop()

    await going.append(50) // while there is nobody
    const sluice = await cluster.started('sluice', { base, file })
    await comesTo(sluice, { going: RUNNING, sunk: RUNNING, paused: PAUSED, stopped: 'STOPPED' })
    expect(await toldBy(sluice)).to.deep.equal(found)
    await goesOn()
    expect(await offsetsOf(sluice, 'paused')).to.deep.equal([pausedAt])
    expect(await offsetsOf(sluice, 'stopped')).to.deep.equal([stoppedAt])
    for (const name of ['paused', 'stopped']) await ask(sluice, 'PUT', `/connectors/${name}/resume`)
    await paused.areInTopic()
    await stopped.areInTopic()
    await changeBySluice(sluice, cluster, ours)
    const oursAt = ours.offset
    for (const lines of [paused, ours]) await lines.append(50)
    const changed = await toldBy(sluice)
    await sluice.stop()

    await going.append(50)
    const again = await cluster.started('java', { base, file })
    await comesTo(again, { going: RUNNING, sunk: RUNNING, paused: PAUSED, ours: 'STOPPED' })
    await comesTo(again, { flowers: 'FAILED,FAILED' })
    expect({ ...(await toldBy(again)), flowers: null }).to.deep.equal({ ...changed, flowers: null })
    await goesOn()
    expect(await offsetsOf(again, 'ours')).to.deep.equal([oursAt])
    for (const name of ['paused', 'ours']) await ask(again, 'PUT', `/connectors/${name}/resume`)
    await paused.areInTopic()
    await ours.areInTopic()
  })

  it('go from a Java worker to a Sluice worker and back while both are in the group', async () => {
    const value = { 'value.converter': 'org.apache.kafka.connect.json.JsonConverter' }
    const both = new WorkerCluster(value)
    const lines = new NumberedLines(folder, 'both', `${both.name}-both`)
    const change = async (from: ClusterWorker, to: ClusterWorker) => {
      await lines.append(50)
      await from.stop()
      await comesTo(to, { source: RUNNING, sink: RUNNING })
      await lines.append(50)
      await lines.areInTopic()
      await lines.areCopied()
    }
    try {
      const java = await both.java()
      await create(java, 'source', lines.source)
      await create(java, 'sink', lines.sink)
      await comesTo(java, { source: RUNNING, sink: RUNNING })
      const sluice = await both.sluice()
      await change(java, sluice)
      const again = await both.java()
      await change(sluice, again)
    } finally {
      await both.stop()
    }
  })
})
