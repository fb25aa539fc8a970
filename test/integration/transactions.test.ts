import { expect } from 'chai'
import { after, afterEach, before, describe, it } from 'mocha'
import { FencedError, UnavailableError } from '../../src/api/errors.ts'
import { SILENT } from '../../src/api/log.ts'
import { createTopic } from '../../src/kafka/admin.ts'
import type { KafkaClient } from '../../src/kafka/client.ts'
import { commitOffsets, fetchOffsets } from '../../src/kafka/groups/offsets.ts'
import {
  TransactionalProducer,
  type TransactionalProducerOptions,
} from '../../src/kafka/transactions/transactional-producer.ts'
import { plain, rowsOf } from '../kafka/craft.ts'
import { uniqueName } from '../support/eventually.ts'
import { valuesOf } from '../support/committed-reader.ts'
import { rejection } from '../support/rejection.ts'
import { clientOf, startTransactionKafka, type TransactionKafka } from '../support/transaction-kafka.ts'

const noneTooLarge = (row: number): never => {
  throw new Error(`row ${row} is too large`)
}
const API = { produce: 0, addPartitions: 24, addOffsets: 25, endTxn: 26, txnOffsetCommit: 28 } as const

for (const [version, protocol] of [
  [2, 'transactions v2 (KIP-890)'],
  [0, 'transactions v1'],
] as const) {
  describe(`TransactionalProducer, ${protocol}`, () => {
    let kafka: TransactionKafka
    let client: KafkaClient
    const opened: TransactionalProducer[] = []

    before(async function () {
      this.timeout(120_000)
      kafka = await startTransactionKafka(version)
      client = clientOf(kafka.behindProxy)
    })
    afterEach(async () => {
      for (const producer of opened.splice(0)) await producer.close()
    })
    after(async () => {
      await client.close()
      await kafka.stop()
    })

    const newTopic = async (partitions = 1): Promise<string> => {
      const topic = uniqueName('transactions')
      await createTopic(client, { topic, partitions, configs: {} })
      return topic
    }
    const open = async (options: Partial<TransactionalProducerOptions> = {}) => {
      const defaults = { transactionalId: uniqueName('id'), transactionTimeoutMs: 60_000, log: SILENT }
      const producer = new TransactionalProducer(client, { ...defaults, ...options })
      opened.push(producer)
      await producer.init()
      return producer
    }
    const send = (producer: TransactionalProducer, topic: string, value: string, partition = 0) => {
      const row = plain(value, { timestamp: BigInt(Date.now()) })
      return producer.send(topic, partition, rowsOf([row]), noneTooLarge)
    }
    const read = (topic: string, partitions = 1) => valuesOf(kafka.bootstrapServers, topic, partitions)
    const committed = async (groupId: string, topic: string) => {
      const [found] = await fetchOffsets(client, groupId, [{ topic, partitions: [0] }])
      return found?.offset
    }

    it('shows committed records to readers of committed ones, each once and in order, and aborted ones never', async () => {
      const topic = await newTopic(2)
      const producer = await open()
      for (const [round, commit] of [true, false, true, true, false, true].entries()) {
        await Promise.all([0, 1].map((partition) => send(producer, topic, `a${round}`, partition)))
        await send(producer, topic, `b${round}`)
        await (commit ? producer.commit() : producer.abort())
        expect(producer.state).to.equal('ready')
      }
      const expected = ['a0', 'b0', 'a2', 'b2', 'a3', 'b3', 'a5', 'b5']
      expect(await read(topic, 2)).to.deep.equal([
        expected,
        expected.filter((value) => value.startsWith('a')),
      ])
    })

    it('shows nothing before the commit', async () => {
      const topic = await newTopic()
      const producer = await open()
      await send(producer, topic, 'hidden')
      const early = valuesOf(kafka.bootstrapServers, topic, 1, 'read_committed', 1500)
      expect(String(await rejection(early))).to.include('did not hold')
      expect(await valuesOf(kafka.bootstrapServers, topic, 1, 'read_uncommitted')).to.deep.equal([['hidden']])
      await producer.commit()
      expect(await read(topic)).to.deep.equal([['hidden']])
    })

    it('speaks the protocol that the cluster has switched on, not the newest that the broker knows', async () => {
      const topic = await newTopic()
      const producer = await open()
      await send(producer, topic, 'a')
      await producer.commitOffsets(uniqueName('group'), null, [{ topic, partition: 0, offset: 1n }])
      await producer.commit()
      const versions = (apiKey: number) => [...(kafka.proxy.versions.get(apiKey) ?? [])]
      expect({
        produce: versions(API.produce),
        endTxn: versions(API.endTxn),
        offsets: versions(API.txnOffsetCommit),
        added: kafka.proxy.count(API.addPartitions) > 0 && kafka.proxy.count(API.addOffsets) > 0,
      }).to.deep.equal(
        version === 2
          ? { produce: [12], endTxn: [5], offsets: [5], added: false }
          : { produce: [11], endTxn: [4], offsets: [4], added: true },
      )
    })

    it('ends no transaction in which nothing was written', async () => {
      const producer = await open()
      const before = kafka.proxy.count(API.endTxn)
      await producer.commit()
      await producer.abort()
      await producer.commitOffsets('any', null, [])
      await producer.commit()
      expect(kafka.proxy.count(API.endTxn)).to.equal(before)
      expect(producer.state).to.equal('ready')
    })

    it('commits offsets of a group with the records, or neither', async () => {
      const topic = await newTopic()
      const group = uniqueName('group')
      const producer = await open()
      for (const [offset, commit] of [
        [5n, true],
        [9n, false],
      ] as const) {
        await send(producer, topic, `at ${offset}`)
        await producer.commitOffsets(group, null, [{ topic, partition: 0, offset }])
        await (commit ? producer.commit() : producer.abort())
        expect(await committed(group, topic)).to.equal(5n)
      }
      await producer.commitOffsets(group, null, [{ topic, partition: 0, offset: 12n }])
      await producer.commit()
      expect(await committed(group, topic), 'offsets alone').to.equal(12n)
      expect(await read(topic)).to.deep.equal([['at 5']])
    })

    it('refuses offsets of a member that its group does not have, and can go on after an abort', async () => {
      const topic = await newTopic()
      const group = uniqueName('group')
      await commitOffsets(client, group, null, [{ topic, partition: 0, offset: 1n }])
      const producer = await open()
      await send(producer, topic, 'of a zombie')
      const seat = { memberId: 'nobody', generation: 7 }
      const error = await rejection(
        producer.commitOffsets(group, seat, [{ topic, partition: 0, offset: 9n }]),
      )
      expect(error).to.be.instanceOf(FencedError)
      expect(producer.state).to.equal('failed')
      expect(await rejection(producer.commit())).to.be.instanceOf(FencedError)
      await producer.abort()
      await send(producer, topic, 'after')
      await producer.commit()
      expect(await read(topic)).to.deep.equal([['after']])
      expect(await committed(group, topic)).to.equal(1n)
    })

    it('fences the older producer of a transactional id, whose open transaction is aborted', async () => {
      const topic = await newTopic()
      const transactionalId = uniqueName('id')
      const older = await open({ transactionalId })
      await send(older, topic, 'older, open')
      const newer = await open({ transactionalId })
      await send(newer, topic, 'newer')
      for (const attempt of [
        () => send(older, topic, 'zombie'),
        () => older.commit(),
        () => older.abort(),
        () => send(older, topic, 'zombie'),
      ])
        expect(await rejection(attempt())).to.be.instanceOf(FencedError)
      expect(older.state).to.equal('fenced')
      await newer.commit()
      expect(await read(topic)).to.deep.equal([['newer']])
    })

    it('fences a commit of the older producer', async () => {
      const topic = await newTopic()
      const transactionalId = uniqueName('id')
      const older = await open({ transactionalId })
      await send(older, topic, 'older, open')
      await open({ transactionalId })
      expect(await rejection(older.commit())).to.be.instanceOf(FencedError)
      expect(await read(topic)).to.deep.equal([[]])
    })

    it('learns that its transaction took too long, and writes again after init', async () => {
      const topic = await newTopic()
      const producer = await open({ transactionTimeoutMs: 1000 })
      await send(producer, topic, 'too long')
      expect(await read(topic)).to.deep.equal([[]])
      // A broker before KIP-890 cannot tell this from another producer.
      const told = version === 2 ? UnavailableError : FencedError
      expect(await rejection(producer.commit())).to.be.instanceOf(told)
      expect(producer.state).to.equal(version === 2 ? 'new' : 'fenced')
      await producer.init()
      await send(producer, topic, 'in time')
      await producer.commit()
      expect(await read(topic)).to.deep.equal([['in time']])
    })

    it('fails all that follows a write that failed, until it is aborted', async () => {
      const topic = await newTopic()
      const producer = await open({ deliveryTimeoutMs: 700 })
      await send(producer, topic, 'before')
      const missing = send(producer, uniqueName('missing'), 'nowhere')
      expect(await rejection(missing)).to.be.instanceOf(UnavailableError)
      expect(producer.state).to.equal('failed')
      for (const attempt of [() => send(producer, topic, 'after'), () => producer.commit()])
        expect(String(await rejection(attempt()))).to.include('can only be aborted')
      await producer.abort()
      await send(producer, topic, 'next')
      await producer.commit()
      expect(await read(topic)).to.deep.equal([['next']])
    })

    it('waits for what was sent before it commits', async () => {
      const topic = await newTopic(2)
      const producer = await open()
      const sending = [0, 1, 0, 1].map((partition, i) => send(producer, topic, `value ${i}`, partition))
      const committing = producer.commit()
      const next = send(producer, topic, 'of the next transaction')
      await committing
      await Promise.all([...sending, next])
      await producer.abort()
      expect(await read(topic, 2)).to.deep.equal([
        ['value 0', 'value 2'],
        ['value 1', 'value 3'],
      ])
    })

    it('aborts what was sent and has not gone out yet', async () => {
      const topic = await newTopic()
      const producer = await open()
      const sending = rejection(send(producer, topic, 'given up'))
      await producer.abort()
      expect(String(await sending)).to.include('aborted')
      await send(producer, topic, 'next')
      await producer.commit()
      expect(await read(topic)).to.deep.equal([['next']])
    })

    it('aborts what is open when it is closed', async () => {
      const topic = await newTopic()
      const producer = await open()
      await send(producer, topic, 'open')
      await producer.close()
      expect(await read(topic)).to.deep.equal([[]])
      expect(String(await rejection(send(producer, topic, 'closed')))).to.include('closed')
      expect(producer.state).to.equal('closed')
    })
  })
}
