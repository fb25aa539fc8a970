import { expect } from 'chai'
import { afterEach, before, describe, it } from 'mocha'
import { ConnectError, SILENT, type Logger } from '../../src/index.ts'
import { deleteTopic } from '../../src/kafka/admin.ts'
import { KafkaClient } from '../../src/kafka/client.ts'
import { Fetcher, type StartPosition } from '../../src/kafka/fetch/fetch.ts'
import { commitOffsets, fetchOffsets } from '../../src/kafka/groups/offsets.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import { sharedKafka } from '../support/kafka.ts'
import { fillTopic } from '../support/topics.ts'

const records = (count: number, text: string) =>
  Array.from({ length: count }, (_, i) => ({ key: null, value: Buffer.from(`${text}${i}`) }))

describe('A topic that was deleted and created again', function () {
  this.timeout(60_000)
  let bootstrapServers: string
  let client: KafkaClient
  let fetcher: Fetcher
  let warnings: string[]

  before(async () => {
    bootstrapServers = (await sharedKafka()).bootstrapServers
  })
  afterEach(async () => {
    await fetcher.close()
    await client.close()
  })

  function open(reset: 'earliest' | 'none', topics: readonly StartPosition[]): void {
    warnings = []
    const log: Logger = { ...SILENT, warn: (message) => void warnings.push(message) }
    client = new KafkaClient({ bootstrapServers: [bootstrapServers], clientId: 'test', log })
    fetcher = new Fetcher(client, { isolation: 'read_committed', reset, log, maxWaitMs: 100 })
    fetcher.assign(topics)
  }

  /** The values that come until there are `count` of them; the ids of the topics that they came from. */
  async function read(count: number) {
    const values: string[] = []
    const ids = new Set<string | null | undefined>()
    await eventually(
      async () => {
        for (const { length, bytes, values: slices, topicId } of await fetcher.next()) {
          ids.add(topicId)
          for (let row = 0; row < length; row++)
            values.push(bytes.toString('utf8', slices.start[row], slices.end[row]))
        }
        return values.length >= count
      },
      { timeoutMs: 40_000 },
    )
    return { values: values.toSorted(), ids }
  }

  const both = (topic: string, offset: bigint) => [0, 1].map((partition) => ({ topic, partition, offset }))

  it('is read from its start, all of it, with a warning for each partition', async () => {
    const topic = uniqueName('recreated')
    await fillTopic(bootstrapServers, topic, 2, records(6, 'old'))
    open('earliest', both(topic, 0n))
    const old = await read(6)
    await deleteTopic(client, topic)
    await fillTopic(bootstrapServers, topic, 2, records(20, 'new'))
    const fresh = await read(20)
    expect(fresh.values).to.deep.equal(
      records(20, 'new')
        .map(({ value }) => value.toString())
        .toSorted(),
    )
    expect([...fresh.ids]).to.have.length(1)
    expect([...fresh.ids]).not.to.deep.equal([...old.ids])
    const told = warnings.filter((text) => text.includes(`${topic} was deleted and created again`))
    expect(told).to.have.length(2)
  })

  it('fails by name under auto.offset.reset none', async () => {
    const topic = uniqueName('recreated')
    await fillTopic(bootstrapServers, topic, 2, records(6, 'old'))
    open('none', both(topic, 0n))
    await read(6)
    await deleteTopic(client, topic)
    await fillTopic(bootstrapServers, topic, 2, records(20, 'new'))
    const error = await eventually(
      () =>
        fetcher.next().then(
          () => null,
          (thrown: unknown) => thrown,
        ),
      { timeoutMs: 40_000 },
    )
    expect(error).to.be.instanceOf(ConnectError).with.property('code', 'kafka.offset')
    expect(error).to.have.property('message').that.contains(topic)
  })

  it('is known by the id beside the committed offset, after a restart too', async () => {
    const topic = uniqueName('recreated')
    const group = uniqueName('group')
    await fillTopic(bootstrapServers, topic, 2, records(6, 'old'))
    open('earliest', both(topic, 0n))
    const [topicId = null] = (await read(6)).ids
    await deleteTopic(client, topic)
    await fillTopic(bootstrapServers, topic, 2, records(20, 'new'))
    // Kafka drops a group's offsets with their topic; one that was still on its way comes after that.
    await commitOffsets(
      client,
      group,
      null,
      both(topic, 3n).map((offset) => ({ ...offset, topicId })),
    )
    await fetcher.close()
    await client.close()

    open('earliest', [])
    const partitions = [{ topic, partitions: [0, 1] }]
    const committed = await fetchOffsets(client, group, partitions)
    expect(committed).to.deep.include({ topic, partition: 0, offset: 3n, topicId })
    fetcher.assign(committed)
    expect((await read(20)).values).to.have.length(20)

    // Offsets that other tools set say nothing of a topic, and are taken as they are.
    await commitOffsets(client, group, null, both(topic, 3n))
    fetcher.assign(await fetchOffsets(client, group, partitions))
    expect((await read(14)).values).to.have.length(14)
  })
})
