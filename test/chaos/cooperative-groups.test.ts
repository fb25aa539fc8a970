import { expect } from 'chai'
import { afterEach, before, describe, it } from 'mocha'
import { type ChaosWorker, startChaosWorker } from '../support/chaos-worker.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import { kafkajsClient, sharedKafka } from '../support/kafka.ts'
import { fillTopic, readTopic } from '../support/topics.ts'

const PARTITIONS = 8
const RECORDS = 120_000
/** Of the sink's group: a worker that is killed is missed after this. */
const SESSION = '6000'

interface Stream {
  readonly source: string
  readonly target: string
  readonly group: string
  readonly workers: ChaosWorker[]
}

/**
 * Workers of one sink group, each with a connector of two tasks, while records flow: each record is its number within its
 * partition, and the sink keeps partitions. What must hold of each partition of the target: after a record comes the next one, or
 * one that was there before (it was not committed yet) and from there on all again. A gap is a loss, or a swap.
 */
describe('a sink group that rebalances cooperatively while records flow', function () {
  this.timeout(400_000)
  let bootstrapServers: string
  let stream: Stream

  before(async () => {
    bootstrapServers = (await sharedKafka()).bootstrapServers
  })
  afterEach(() => Promise.all(stream.workers.map((worker) => worker.stop())))

  function begin(): void {
    const [source, target, group] = [uniqueName('in'), uniqueName('out'), uniqueName('together')]
    stream = { source, target, group, workers: [] }
  }

  /** A further worker with two tasks in the group; resolves when they have partitions. */
  async function join(): Promise<ChaosWorker> {
    const { source, target, group, workers } = stream
    const worker = await startChaosWorker(30_000)
    workers.push(worker)
    const before = (await members()) ?? 0
    await worker.create(uniqueName('copy'), {
      topics: source,
      'tasks.max': '2',
      'target.topic': target,
      'consumer.override.group.id': group,
      'consumer.override.partition.assignment.strategy': 'cooperative-sticky',
      'consumer.override.session.timeout.ms': SESSION,
    })
    await eventually(async () => (await members()) === before + 2, { timeoutMs: 60_000 })
    return worker
  }

  /** How many members the group has, once it is stable. */
  async function members(): Promise<number | null> {
    const admin = kafkajsClient(bootstrapServers).admin()
    await admin.connect()
    const { groups } = await admin.describeGroups([stream.group])
    await admin.disconnect()
    const [found] = groups
    if (found === undefined || found.state === 'Dead' || found.state === 'Empty') return 0
    return found.state === 'Stable' ? found.members.length : null
  }

  const untilMembers = (count: number) =>
    eventually(async () => (await members()) === count, { timeoutMs: 60_000 })

  /** Writes all records; at each share of them something happens. */
  async function flow(events: readonly (() => Promise<unknown>)[]): Promise<void> {
    const values = Array.from({ length: RECORDS }, (_, i) => String(Math.floor(i / PARTITIONS)))
    const records = values.map((value) => ({ key: null, value: Buffer.from(value) }))
    let happened = 0
    await fillTopic(bootstrapServers, stream.source, PARTITIONS, records, async (written) => {
      if (written * (events.length + 1) >= RECORDS * (happened + 1)) await events[happened++]?.()
    })
    expect(happened).to.be.at.least(events.length)
  }

  /** How often each partition went back, and by how many records in all. @throws where one has a gap */
  async function replays(): Promise<{ times: number; records: number }> {
    const wanted = RECORDS / PARTITIONS
    const found = { times: 0, records: 0 }
    const byPartition = await eventually(
      async () => {
        const messages = await readTopic(bootstrapServers, stream.target)
        const parts = Map.groupBy(messages, ({ partition }) => partition)
        const distinct = (part: number) => new Set(parts.get(part)?.map(({ value }) => String(value))).size
        const ends = Array.from({ length: PARTITIONS }, (_, part) => distinct(part))
        expect(ends).to.deep.equal(Array<number>(PARTITIONS).fill(wanted))
        return parts
      },
      { timeoutMs: 120_000, everyMs: 1000 },
    )
    for (const [partition, messages] of byPartition) {
      let last = -1
      for (const { value, offset } of messages.toSorted((a, b) => Number(a.offset) - Number(b.offset))) {
        const number = Number(value)
        if (number > last + 1)
          expect.fail(`partition ${partition} goes from ${last} to ${number} at offset ${offset}`)
        if (number <= last) {
          found.times++
          found.records += last + 1 - number
        }
        last = number
      }
      expect(last).to.equal(wanted - 1)
    }
    return found
  }

  it('loses, doubles and swaps nothing when workers come, and go by SIGTERM', async () => {
    begin()
    const first = await join()
    await flow([
      () => join(),
      () => join(),
      async () => {
        await first.stop()
        await untilMembers(4)
      },
      () => join(),
    ])
    expect(await replays()).to.deep.equal({ times: 0, records: 0 })
  })

  it('loses and swaps nothing when workers are killed in between, and doubles what was not committed alone', async () => {
    begin()
    await join()
    let victim: ChaosWorker | undefined
    await flow([
      async () => (victim = await join()),
      () => join(),
      () => Promise.resolve(process.kill(victim?.pid ?? 0, 'SIGKILL')),
      () => untilMembers(4),
      async () => (victim = await join()),
      () => Promise.resolve(process.kill(victim?.pid ?? 0, 'SIGKILL')),
      () => untilMembers(4),
    ])
    const { times, records } = await replays()
    console.log(
      `      ${records} of ${RECORDS} records came twice, in ${times} partitions, after two SIGKILLs`,
    )
    expect(times, 'each kill concerns what one worker had').to.be.at.most(PARTITIONS)
  })
})
