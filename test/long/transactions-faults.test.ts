import { expect } from 'chai'
import { after, afterEach, before, describe, it } from 'mocha'
import { SILENT } from '../../src/api/log.ts'
import { createTopic } from '../../src/kafka/admin.ts'
import type { KafkaClient } from '../../src/kafka/client.ts'
import { TransactionalProducer } from '../../src/kafka/transactions/transactional-producer.ts'
import { plain, rowsOf } from '../kafka/craft.ts'
import { eventually, uniqueName } from '../support/eventually.ts'
import {
  PARTITIONS,
  randomFaults,
  valuesOfTransaction,
  writeUnderFaults,
} from '../support/faulty-transactions.ts'
import { seeded } from '../support/seeded.ts'
import type { Fault } from '../support/fault-proxy.ts'
import { valuesOf } from '../support/committed-reader.ts'
import { rejection } from '../support/rejection.ts'
import { clientOf, startTransactionKafka, type TransactionKafka } from '../support/transaction-kafka.ts'

const TRANSACTIONS = Number(process.env['SLUICE_TEST_TRANSACTIONS'] ?? 40)
const SEED = Number(process.env['SLUICE_TEST_SEED'] ?? 1)
const SHARE = 0.08
const API = { produce: 0, initProducerId: 22, addPartitions: 24, endTxn: 26, txnOffsetCommit: 28 } as const

for (const [version, protocol] of [
  [2, 'transactions v2 (KIP-890)'],
  [0, 'transactions v1'],
] as const) {
  describe(`TransactionalProducer under faults, ${protocol}`, function () {
    this.timeout(60_000)
    let kafka: TransactionKafka
    let client: KafkaClient
    let producer: TransactionalProducer
    let topic: string

    before(async function () {
      this.timeout(120_000)
      kafka = await startTransactionKafka(version)
      client = clientOf(kafka.behindProxy)
    })
    afterEach(() => (kafka.proxy.script = null))
    after(async () => {
      await client.close()
      await kafka.stop()
    })

    const begin = async (): Promise<void> => {
      topic = uniqueName('faults')
      await createTopic(client, { topic, partitions: 1, configs: {} })
      producer = new TransactionalProducer(client, {
        transactionalId: uniqueName('id'),
        transactionTimeoutMs: 60_000,
        requestTimeoutMs: 1000,
        deliveryTimeoutMs: 10_000,
        log: SILENT,
      })
      await producer.init()
      await send('first')
      await producer.commit()
    }
    const send = (value: string): Promise<void> => {
      const rows = rowsOf([plain(value, { timestamp: BigInt(Date.now()) })])
      return producer.send(topic, 0, rows, () => undefined)
    }
    /** Breaks the next request of an API, once. Returns how often that has happened. */
    const breakNext = (apiKey: number, fault: Fault): (() => number) => {
      const { proxy } = kafka
      const key = `${apiKey} ${fault}`
      const before = proxy.happened.get(key) ?? 0
      let due = true
      proxy.script = (seen) => {
        if (!due || seen.apiKey !== apiKey) return null
        due = false
        return fault
      }
      return () => (proxy.happened.get(key) ?? 0) - before
    }
    const shown = () => valuesOf(kafka.bootstrapServers, topic, 1)

    for (const fault of ['lose-request', 'lose-answer', 'late-request'] as const) {
      it(`can only abort after a write that was not answered (${fault}), and shows nothing of it`, async () => {
        await begin()
        const happened = breakNext(API.produce, fault)
        const sends = [send('in doubt'), send('behind it')]
        for (const each of await Promise.allSettled(sends)) expect(each.status).to.equal('rejected')
        expect(producer.state).to.equal('failed')
        expect(String(await rejection(producer.commit()))).to.include('can only be aborted')
        await producer.abort()
        await send('next')
        await producer.commit()
        expect(await shown()).to.deep.equal([['first', 'next']])
        await eventually(() => happened() === 1)
        await producer.close()
      })
    }

    for (const fault of ['lose-request', 'lose-answer', 'late-request', 'silence'] as const) {
      it(`repeats a commit that was not answered (${fault}), which ends no later transaction`, async () => {
        await begin()
        await send('committed')
        const happened = breakNext(API.endTxn, fault)
        await producer.commit()
        await send('of the next')
        await eventually(() => happened() === 1)
        expect(producer.state).to.equal('open')
        await producer.abort()
        expect(await shown()).to.deep.equal([['first', 'committed']])
        await producer.close()
      })

      it(`repeats an abort that was not answered (${fault}), which ends no later transaction`, async () => {
        await begin()
        await send('aborted')
        const happened = breakNext(API.endTxn, fault)
        await producer.abort()
        await send('of the next')
        await eventually(() => happened() === 1)
        await producer.commit()
        expect(await shown()).to.deep.equal([['first', 'of the next']])
        await producer.close()
      })
    }

    it('wants to be initialised where it never hears of a commit', async () => {
      await begin()
      await send('unknown')
      kafka.proxy.script = ({ apiKey }) => (apiKey === API.endTxn ? 'lose-answer' : null)
      const error = await rejection(producer.commit())
      expect(String(error)).to.include('What came of it is not known')
      expect(error).to.have.property('retriable', true)
      for (const attempt of [() => send('more'), () => producer.commit(), () => producer.abort()])
        expect(String(await rejection(attempt()))).to.include('initialise the producer')
      kafka.proxy.script = null
      await producer.init()
      await send('after')
      await producer.commit()
      expect(await shown(), 'the broker had committed').to.deep.equal([['first', 'unknown', 'after']])
      await producer.close()
    })

    it(`writes ${TRANSACTIONS} transactions, each once and in order, while ${SHARE * 100} % of its requests break`, async function () {
      this.timeout(30_000 + TRANSACTIONS * 3000)
      const random = seeded(SEED)
      kafka.proxy.happened.clear()
      kafka.proxy.script = randomFaults(random, SHARE)
      const written = await writeUnderFaults(kafka, TRANSACTIONS, random)
      const happened = Object.fromEntries([...kafka.proxy.happened].sort())
      if (process.env['SLUICE_TEST_SEED'] !== undefined) console.log(version, written.ends, happened)
      const expected = Array.from({ length: TRANSACTIONS }, (_, number) => valuesOfTransaction(number)).flat()
      const values = await valuesOf(kafka.bootstrapServers, written.topic, PARTITIONS)
      for (const ofPartition of values) expect(ofPartition).to.deep.equal(expected)
      const all = await valuesOf(kafka.bootstrapServers, written.topic, PARTITIONS, 'read_uncommitted')
      expect(all[0]!.length, 'faults hit open transactions').to.be.greaterThan(expected.length)
      const faults = [...kafka.proxy.happened.values()].reduce((sum, count) => sum + count, 0)
      expect(faults).to.be.greaterThan(TRANSACTIONS / 8)
    })
  })
}
