import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { eventually, uniqueName } from '../support/eventually.ts'
import { kafkajsClient } from '../support/kafka.ts'
import { descendantsOf, type RunningProcess } from '../support/process-tree.ts'
import { createCopy, type SluiceDev, startSluiceDev, untilTasks } from '../support/sluice-dev.ts'
import { fillTopic, readTopic } from '../support/topics.ts'

const RECORDS = 40_000
const PATIENT = { timeoutMs: 60_000, everyMs: 200 }

describe('a worker that is stopped for longer than its session and goes on (SIGSTOP, SIGCONT)', function () {
  this.timeout(180_000)
  let sluice: SluiceDev

  before(async () => {
    sluice = await startSluiceDev()
  })

  after(() => sluice.stop())

  async function workerProcess(): Promise<RunningProcess> {
    const find = () => descendantsOf(sluice.process.pid).find(({ command }) => command.includes(' worker '))
    return eventually(find)
  }

  it('has lost its partitions, writes and commits nothing meanwhile, joins again, and loses no record', async () => {
    const [source, target, name] = [uniqueName('in'), uniqueName('out'), uniqueName('pass')]
    const records = Array.from({ length: RECORDS }, (_, i) => ({ key: String(i), value: Buffer.from('v') }))
    await fillTopic(sluice.bootstrapServers, source, 2, records.slice(0, RECORDS / 4))
    await createCopy(sluice.rest, name, { source, target, 'consumer.override.session.timeout.ms': '6000' })

    const kafka = kafkajsClient(sluice.bootstrapServers)
    const admin = kafka.admin()
    await admin.connect()
    const groupId = `connect-${name}`
    const committed = async (): Promise<number[]> => {
      const [topic] = await admin.fetchOffsets({ groupId, topics: [source] })
      return (topic?.partitions ?? [])
        .toSorted((a, b) => a.partition - b.partition)
        .map(({ offset }) => Number(offset))
    }
    await eventually(async () => (await committed()).some((offset) => offset > 0), PATIENT)

    const { pid } = await workerProcess()
    process.kill(pid, 'SIGSTOP')
    let whileStopped: number[]
    try {
      const empty = async () => (await admin.describeGroups([groupId])).groups[0]?.state === 'Empty'
      await eventually(empty, PATIENT)
      whileStopped = await committed()
      const written = async () => (await readTopic(sluice.bootstrapServers, target)).length
      const before = await written()
      // Its task host still runs, and could read these; others could have them by now, so it holds still.
      await fillTopic(sluice.bootstrapServers, source, 2, records.slice(RECORDS / 4))
      for (let look = 0; look < 10; look++) expect(await written()).to.equal(before)
      expect(await committed()).to.deep.equal(whileStopped)
    } finally {
      process.kill(pid, 'SIGCONT')
    }

    await eventually(async () => {
      const offsets = await committed()
      return offsets.reduce((sum, offset) => sum + offset, 0) === RECORDS
    }, PATIENT)
    const keys = (await readTopic(sluice.bootstrapServers, target)).map(({ key }) => key?.toString() ?? '')
    expect(new Set(keys).size).to.equal(RECORDS)
    await untilTasks(sluice.rest, name, 'RUNNING')
    await admin.disconnect()
    console.log(`      ${keys.length - RECORDS} of ${RECORDS} records came twice (at-least-once)`)
  })
})
