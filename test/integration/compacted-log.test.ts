import { expect } from 'chai'
import kafkajs from 'kafkajs'
import { after, afterEach, before, describe, it } from 'mocha'
import { DataError, TaskError } from '../../src/api/errors.ts'
import { SILENT } from '../../src/api/log.ts'
import { createTopic, topicConfigs } from '../../src/kafka/admin.ts'
import { KafkaClient } from '../../src/kafka/client.ts'
import { CompactedLog, type CompactedLogOptions } from '../../src/kafka/compacted-log/compacted-log.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import { kafkajsClient, sharedKafka } from '../support/kafka.ts'

describe('CompactedLog', function () {
  this.timeout(60_000)
  let servers = ''
  let client: KafkaClient
  const stops: (() => Promise<void>)[] = []

  before(async () => {
    servers = (await sharedKafka()).bootstrapServers
    client = new KafkaClient({ bootstrapServers: [servers], clientId: 'sluice-test', log: SILENT })
  })
  afterEach(async () => {
    for (const stop of stops.splice(0).toReversed()) await stop()
  })
  after(() => client.close())

  /** A log and what it has told: `key=value`, in order, and the last value of each key. */
  async function opened(topic: string, overrides: Partial<CompactedLogOptions> = {}) {
    const seen: string[] = []
    const state = new Map<string, string>()
    const log = await CompactedLog.open(client, {
      topic,
      partitions: 1,
      replicationFactor: -1,
      log: SILENT,
      onRecord: ({ key, value }) => {
        seen.push(`${key}=${value === null ? 'null' : value.toString('utf8')}`)
        if (key !== null && value === null) state.delete(key)
        if (key !== null && value !== null) state.set(key, value.toString('utf8'))
      },
      ...overrides,
    })
    stops.push(() => log.close())
    return { log, seen, state }
  }

  async function producer() {
    const made = kafkajsClient(servers).producer()
    await made.connect()
    stops.push(() => made.disconnect())
    return made
  }

  it('creates a missing topic as compacted, with the partitions asked for', async () => {
    const topic = uniqueName('log')
    await opened(topic, { partitions: 5 })
    expect(await client.partitionCount(topic)).to.equal(5)
    expect((await topicConfigs(client, topic)).get('cleanup.policy')).to.equal('compact')
  })

  it('resolves an append after the record itself was read back', async () => {
    const { log, seen } = await opened(uniqueName('log'))
    for (const [key, value] of [
      ['a', '1'],
      ['ä', Buffer.from('2')],
      ['a', null],
      ['b', ''],
    ] as const) {
      await log.append(key, value)
      expect(seen.at(-1)).to.equal(`${key}=${value === null ? 'null' : value.toString()}`)
    }
    expect(seen).to.have.length(4)
  })

  it('keeps the order of appends that do not wait for one another', async () => {
    const { log, seen } = await opened(uniqueName('log'))
    const wanted = Array.from({ length: 200 }, (_, i) => `k${i % 7}=${i}`)
    await Promise.all(wanted.map((text) => log.append(...(text.split('=') as [string, string]))))
    expect(seen).to.deep.equal(wanted)
  })

  it('appends and reads back in a few round trips', async () => {
    const { log } = await opened(uniqueName('log'))
    await log.append('warm', 'up')
    const times: number[] = []
    for (let i = 0; i < 20; i++) {
      const at = performance.now()
      await log.append('k', String(i))
      times.push(performance.now() - at)
    }
    const median = times.toSorted((a, b) => a - b)[10]!
    expect(median, 'less than a long poll, by far').to.be.lessThan(200)
  })

  it('reads everything again when it is opened again, tombstones included', async () => {
    const topic = uniqueName('log')
    const first = await opened(topic, { partitions: 3 })
    for (let i = 0; i < 30; i++) await first.log.append(`k${i % 10}`, i < 25 ? String(i) : null)
    await first.log.close()
    const second = await opened(topic, { partitions: 3 })
    expect(second.state).to.deep.equal(first.state)
    expect(second.seen.toSorted()).to.deep.equal(first.seen.toSorted())
    expect(second.state.size).to.equal(5)
  })

  it('shows concurrent writers the same order', async () => {
    const topic = uniqueName('log')
    const [a, b] = [await opened(topic), await opened(topic)]
    const own = async ({ log }: typeof a, name: string): Promise<void> => {
      for (let i = 0; i < 25; i++) await log.append(`k${i % 3}`, `${name}${i}`)
    }
    await Promise.all([own(a, 'a'), own(b, 'b')])
    await Promise.all([a.log.readToEnd(), b.log.readToEnd()])
    expect(a.seen).to.have.length(50)
    expect(b.seen).to.deep.equal(a.seen)
  })

  it('puts a key into the partition in which Java’s producers look for it', async () => {
    const topic = uniqueName('log')
    const where = new Map<string, Set<number>>()
    const { log } = await opened(topic, {
      partitions: 5,
      onRecord: ({ key, partition }) => where.set(key!, (where.get(key!) ?? new Set()).add(partition)),
    })
    const keys = Array.from({ length: 20 }, (_, i) => `status-task-flight-delay-${i}`)
    await Promise.all(keys.map((key) => log.append(key, 'ours')))
    const theirs = await producer()
    await theirs.send({ topic, messages: keys.map((key) => ({ key, value: 'theirs' })) })
    await log.readToEnd()
    expect(where.size).to.equal(20)
    expect(new Set([...where.values()].flatMap((set) => [...set])).size).to.equal(5)
    expect([...where.values()].every((set) => set.size === 1)).to.equal(true)
  })

  it('follows what others write, compressed and in transactions, and skips what was aborted', async () => {
    const topic = uniqueName('log')
    const { log, seen } = await opened(topic)
    const transactional = kafkajsClient(servers).producer({ transactionalId: topic, maxInFlightRequests: 1 })
    await transactional.connect()
    stops.push(() => transactional.disconnect())
    for (const [name, ends] of [
      ['dropped', 'abort'],
      ['kept', 'commit'],
    ] as const) {
      const transaction = await transactional.transaction()
      await transaction.send({
        topic,
        compression: kafkajs.CompressionTypes.GZIP,
        messages: [{ key: name, value: 'x' }],
      })
      await transaction[ends]()
    }
    await eventually(() => seen.length > 0)
    await log.readToEnd()
    await log.append('after', 'it')
    expect(seen).to.deep.equal(['kept=x', 'after=it'])
  })

  it('skips records without a key, of a time when the topic was not compacted', async () => {
    const topic = uniqueName('log')
    await createTopic(client, { topic, partitions: 1 })
    const theirs = await producer()
    await theirs.send({
      topic,
      messages: [{ value: 'no key' }, { key: 'a', value: '1' }, { value: 'none at the end' }],
    })
    const admin = kafkajsClient(servers).admin()
    await admin.connect()
    stops.push(() => admin.disconnect())
    const configEntries = [{ name: 'cleanup.policy', value: 'compact' }]
    const resource = { type: kafkajs.ConfigResourceTypes.TOPIC, name: topic, configEntries }
    await admin.alterConfigs({ validateOnly: false, resources: [resource] })
    const { seen } = await eventually(() => opened(topic))
    expect(seen).to.deep.equal(['a=1'])
  })

  it('goes on after a handler that throws', async () => {
    let calls = 0
    const { log } = await opened(uniqueName('log'), {
      onRecord: () => {
        calls++
        throw new Error('a broken handler')
      },
    })
    await log.append('a', '1')
    await log.append('a', '2')
    expect(calls).to.equal(2)
  })

  it('refuses a record that the topic does not take, alone', async () => {
    const topic = uniqueName('log')
    await createTopic(client, {
      topic,
      partitions: 1,
      configs: { 'cleanup.policy': 'compact', 'max.message.bytes': '2000' },
    })
    const { log, seen } = await opened(topic)
    const [large, small] = await Promise.allSettled([
      log.append('large', 'x'.repeat(5000)),
      log.append('small', 'x'),
    ])
    expect(small.status).to.equal('fulfilled')
    expect(large.status === 'rejected' && large.reason)
      .to.be.instanceOf(DataError)
      .with.property('code', 'record.too-large')
    expect(seen).to.deep.equal(['small=x'])
  })

  it('refuses a topic that is not compacted, and one with several partitions where order is needed', async () => {
    const [deleted, wide] = [uniqueName('deleted'), uniqueName('wide')]
    await createTopic(client, {
      topic: deleted,
      partitions: 1,
      configs: { 'cleanup.policy': 'compact,delete' },
    })
    await createTopic(client, { topic: wide, partitions: 2, configs: { 'cleanup.policy': 'compact' } })
    const refusal = async (topic: string): Promise<unknown> => opened(topic).catch((error: unknown) => error)
    for (const [topic, says] of [
      [deleted, 'cleanup.policy=compact,delete'],
      [wide, '2 partitions'],
    ] as const) {
      const error = await refusal(topic)
      expect(error).to.be.instanceOf(TaskError).with.property('code', 'kafka.topic')
      expect((error as TaskError).message)
        .to.include(topic)
        .and.include(says)
    }
    expect((await opened(wide, { partitions: 5 })).seen, 'takes the partitions that are there').to.deep.equal(
      [],
    )
  })

  it('refuses appends once it is closed, and closes twice', async () => {
    const { log } = await opened(uniqueName('log'))
    await log.close()
    await log.close()
    const error = await log.append('a', '1').catch((thrown: unknown) => thrown)
    expect(error).to.be.instanceOf(TaskError)
    expect((error as TaskError).message).to.include('closed')
  })
})
