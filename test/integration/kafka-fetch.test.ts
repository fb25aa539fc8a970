import { Producer as OtherProducer, ProduceAcks } from '@platformatic/kafka'
import { expect } from 'chai'
import { CompressionTypes, type Kafka, type Message } from 'kafkajs'
import { after, afterEach, before, describe, it } from 'mocha'
import { TaskError } from '../../src/api/errors.ts'
import { type Logger, SILENT } from '../../src/api/log.ts'
import { createTopic, listOffsets } from '../../src/kafka/admin.ts'
import { KafkaClient } from '../../src/kafka/client.ts'
import { Fetcher, type StartPosition } from '../../src/kafka/fetch/fetch.ts'
import type { FetcherOptions } from '../../src/kafka/fetch/fetcher-options.ts'
import type { FetchedBatch } from '../../src/kafka/record-batches/records.ts'
import { recordsOf } from '../kafka/craft.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import { kafkajsClient, sharedKafka } from '../support/kafka.ts'

describe('Fetcher', () => {
  let bootstrapServers: string
  let client: KafkaClient
  let kafka: Kafka
  const open: Fetcher[] = []

  before(async function () {
    this.timeout(60_000)
    ;({ bootstrapServers } = await sharedKafka())
    client = new KafkaClient({ bootstrapServers: [bootstrapServers], clientId: 'sluice-test', log: SILENT })
    kafka = kafkajsClient(bootstrapServers)
  })
  afterEach(async () => {
    await Promise.all(open.splice(0).map((fetcher) => fetcher.close()))
  })
  after(() => client.close())

  const fetcherOf = (positions: readonly StartPosition[], options: Partial<FetcherOptions> = {}): Fetcher => {
    const defaults = { isolation: 'read_committed', reset: 'earliest', log: SILENT, maxWaitMs: 100 } as const
    const fetcher = new Fetcher(client, { ...defaults, ...options })
    fetcher.assign(positions)
    open.push(fetcher)
    return fetcher
  }

  const newTopic = async (partitions = 1, configs: Record<string, string> = {}): Promise<string> => {
    const topic = uniqueName('fetch')
    await createTopic(client, { topic, partitions, configs })
    return topic
  }

  const produce = async (
    topic: string,
    messages: Message[],
    compression = CompressionTypes.None,
  ): Promise<void> => {
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    await producer.send({ topic, messages, compression })
    await producer.disconnect()
  }

  const endOf = async (topic: string): Promise<bigint> =>
    (await listOffsets(client, [{ topic, partition: 0 }], 'latest'))[0]!

  /** Batches until there are so many rows. */
  const fetchRows = async (fetcher: Fetcher, rows: number): Promise<FetchedBatch[]> => {
    const batches: FetchedBatch[] = []
    await eventually(async () => {
      batches.push(...(await fetcher.next()))
      return batches.reduce((sum, batch) => sum + batch.length, 0) >= rows
    })
    return batches
  }
  const texts = (batches: readonly FetchedBatch[]): (string | null)[] =>
    batches.flatMap((batch) => recordsOf(batch).map(({ value }) => value?.toString() ?? null))

  for (const compression of [CompressionTypes.None, CompressionTypes.GZIP]) {
    it(`reads what kafkajs wrote with compression ${compression}: keys, nulls, headers, timestamps`, async () => {
      const topic = await newTopic()
      const messages: Message[] = [
        { key: 'k', value: 'v', headers: { h: 'x', twice: ['1', '2'] }, timestamp: '1700000000000' },
        { key: null, value: null, timestamp: '1700000000001' },
        { key: '', value: '', headers: { empty: '' }, timestamp: '1600000000000' },
      ]
      await produce(topic, messages, compression)
      const [batch] = await fetchRows(fetcherOf([{ topic, partition: 0, offset: 0n }]), 3)
      expect(batch).to.include({ topic, partition: 0, length: 3, nextOffset: 3n })
      const text = (h: { key: string; value: Buffer | null }): string => `${h.key}=${String(h.value)}`
      expect(recordsOf(batch!).map((r) => ({ ...r, headers: r.headers.map(text) }))).to.deep.equal([
        {
          offset: 0n,
          timestamp: 1700000000000n,
          key: Buffer.from('k'),
          value: Buffer.from('v'),
          headers: ['h=x', 'twice=1', 'twice=2'],
        },
        { offset: 1n, timestamp: 1700000000001n, key: null, value: null, headers: [] },
        {
          offset: 2n,
          timestamp: 1600000000000n,
          key: Buffer.alloc(0),
          value: Buffer.alloc(0),
          headers: ['empty='],
        },
      ])
    })
  }

  for (const compression of ['snappy', 'lz4', 'zstd'] as const) {
    it(`reads what another client wrote with compression ${compression}`, async () => {
      const topic = await newTopic()
      const producer = new OtherProducer({
        clientId: 'other',
        bootstrapBrokers: [bootstrapServers],
        compression,
      })
      const messages = Array.from({ length: 300 }, (_, i) => ({
        topic,
        partition: 0,
        value: Buffer.from(`value ${i} `.repeat(1 + (i % 50))),
      }))
      await producer.send({ messages, acks: ProduceAcks.ALL })
      await producer.close()
      const batches = await fetchRows(fetcherOf([{ topic, partition: 0, offset: 0n }]), 300)
      expect(texts(batches)).to.deep.equal(messages.map(({ value }) => value.toString()))
    })
  }

  it('leaves out aborted transactions and markers when reading committed, and moves over them', async () => {
    const topic = await newTopic()
    const producer = kafka.producer({
      transactionalId: uniqueName('tx'),
      idempotent: true,
      maxInFlightRequests: 1,
    })
    await producer.connect()
    for (const [outcome, value] of [
      ['abort', 'a'],
      ['commit', 'b'],
      ['abort', 'c'],
      ['commit', 'd'],
      ['abort', 'e'],
    ]) {
      const transaction = await producer.transaction()
      await transaction.send({ topic, messages: [{ value: `${value!}1` }, { value: `${value!}2` }] })
      await (outcome === 'abort' ? transaction.abort() : transaction.commit())
    }
    await producer.disconnect()
    const committed = fetcherOf([{ topic, partition: 0, offset: 0n }])
    const batches: FetchedBatch[] = []
    await eventually(async () => {
      batches.push(...(await committed.next()))
      return batches.at(-1)?.nextOffset === 15n
    })
    expect(texts(batches)).to.deep.equal(['b1', 'b2', 'd1', 'd2'])
    const all = await fetchRows(
      fetcherOf([{ topic, partition: 0, offset: 0n }], { isolation: 'read_uncommitted' }),
      10,
    )
    expect(texts(all)).to.deep.equal(['a1', 'a2', 'b1', 'b2', 'c1', 'c2', 'd1', 'd2', 'e1', 'e2'])
  })

  it('asks all partitions in one request, and gives at most one batch of each', async () => {
    const topic = await newTopic(4)
    const messages = Array.from({ length: 400 }, (_, i) => ({ value: String(i), partition: i % 4 }))
    await produce(topic, messages)
    const fetcher = fetcherOf([0, 1, 2, 3].map((partition) => ({ topic, partition, offset: 0n })))
    const batches = await fetchRows(fetcher, 1)
    expect(batches.map((b) => b.partition).sort()).to.deep.equal([0, 1, 2, 3])
    for (const batch of batches) {
      const mine = messages.filter((m) => m.partition === batch.partition).map((m) => m.value)
      expect(texts([batch])).to.deep.equal(mine)
    }
  })

  it('goes on where it stopped, with every record once and in order, in fetches of any size', async () => {
    const topic = await newTopic(2)
    for (let round = 0; round < 10; round++) {
      const messages = Array.from({ length: 100 }, (_, i) => ({
        value: `${round * 100 + i}`,
        partition: i % 2,
      }))
      await produce(topic, messages, round % 2 === 0 ? CompressionTypes.GZIP : CompressionTypes.None)
    }
    const positions = [0, 1].map((partition) => ({ topic, partition, offset: 0n }))
    const batches = await fetchRows(fetcherOf(positions, { maxPartitionBytes: 300, maxBytes: 500 }), 1000)
    for (const partition of [0, 1]) {
      const mine = batches.filter((b) => b.partition === partition)
      expect(texts(mine)).to.deep.equal(Array.from({ length: 500 }, (_, i) => String(2 * i + partition)))
      for (const [i, batch] of mine.entries())
        expect(batch.nextOffset).to.equal(mine[i + 1]?.baseOffset ?? 500n)
    }
  })

  it('begins in the middle of a batch, and reads a batch that is larger than it asked for', async () => {
    const topic = await newTopic()
    await produce(
      topic,
      Array.from({ length: 50 }, (_, i) => ({ value: `${i} ${'x'.repeat(5000)}` })),
    )
    const [batch] = await fetchRows(
      fetcherOf([{ topic, partition: 0, offset: 47n }], { maxPartitionBytes: 1000 }),
      3,
    )
    expect(recordsOf(batch!).map((r) => r.offset)).to.deep.equal([47n, 48n, 49n])
  })

  it('gives nothing where nothing comes, and what comes later', async () => {
    const topic = await newTopic()
    const fetcher = fetcherOf([{ topic, partition: 0, offset: 0n }])
    expect(await fetcher.next()).to.deep.equal([])
    const coming = fetchRows(fetcher, 1)
    await produce(topic, [{ value: 'late' }])
    expect(texts(await coming)).to.deep.equal(['late'])
    expect(await fetcherOf([]).next()).to.deep.equal([])
  })

  it('has the next fetch on its way while a batch is worked on', async () => {
    const topic = await newTopic()
    await produce(topic, [{ value: 'one' }])
    const fetcher = fetcherOf([{ topic, partition: 0, offset: 0n }], { maxWaitMs: 5000 })
    await fetchRows(fetcher, 1)
    await produce(topic, [{ value: 'two' }])
    // Nothing calls next meanwhile: the answer to the request that is out arrives all the same.
    await eventually(async () => (await endOf(topic)) === 2n)
    expect(texts(await fetcher.next())).to.deep.equal(['two'])
  })

  it('begins by the reset policy where there is no offset', async () => {
    const topic = await newTopic()
    await produce(topic, [{ value: 'old' }])
    const start = [{ topic, partition: 0, offset: null }]
    expect(texts(await fetchRows(fetcherOf(start), 1))).to.deep.equal(['old'])
    const latest = fetcherOf(start, { reset: 'latest' })
    // A batch without rows says where it begins: that is to be committed, or a restart would begin elsewhere.
    const found = await eventually(async () => (await latest.next())[0])
    expect([found.length, found.nextOffset]).to.deep.equal([0, 1n])
    await produce(topic, [{ value: 'new' }])
    expect(texts(await fetchRows(latest, 1))).to.deep.equal(['new'])
    const error = await failure(fetcherOf(start, { reset: 'none' }))
    expect(error).to.be.instanceOf(TaskError).with.property('code', 'kafka.offset')
    expect((error as Error).message).to.include(`${topic}-0`)
  })

  it('resets an offset that is out of range, with a loud warning', async () => {
    const topic = await newTopic()
    await produce(topic, [{ value: 'only' }])
    const start = [{ topic, partition: 0, offset: 99n }]
    const warnings: string[] = []
    const log: Logger = { ...SILENT, warn: (message) => warnings.push(message) }
    expect(texts(await fetchRows(fetcherOf(start, { log }), 1))).to.deep.equal(['only'])
    expect(warnings).to.have.length(1)
    expect(warnings[0]).to.match(new RegExp(`Offset 99 of ${topic}-0 is out of range: .* earliest`))
    expect(await failure(fetcherOf(start, { reset: 'none' }))).to.have.property('code', 'kafka.offset')
  })

  it('drops what was fetched under an earlier assignment', async () => {
    const topic = await newTopic(2)
    await produce(topic, [
      { value: 'zero', partition: 0 },
      { value: 'one', partition: 1 },
    ])
    const fetcher = fetcherOf([{ topic, partition: 0, offset: 0n }])
    const pending = fetcher.next() // its request is out
    fetcher.assign([{ topic, partition: 1, offset: 0n }])
    const batches = await pending
    if (batches.length === 0) batches.push(...(await fetchRows(fetcher, 1)))
    expect(texts(batches)).to.deep.equal(['one'])
    fetcher.assign([{ topic, partition: 1, offset: 0n }])
    expect(texts(await fetchRows(fetcher, 1))).to.deep.equal(['one'])
  })

  it('waits for a topic that is missing, and reads it when it is there', async () => {
    const topic = uniqueName('fetch-later')
    const warnings: string[] = []
    const log: Logger = { ...SILENT, warn: (message) => warnings.push(message) }
    const fetcher = fetcherOf([{ topic, partition: 0, offset: null }], { log })
    expect(await fetcher.next()).to.deep.equal([])
    expect(warnings[0]).to.include(topic)
    await createTopic(client, { topic, partitions: 1 })
    await produce(topic, [{ value: 'here' }])
    expect(texts(await fetchRows(fetcher, 1))).to.deep.equal(['here'])
    expect(warnings).to.have.length(1)
  })

  it('ends a call that waits when it is closed, and takes no more', async () => {
    const topic = await newTopic()
    const fetcher = fetcherOf([{ topic, partition: 0, offset: 0n }], { maxWaitMs: 15_000 })
    const waiting = fetcher.next()
    await eventually(() => client.cachedLeader(topic, 0) !== null)
    await fetcher.close()
    expect(await waiting).to.deep.equal([])
    expect(await failure(fetcher)).to.be.instanceOf(TaskError)
  })

  it('moves over batches that compaction left empty', async function () {
    this.timeout(60_000)
    const topic = await newTopic(1, {
      'cleanup.policy': 'compact',
      'segment.ms': '100',
      'min.cleanable.dirty.ratio': '0.01',
      'max.compaction.lag.ms': '100',
      'min.compaction.lag.ms': '0',
    })
    for (let i = 0; i < 5; i++) await produce(topic, [{ key: 'same', value: String(i) }])
    const read = async (): Promise<FetchedBatch[]> => {
      await produce(topic, [{ key: 'roll', value: 'the segment' }])
      const [fetcher, end] = [fetcherOf([{ topic, partition: 0, offset: 0n }]), await endOf(topic)]
      const batches: FetchedBatch[] = []
      await eventually(async () => {
        batches.push(...(await fetcher.next()))
        return batches.at(-1)?.nextOffset === end
      })
      return batches
    }
    await eventually(async () => !texts(await read()).includes('0'), { timeoutMs: 50_000, everyMs: 1000 })
    expect(texts(await read())).to.include('4')
  })
})

async function failure(fetcher: Fetcher): Promise<unknown> {
  try {
    for (let i = 0; i < 20; i++) await fetcher.next()
  } catch (error) {
    return error
  }
  throw new Error('it did not fail')
}
