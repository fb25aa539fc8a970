import { expect } from 'chai'
import { before, describe, it } from 'mocha'
import { readToEnd } from '../support/committed-reader.ts'
import { type CopyTask, startCopy } from '../support/copy-task.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import { kafkajsClient, sharedKafka } from '../support/kafka.ts'
import { fillTopic } from '../support/topics.ts'

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

  async function committed(groupId: string, topic: string): Promise<number> {
    const admin = kafkajsClient(bootstrapServers).admin()
    await admin.connect()
    const [offsets] = await admin.fetchOffsets({ groupId, topics: [topic] })
    await admin.disconnect()
    return (offsets?.partitions ?? []).reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0)
  }

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
})
