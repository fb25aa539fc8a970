import { expect } from 'chai'
import { before, describe, it } from 'mocha'
import { readToEnd } from '../support/committed-reader.ts'
import { type CopyTask, startCopy } from '../support/copy-task.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import { kafkajsClient, sharedKafka } from '../support/kafka.ts'
import { countCommitted, fillTopic } from '../support/topics.ts'

const numbered = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => ({ key: String(from + i), value: Buffer.from(`v${from + i}`) }))

describe('a sink that must deliver exactly once, on a real broker', function () {
  this.timeout(120_000)
  let bootstrapServers: string

  before(async () => {
    bootstrapServers = (await sharedKafka()).bootstrapServers
  })

  const start = (config: Record<string, string>, partitions: number, groupId?: string): Promise<CopyTask> =>
    startCopy(
      bootstrapServers,
      { 'exactly.once.support': 'required', ...config },
      partitions,
      groupId === undefined ? {} : { groupId },
    )

  /** The keys of all records that readers of committed records see, sorted by number. */
  async function keysOf(topic: string): Promise<number[]> {
    return (await readToEnd(bootstrapServers, topic))
      .map(({ key }) => Number(String(key)))
      .sort((a, b) => a - b)
  }

  const committed = (groupId: string, topic: string) => countCommitted(bootstrapServers, groupId, topic)

  const upTo = (count: number) => Array.from({ length: count }, (_, i) => i)

  it('shows each record once, with its offset committed, and goes on behind it after a restart', async () => {
    const [source, target] = [uniqueName('in'), uniqueName('out')]
    await fillTopic(bootstrapServers, source, 3, numbered(0, 1000))
    const first = await start({ topics: source, 'target.topic': target }, 3)
    await eventually(
      async () => {
        expect(first.failures).to.deep.equal([])
        return (await committed(first.groupId, source)) === 1000
      },
      { timeoutMs: 30_000 },
    )
    expect(await keysOf(target)).to.deep.equal(upTo(1000))
    await first.stop()
    await fillTopic(bootstrapServers, source, 3, numbered(1000, 1500))
    const second = await start({ topics: source, 'target.topic': target }, 3, first.groupId)
    await eventually(async () => (await committed(first.groupId, source)) === 1500, { timeoutMs: 30_000 })
    await second.stop()
    expect(second.failures).to.deep.equal([])
    expect(await keysOf(target)).to.deep.equal(upTo(1500))
  })

  it('aborts what was sent when the task is lost in the middle, and the next owner sends it again', async () => {
    const [source, target] = [uniqueName('in'), uniqueName('out')]
    await fillTopic(bootstrapServers, source, 3, numbered(0, 3000))
    await fillTopic(bootstrapServers, target, 3, [])
    const late = { topics: source, 'target.topic': target, 'transaction.boundary.interval.ms': '30000' }
    const first = await start(late, 3)
    const written = async () =>
      (await readToEnd(bootstrapServers, target, { uncommitted: true })).length === 3000
    await eventually(written, { timeoutMs: 30_000, everyMs: 500 })
    await first.opened.task.lost()
    expect(await keysOf(target)).to.deep.equal([])
    expect(await committed(first.groupId, source)).to.equal(0)
    await first.opened.task.assign(first.membership)
    const again = async () =>
      (await readToEnd(bootstrapServers, target, { uncommitted: true })).length === 6000
    await eventually(again, { timeoutMs: 30_000, everyMs: 500 })
    await first.stop() // commits
    expect(first.failures).to.deep.equal([])
    expect(await keysOf(target)).to.deep.equal(upTo(3000))
    expect(await committed(first.groupId, source)).to.equal(3000)
  })

  it('has dead letters in the transaction of the records around them', async () => {
    const [source, target, dead] = [uniqueName('in'), uniqueName('out'), uniqueName('dead')]
    const records = numbered(0, 100).map((each, i) =>
      i % 10 === 3 ? { ...each, value: Buffer.from('{') } : each,
    )
    const json = records.map((each, i) => (i % 10 === 3 ? each : { ...each, value: Buffer.from(String(i)) }))
    await fillTopic(bootstrapServers, source, 1, json)
    await fillTopic(bootstrapServers, target, 1, [])
    await fillTopic(bootstrapServers, dead, 1, [])
    const copy = await start(
      {
        topics: source,
        'target.topic': target,
        'value.converter': 'JsonConverter',
        'value.converter.schemas.enable': 'false',
        'errors.tolerance': 'all',
        'errors.deadletterqueue.topic.name': dead,
        'transaction.boundary.interval.ms': '30000',
      },
      1,
    )
    const uncommitted = async (topic: string) =>
      (await readToEnd(bootstrapServers, topic, { uncommitted: true })).length
    await eventually(async () => (await uncommitted(dead)) === 10, { timeoutMs: 30_000, everyMs: 500 })
    await copy.opened.task.lost()
    expect([await keysOf(dead), await keysOf(target)]).to.deep.equal([[], []])
    await copy.opened.task.assign(copy.membership)
    await eventually(async () => (await uncommitted(dead)) === 20, { timeoutMs: 30_000, everyMs: 500 })
    await copy.stop()
    expect(copy.failures).to.deep.equal([])
    expect(await keysOf(dead)).to.deep.equal(upTo(100).filter((i) => i % 10 === 3))
    expect(await keysOf(target)).to.deep.equal(upTo(100).filter((i) => i % 10 !== 3))
  })

  for (const boundary of ['interval', 'poll'])
    it(`ends at a record that Kafka refuses, with all before it committed and nothing behind it (${boundary})`, async () => {
      const [source, target] = [uniqueName('in'), uniqueName('out')]
      const BAD = 60
      const admin = kafkajsClient(bootstrapServers).admin()
      await admin.connect()
      const configEntries = [{ name: 'cleanup.policy', value: 'compact' }]
      await admin.createTopics({ topics: [{ topic: target, numPartitions: 3, configEntries }] })
      await admin.disconnect()
      const records = numbered(0, 90).map((each, i) => (i === BAD ? { ...each, key: null } : each))
      await fillTopic(bootstrapServers, source, 1, records)
      // By key, so that others behind the refused record go to partitions that take them.
      const config = { topics: source, 'target.topic': target, 'target.partition': 'key' }
      const more = { 'transaction.boundary': boundary }
      const first = await start({ ...config, ...more }, 1)
      await eventually(() => first.failures.length > 0, { timeoutMs: 30_000 })
      expect(String(first.failures[0])).to.contain(`${source}-0@${BAD}`)
      await first.stop()
      const second = await start({ ...config, ...more }, 1, first.groupId)
      await eventually(() => second.failures.length > 0, { timeoutMs: 30_000 })
      await second.stop()
      expect(await committed(first.groupId, source)).to.equal(BAD)
      expect(await keysOf(target)).to.deep.equal(upTo(BAD))
    })
})
