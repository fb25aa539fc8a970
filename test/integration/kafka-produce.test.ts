import { expect } from 'chai'
import type { Kafka, KafkaMessage } from 'kafkajs'
import { after, before, describe, it } from 'mocha'
import { ConnectError, TaskError, UnavailableError } from '../../src/api/errors.ts'
import { SILENT } from '../../src/api/log.ts'
import { createTopic } from '../../src/kafka/admin.ts'
import { KafkaClient } from '../../src/kafka/client.ts'
import { COMPRESSIONS } from '../../src/kafka/record-batches/compression.ts'
import { Fetcher } from '../../src/kafka/fetch/fetch.ts'
import type { FetchedBatch } from '../../src/kafka/record-batches/records.ts'
import { type OutgoingRows, Producer, type ProducerOptions } from '../../src/kafka/produce/produce.ts'
import { plain, recordsOf, rowsOf } from '../kafka/craft.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import { freePort, kafkajsClient, sharedKafka } from '../support/kafka.ts'

const noneTooLarge = (row: number): never => {
  throw new Error(`row ${row} is too large`)
}

describe('Producer', () => {
  let bootstrapServers: string
  let client: KafkaClient
  let kafka: Kafka

  before(async function () {
    this.timeout(60_000)
    ;({ bootstrapServers } = await sharedKafka())
    client = new KafkaClient({ bootstrapServers: [bootstrapServers], clientId: 'sluice-test', log: SILENT })
    kafka = kafkajsClient(bootstrapServers)
  })
  after(() => client.close())

  const producerOf = (options: Partial<ProducerOptions> = {}): Producer =>
    new Producer(client, { log: SILENT, ...options })

  const newTopic = async (partitions = 1, configs: Record<string, string> = {}): Promise<string> => {
    const topic = uniqueName('produce')
    await createTopic(client, { topic, partitions, configs })
    return topic
  }

  /** All values of a topic, by partition, read with our own Fetcher until there are so many. */
  const read = async (topic: string, partitions: number, rows: number): Promise<string[][]> => {
    const fetcher = new Fetcher(client, {
      isolation: 'read_committed',
      reset: 'earliest',
      log: SILENT,
      maxWaitMs: 100,
    })
    fetcher.assign(Array.from({ length: partitions }, (_, partition) => ({ topic, partition, offset: 0n })))
    const batches: FetchedBatch[] = []
    await eventually(async () => {
      batches.push(...(await fetcher.next()))
      return batches.reduce((sum, b) => sum + b.length, 0) >= rows
    })
    await fetcher.close()
    return Array.from({ length: partitions }, (_, partition) =>
      batches
        .filter((b) => b.partition === partition)
        .flatMap((b) => recordsOf(b).map((r) => String(r.value))),
    )
  }

  const readKafkajs = async (topic: string, count: number): Promise<KafkaMessage[]> => {
    const consumer = kafka.consumer({ groupId: uniqueName('group'), maxWaitTimeInMs: 100 })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    const messages: KafkaMessage[] = []
    await consumer.run({
      eachMessage: ({ message }) => {
        messages.push(message)
        return Promise.resolve()
      },
    })
    await eventually(() => messages.length >= count)
    await consumer.disconnect()
    return messages
  }

  for (const compression of ['none', 'gzip'] as const) {
    it(`writes with compression ${compression} what kafkajs reads: keys, nulls, headers, timestamps`, async () => {
      const topic = await newTopic()
      const records = [
        plain('v', {
          key: Buffer.from('k'),
          headers: [{ key: 'h', value: Buffer.from('x') }],
          timestamp: 1_700_000_000_000n,
        }),
        plain(null, { key: Buffer.from('tombstone'), timestamp: 1_600_000_000_000n }),
        plain('', { timestamp: 1_700_000_000_001n }),
        plain('long '.repeat(1000), { timestamp: 1_700_000_000_002n }),
      ]
      const producer = producerOf({ compression })
      await producer.send(topic, 0, rowsOf(records), noneTooLarge)
      const messages = await readKafkajs(topic, 4)
      expect(messages.map((m) => m.offset)).to.deep.equal(['0', '1', '2', '3'])
      expect(messages.map((m) => m.timestamp)).to.deep.equal(records.map((r) => String(r.timestamp)))
      expect(messages.map((m) => m.key?.toString() ?? null)).to.deep.equal(['k', 'tombstone', null, null])
      expect(messages.map((m) => m.value?.toString() ?? null)).to.deep.equal([
        'v',
        null,
        '',
        'long '.repeat(1000),
      ])
      expect(messages[0]!.headers).to.deep.equal({ h: Buffer.from('x') })
      await producer.close()
    })
  }

  it('writes with every compression what the broker accepts', async () => {
    for (const compression of COMPRESSIONS) {
      const topic = await newTopic()
      const producer = producerOf({ compression })
      const values = Array.from({ length: 100 }, (_, i) => `value ${i} `.repeat(20))
      await producer.send(topic, 0, rowsOf(values.map((value) => plain(value))), noneTooLarge)
      expect(await read(topic, 1, 100), compression).to.deep.equal([values])
      await producer.close()
    }
  })

  it('keeps the order of many sends, over several partitions and batches in a row', async () => {
    const topic = await newTopic(3, { 'max.message.bytes': '400' })
    const producer = producerOf()
    const sends: Promise<void>[] = []
    const expected: string[][] = [[], [], []]
    for (let i = 0; i < 60; i++) {
      const values = Array.from({ length: 10 }, (_, j) => `${i}.${j} ${'x'.repeat(20)}`)
      expected[i % 3]!.push(...values)
      sends.push(producer.send(topic, i % 3, rowsOf(values.map((value) => plain(value))), noneTooLarge))
    }
    await Promise.all(sends)
    expect(await read(topic, 3, 600)).to.deep.equal(expected)
    await producer.close()
  })

  it('splits at the topic’s max.message.bytes, and reports rows above it instead of sending them', async () => {
    const topic = await newTopic(1, { 'max.message.bytes': '1000' })
    const producer = producerOf()
    expect(await producer.maxMessageBytes(topic)).to.equal(1000)
    const values = ['a'.repeat(600), 'b'.repeat(5000), 'c'.repeat(900), 'd'.repeat(990)]
    const tooLarge: number[] = []
    await producer.send(topic, 0, rowsOf(values.map((value) => plain(value))), (row, size) => {
      expect(size).to.be.greaterThan(1000)
      tooLarge.push(row)
    })
    expect(tooLarge).to.deep.equal([1, 3])
    expect(await read(topic, 1, 2)).to.deep.equal([[values[0], values[2]]])
    await producer.close()
  })

  it('sends nothing and resolves where no row is left', async () => {
    const producer = producerOf()
    const topic = await newTopic()
    await producer.send(topic, 0, rowsOf([], []), noneTooLarge)
    await producer.close()
  })

  it('encodes before it returns, so that the caller may reuse its buffers', async () => {
    const topic = await newTopic()
    const producer = producerOf()
    await producer.maxMessageBytes(topic)
    const shared = Buffer.from('first')
    const outgoing: OutgoingRows = {
      ...rowsOf([plain('')]),
      values: { size: () => shared.length, write: (_row, target, at) => at + shared.copy(target, at) },
    }
    const sending = [producer.send(topic, 0, outgoing, noneTooLarge)]
    shared.write('secon')
    sending.push(producer.send(topic, 0, outgoing, noneTooLarge))
    shared.fill('?')
    await Promise.all(sending)
    expect(await read(topic, 1, 2)).to.deep.equal([['first', 'secon']])
    await producer.close()
  })

  it('waits for a topic that is missing, and gives up when the time is over', async () => {
    const topic = uniqueName('produce-later')
    const producer = producerOf({ deliveryTimeoutMs: 10_000 })
    const sending = producer.send(topic, 0, rowsOf([plain('here')]), noneTooLarge)
    await createTopic(client, { topic, partitions: 1 })
    await sending
    expect(await read(topic, 1, 1)).to.deep.equal([['here']])
    await producer.close()
    const hasty = producerOf({ deliveryTimeoutMs: 300 })
    await createTopic(client, { topic: `${topic}-2`, partitions: 1 })
    const error = await failure(hasty.send(`${topic}-2`, 7, rowsOf([plain('x')]), noneTooLarge))
    expect(error).to.be.instanceOf(UnavailableError).with.property('code', 'kafka.topic')
    expect(error.message).to.include(`${topic}-2-7`).and.include('Gave up after 300 ms')
    await hasty.close()
  })

  it('fails a batch that Kafka refuses for good, with its reason, and goes on with the next', async () => {
    const topic = await newTopic(1, { 'cleanup.policy': 'compact' })
    const producer = producerOf()
    const keyless = failure(producer.send(topic, 0, rowsOf([plain('no key')]), noneTooLarge))
    const error = await keyless
    expect(error).to.be.instanceOf(TaskError).with.property('retriable', false)
    expect(error.message).to.include('INVALID_RECORD (87)').and.match(/key/i)
    await producer.send(topic, 0, rowsOf([plain('kept', { key: Buffer.from('k') })]), noneTooLarge)
    expect(await read(topic, 1, 1)).to.deep.equal([['kept']])
    await producer.close()
  })

  for (const compression of ['none', 'gzip'] as const) {
    it(`reports the rows that Kafka refuses, and sends the others, with compression ${compression}`, async () => {
      const topic = await newTopic(1, {
        'cleanup.policy': 'compact',
        'message.timestamp.after.max.ms': '3600000',
      })
      const producer = producerOf({ compression })
      const now = BigInt(Date.now())
      const far = { key: Buffer.from('future'), timestamp: 2n ** 63n - 1n }
      const keyed = (value: string) =>
        plain(value, { key: Buffer.from(value), timestamp: now, headers: [{ key: 'h', value: null }] })
      const records = [
        plain('no key', { timestamp: now }),
        keyed('a'),
        plain('far', far),
        keyed('b '.repeat(500)),
        keyed('c'),
      ]
      const refused: [number, string][] = []
      const rows = rowsOf(records, [1, 2, 3, 0, 4])
      await producer.send(topic, 0, rows, noneTooLarge, {
        refused: (row, reason) => refused.push([row, reason]),
      })
      expect(refused.map(([row]) => row).sort()).to.deep.equal([0, 2])
      expect(refused.map(([, reason]) => reason).join()).to.match(/INVALID_(RECORD|TIMESTAMP)/)
      await producer.send(topic, 0, rowsOf([plain('x')]), noneTooLarge, {
        refused: (row) => refused.push([row, '']),
      })
      await producer.send(topic, 0, rowsOf([keyed('d')]), noneTooLarge)
      expect(refused).to.have.length(3)
      const messages = await readKafkajs(topic, 4)
      expect(messages.map((m) => m.value?.toString())).to.deep.equal(['a', 'b '.repeat(500), 'c', 'd'])
      expect(messages.map((m) => m.timestamp)).to.deep.equal(new Array(4).fill(String(now)))
      await producer.close()
    })
  }

  it('says that the cluster cannot be reached', async () => {
    const address = `127.0.0.1:${await freePort()}`
    const down = new KafkaClient({ bootstrapServers: [address], clientId: 'sluice-test', log: SILENT })
    const producer = new Producer(down, { log: SILENT, deliveryTimeoutMs: 200 })
    const error = await failure(producer.send('t', 0, rowsOf([plain('x')]), noneTooLarge))
    expect(error).to.be.instanceOf(UnavailableError)
    expect(error.message).to.include(`No Kafka broker answers at ${address}`)
    await down.close()
    await producer.close()
  })
})

async function failure(promise: Promise<unknown>): Promise<ConnectError> {
  try {
    await promise
  } catch (error) {
    if (error instanceof ConnectError) return error
    throw error
  }
  throw new Error('it did not fail')
}
