import { readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { type ChaosWorker, startChaosWorker } from '../support/chaos-worker.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import { kafkajsClient } from '../support/kafka.ts'
import { untilTasks } from '../support/sluice-dev.ts'
import { fillTopic } from '../support/topics.ts'

describe('a sink whose system is away for a while', function () {
  this.timeout(60_000)
  let worker: ChaosWorker

  before(async () => {
    worker = await startChaosWorker(10_000)
  })

  after(() => worker.stop())

  /** Who is in the connector's group, and whether it is stable. */
  async function group(name: string): Promise<unknown> {
    const admin = kafkajsClient(worker.bootstrapServers).admin()
    await admin.connect()
    const { groups } = await admin.describeGroups([`connect-${name}`])
    await admin.disconnect()
    return groups.map(({ state, members }) => ({ state, members: members.map(({ memberId }) => memberId) }))
  }

  it('gets each record once, stays RUNNING and keeps its place in its group', async () => {
    const [name, source] = [uniqueName('refusing'), uniqueName('refusing-in')]
    const [file, outage] = [path.join(worker.models, `${name}.txt`), path.join(worker.models, 'outage')]
    const lines = async () => (await readFile(file, 'utf8').catch(() => '')).split('\n').slice(0, -1)
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
