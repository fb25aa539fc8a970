import { expect } from 'chai'
import { before, describe, it } from 'mocha'
import { SILENT, UnavailableError } from '../../src/index.ts'
import { KafkaClient } from '../../src/kafka/client.ts'
import { commitOffsets } from '../../src/kafka/groups/offsets.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import { kafkajsClient, sharedKafka } from '../support/kafka.ts'
import { type CopyTask, startCopy } from '../support/copy-task.ts'
import { countRecords, fillTopic, readTopic } from '../support/topics.ts'

/** Bad records become dead letters with their context. */
function tolerant(source: string, target: string, dead: string): Record<string, string> {
  return {
    topics: source,
    'target.topic': target,
    'errors.tolerance': 'all',
    'errors.deadletterqueue.topic.name': dead,
    'errors.deadletterqueue.context.headers.enable': 'true',
  }
}

describe('a sink task on a real broker', function () {
  this.timeout(60_000)
  let bootstrapServers: string

  before(async () => {
    bootstrapServers = (await sharedKafka()).bootstrapServers
  })

  const start = (config: Record<string, string>, partitions: number): Promise<CopyTask> =>
    startCopy(bootstrapServers, config, partitions)

  it('copies keys, values, headers, timestamps and partitions, creates the target, and commits', async () => {
    const [source, target] = [uniqueName('in'), uniqueName('out')]
    const records = Array.from({ length: 1000 }, (_, i) => ({
      key: i % 7 === 0 ? null : `k${i}`,
      value: i % 11 === 0 ? null : Buffer.from(`value ${i}`),
      headers: { n: String(i) },
    }))
    await fillTopic(bootstrapServers, source, 3, records)
    const started = await start({ topics: source, 'target.topic': target }, 3)
    const copied = async () => {
      const count = await countRecords(bootstrapServers, target)
      expect({ count, failures: started.failures }).to.deep.equal({ count: 1000, failures: [] })
      return true
    }
    await eventually(copied, { timeoutMs: 30_000 })
    await started.stop()
    expect(started.failures).to.deep.equal([])
    const view = (messages: Awaited<ReturnType<typeof readTopic>>) =>
      messages
        .map((m) => ({
          at: `${m.partition}@${m.offset.padStart(6, '0')}`,
          key: m.key?.toString() ?? null,
          value: m.value?.toString() ?? null,
          headers: m.headers,
          timestamp: m.timestamp,
        }))
        .sort((a, b) => a.at.localeCompare(b.at))
    expect(view(await readTopic(bootstrapServers, target))).to.deep.equal(
      view(await readTopic(bootstrapServers, source)),
    )
    const admin = kafkajsClient(bootstrapServers).admin()
    await admin.connect()
    const [committed] = await admin.fetchOffsets({ groupId: started.groupId, topics: [source] })
    await admin.disconnect()
    expect(committed?.partitions.map((p) => Number(p.offset)).reduce((a, b) => a + b, 0)).to.equal(1000)
  })

  it('writes nothing to a topic of the workers, also where that name comes with a record', async () => {
    const [source, dead] = [uniqueName('in'), uniqueName('dead')]
    await fillTopic(bootstrapServers, source, 1, [{ key: 'connector-ghost', value: Buffer.from('{}') }])
    const own = `own-${source}`
    const config = tolerant(source, 'own-${topic}', dead)
    const started = await startCopy(bootstrapServers, config, 1, { workerTopics: [own] })
    await eventually(async () => (await countRecords(bootstrapServers, dead)) === 1, { timeoutMs: 30_000 })
    await started.stop()
    const [letter] = await readTopic(bootstrapServers, dead)
    expect(String(letter?.headers?.['__connect.errors.exception.message'])).to.contain(own)
    const admin = kafkajsClient(bootstrapServers).admin()
    await admin.connect()
    const topics = await admin.listTopics()
    await admin.disconnect()
    expect(topics).not.to.include(own)
  })

  it('goes on behind the committed offset when it is assigned again', async () => {
    const [source, target] = [uniqueName('in'), uniqueName('out')]
    await fillTopic(bootstrapServers, source, 1, [{ key: 'a', value: Buffer.from('1') }])
    const started = await start({ topics: source, 'target.topic': target }, 1)
    await eventually(async () => (await countRecords(bootstrapServers, target)) === 1, { timeoutMs: 30_000 })
    await started.opened.task.revoke()
    await fillTopic(bootstrapServers, source, 1, [{ key: 'b', value: Buffer.from('2') }])
    await started.opened.task.assign({
      groupId: started.groupId,
      memberId: '',
      generation: -1,
      partitions: [{ topic: source, partitions: [0] }],
    })
    await eventually(async () => (await countRecords(bootstrapServers, target)) === 2, { timeoutMs: 30_000 })
    await started.stop()
    expect((await readTopic(bootstrapServers, target)).map((m) => m.key?.toString())).to.deep.equal([
      'a',
      'b',
    ])
  })

  it('commits where it begins under latest, so that what is written before it starts again is not lost', async () => {
    const [source, target] = [uniqueName('in'), uniqueName('out')]
    const config = {
      topics: source,
      'target.topic': target,
      'consumer.override.auto.offset.reset': 'latest',
    }
    await fillTopic(bootstrapServers, source, 1, [{ key: 'before', value: Buffer.from('1') }])
    const first = await start(config, 1)
    const admin = kafkajsClient(bootstrapServers).admin()
    await admin.connect()
    await eventually(async () => {
      const [committed] = await admin.fetchOffsets({ groupId: first.groupId, topics: [source] })
      return committed?.partitions[0]?.offset === '1'
    })
    await admin.disconnect()
    await first.opened.task.revoke()
    await fillTopic(bootstrapServers, source, 1, [{ key: 'between', value: Buffer.from('2') }])
    await first.opened.task.assign({ ...first.membership })
    await eventually(async () => (await countRecords(bootstrapServers, target)) === 1)
    await first.stop()
    expect((await readTopic(bootstrapServers, target)).map(({ key }) => String(key))).to.deep.equal([
      'between',
    ])
  })

  it('makes a dead letter of a record whose time no topic takes, with the present time', async () => {
    const [source, target, dead] = [uniqueName('in'), uniqueName('out'), uniqueName('dead')]
    const kafka = kafkajsClient(bootstrapServers)
    const [admin, producer] = [kafka.admin(), kafka.producer()]
    await Promise.all([admin.connect(), producer.connect()])
    const configEntries = [{ name: 'message.timestamp.after.max.ms', value: '9223372036854775807' }]
    await admin.createTopics({ topics: [{ topic: source, numPartitions: 1, configEntries }] })
    const messages = [
      { key: '1', value: 'now' },
      { key: '2', value: 'far', timestamp: '9223372036854' },
      { key: '3', value: 'now' },
    ]
    await producer.send({ topic: source, messages })
    await Promise.all([admin.disconnect(), producer.disconnect()])
    const started = await start(tolerant(source, target, dead), 1)
    await eventually(async () => {
      expect(started.failures).to.deep.equal([])
      return (await countRecords(bootstrapServers, dead)) === 1
    })
    await started.stop()
    const [letter] = await readTopic(bootstrapServers, dead)
    expect(String(letter?.key)).to.equal('2')
    expect(Number(letter?.timestamp)).to.be.at.most(Date.now())
    expect(await countRecords(bootstrapServers, target)).to.equal(2)
  })

  it('keeps partitions also when they were added to source and target a moment ago', async () => {
    const [source, target] = [uniqueName('in'), uniqueName('out')]
    await fillTopic(bootstrapServers, source, 1, [{ key: 'a', value: Buffer.from('1') }])
    const started = await start({ topics: source, 'target.topic': target }, 1)
    await eventually(async () => (await countRecords(bootstrapServers, target)) === 1)
    const admin = kafkajsClient(bootstrapServers).admin()
    await admin.connect()
    for (const topic of [target, source])
      await admin.createPartitions({ topicPartitions: [{ topic, count: 2 }] })
    await admin.disconnect()
    await fillTopic(bootstrapServers, source, 2, [
      { key: 'b', value: Buffer.from('2') },
      { key: 'c', value: Buffer.from('3') },
    ])
    await started.opened.task.revoke()
    const partitions = [{ topic: source, partitions: [0, 1] }]
    await started.opened.task.assign({ ...started.membership, partitions })
    await eventually(async () => {
      expect(started.failures).to.deep.equal([])
      return (await countRecords(bootstrapServers, target)) === 3
    })
    await started.stop()
  })

  it('does not wait with its commits for a topic that was deleted', async () => {
    const [source, other] = [uniqueName('in'), uniqueName('gone')]
    await fillTopic(bootstrapServers, source, 1, [{ key: 'a', value: Buffer.from('1') }])
    await fillTopic(bootstrapServers, other, 1, [{ key: 'b', value: Buffer.from('1') }])
    const client = new KafkaClient({
      bootstrapServers: bootstrapServers.split(','),
      clientId: 'test',
      log: SILENT,
    })
    const admin = kafkajsClient(bootstrapServers).admin()
    await admin.connect()
    await admin.deleteTopics({ topics: [other] })
    await eventually(async () => (await client.metadata([other]))[0]?.error === 3)
    const groupId = uniqueName('group')
    await commitOffsets(client, groupId, null, [{ topic: source, partition: 0, offset: 0n }])
    let tries = 0
    const coordinator = client.coordinator.bind(client)
    client.coordinator = (kind, key) => {
      tries++
      return coordinator(kind, key)
    }
    const offsets = [other, source].map((topic) => ({ topic, partition: 0, offset: 1n }))
    const error: unknown = await commitOffsets(client, groupId, null, offsets).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    const [committed] = await admin.fetchOffsets({ groupId, topics: [source] })
    await Promise.all([admin.disconnect(), client.close()])
    expect(error).to.be.instanceOf(UnavailableError)
    expect(committed?.partitions[0]?.offset).to.equal('1')
    expect(tries).to.equal(1)
  })

  it('sends a record above max.message.bytes of the target to the dead letters, and goes on', async () => {
    const [source, target, dead] = [uniqueName('in'), uniqueName('out'), uniqueName('dead')]
    const big = Buffer.alloc(20_000, 'x')
    await fillTopic(bootstrapServers, source, 1, [
      { key: '1', value: Buffer.from('small') },
      { key: '2', value: big },
      { key: '3', value: Buffer.from('small') },
    ])
    const admin = kafkajsClient(bootstrapServers).admin()
    await admin.connect()
    const configEntries = [{ name: 'max.message.bytes', value: '10000' }]
    await admin.createTopics({
      topics: [{ topic: target, numPartitions: 1, replicationFactor: 1, configEntries }],
    })
    await admin.disconnect()
    const started = await start(tolerant(source, target, dead), 1)
    await eventually(async () => (await countRecords(bootstrapServers, dead)) === 1, { timeoutMs: 30_000 })
    await eventually(async () => (await countRecords(bootstrapServers, target)) === 2, { timeoutMs: 30_000 })
    await started.stop()
    const [letter] = await readTopic(bootstrapServers, dead)
    expect(letter?.value?.equals(big)).to.equal(true)
    expect(letter?.headers?.['__connect.errors.stage']?.toString()).to.equal('KAFKA_PRODUCE')
  })

  it('writes a dead letter that is too large with its context without it', async () => {
    const [source, target, dead] = [uniqueName('in'), uniqueName('out'), uniqueName('dead')]
    const value = Buffer.alloc(9900, 'x')
    await fillTopic(bootstrapServers, source, 1, [{ key: '1', value, headers: { mine: 'kept' } }])
    const admin = kafkajsClient(bootstrapServers).admin()
    await admin.connect()
    const sized = (topic: string, bytes: string) => ({
      topic,
      numPartitions: 1,
      replicationFactor: 1,
      configEntries: [{ name: 'max.message.bytes', value: bytes }],
    })
    await admin.createTopics({ topics: [sized(target, '5000'), sized(dead, '10100')], waitForLeaders: true })
    await admin.disconnect()
    const started = await start(tolerant(source, target, dead), 1)
    await eventually(async () => (await countRecords(bootstrapServers, dead)) === 1, { timeoutMs: 30_000 })
    await started.stop()
    expect(started.failures).to.deep.equal([])
    const [letter] = await readTopic(bootstrapServers, dead)
    expect(letter?.value?.equals(value)).to.equal(true)
    expect(Object.keys(letter?.headers ?? {})).to.deep.equal(['mine'])
  })

  it('refuses a target with fewer partitions than the source while partitions are kept', async () => {
    const [source, target] = [uniqueName('in'), uniqueName('out')]
    await fillTopic(bootstrapServers, source, 3, [{ key: 'a', value: Buffer.from('1') }])
    await fillTopic(bootstrapServers, target, 1, [])
    const started = await start({ topics: source, 'target.topic': target }, 3)
    await eventually(() => started.failures.length === 1, { timeoutMs: 30_000 })
    await started.stop()
    expect(String(started.failures[0])).to.contain('1 partitions').and.to.contain('target.partition=key')
    expect(await countRecords(bootstrapServers, target)).to.equal(0)
  })
})
