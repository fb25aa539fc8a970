import { expect } from 'chai'
import { afterEach, describe, it } from 'mocha'
import { FencedError, TaskError, UnavailableError } from '../../src/api/errors.ts'
import { SILENT } from '../../src/api/log.ts'
import { KafkaClient } from '../../src/kafka/client.ts'
import { encodeBatches, seal } from '../../src/kafka/record-batches/record-batch-encode.ts'
import { AT, ATTRIBUTE } from '../../src/kafka/record-batches/record-batch.ts'
import { TransactionalProducer } from '../../src/kafka/transactions/transactional-producer.ts'
import { rejection } from '../support/rejection.ts'
import { plain, rowsOf } from './craft.ts'
import { FakeCluster, type FakeScript, type Produced } from './fake-cluster.ts'

const noneTooLarge = (): never => {
  throw new Error('nothing is too large here')
}

describe('seal', () => {
  it('says that a batch is part of a transaction, beside its compression', () => {
    const rows = rowsOf([plain('long '.repeat(100))])
    for (const transactional of [true, false]) {
      const [batch] = encodeBatches(rows, 1e6, 'gzip', noneTooLarge)
      const stamp = { producerId: 1n, producerEpoch: 0, sequence: 0 }
      seal(batch!, { ...stamp, transactional })
      const gzip = 1
      const attributes = gzip | (transactional ? ATTRIBUTE.transactional : 0)
      expect(batch!.bytes.readInt16BE(AT.attributes)).to.equal(attributes)
    }
  })
})

describe('TransactionalProducer, over faults', () => {
  const closing: (() => unknown)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  const start = async (script: Partial<FakeScript> = {}, deliveryTimeoutMs = 3000) => {
    const cluster = await FakeCluster.start(1, { leaders: [0, 0], transactionsV2: true, ...script })
    const { bootstrapServers } = cluster
    const client = new KafkaClient({ bootstrapServers, clientId: 'sluice-test', log: SILENT })
    const options = { transactionalId: 'id', transactionTimeoutMs: 60_000, log: SILENT, deliveryTimeoutMs }
    const producer = new TransactionalProducer(client, options)
    closing.push(
      () => cluster.stop(),
      () => client.close(),
      () => producer.close(),
    )
    const send = (value: string, partition = 0): Promise<void> =>
      producer.send('t', partition, rowsOf([plain(value)]), noneTooLarge)
    return { cluster, producer, send }
  }
  const stamp = ({ bytes, partition }: Produced) => ({
    partition,
    epoch: bytes.readInt16BE(AT.producerEpoch),
    sequence: bytes.readInt32BE(AT.baseSequence),
    transactional: (bytes.readInt16BE(AT.attributes) & ATTRIBUTE.transactional) !== 0,
  })
  const code = (error: number): NonNullable<FakeScript['produce']> => {
    return () => new Map([[0, error]])
  }

  it('writes each transaction under the epoch that the end of the one before gave, from sequence 0', async () => {
    const { cluster, producer, send } = await start()
    await producer.init()
    for (const end of ['commit', 'abort', 'commit'] as const) {
      await send('a')
      await send('b')
      await producer[end]()
    }
    const batch = (epoch: number, sequence: number) => ({
      partition: 0,
      epoch,
      sequence,
      transactional: true,
    })
    expect(cluster.produced.flat().map(stamp)).to.deep.equal(
      [0, 1, 2].flatMap((epoch) => [batch(epoch, 0), batch(epoch, 1)]),
    )
    expect(cluster.ended.map(({ producerEpoch, commit }) => [producerEpoch, commit])).to.deep.equal([
      [0, true],
      [1, false],
      [2, true],
    ])
  })

  it('sends nothing before it is initialised', async () => {
    const { cluster, producer, send } = await start()
    for (const attempt of [() => send('a'), () => producer.commit(), () => producer.abort()])
      expect(String(await rejection(attempt()))).to.include('initialise the producer')
    expect(cluster.produced).to.deep.equal([])
  })

  it('sends nothing again that is in doubt, and nothing else until it is aborted', async () => {
    const { cluster, producer, send } = await start({ produce: () => 'cut' })
    await producer.init()
    expect(await rejection(send('in doubt'))).to.be.instanceOf(UnavailableError)
    for (const attempt of [() => send('more'), () => send('elsewhere', 1), () => producer.commit()])
      expect(String(await rejection(attempt()))).to.include('can only be aborted')
    expect(cluster.produced).to.have.length(1)
    expect(cluster.ended).to.have.length(0)
    delete cluster.script.produce
    await producer.abort()
    await send('next')
    expect(cluster.ended.map(({ commit }) => commit)).to.deep.equal([false])
    expect(cluster.produced.slice(1).flat().map(stamp)).to.deep.equal([
      { partition: 0, epoch: 1, sequence: 0, transactional: true },
    ])
  })

  it('sends the same bytes again where the broker says that it could not write them now', async () => {
    const answers = [6, 20, 51]
    const { cluster, producer, send } = await start({ produce: () => new Map([[0, answers.shift() ?? 0]]) })
    await producer.init()
    await send('a')
    const requests = cluster.produced.flat()
    expect(requests).to.have.length(4)
    for (const { bytes } of requests) expect(bytes.equals(requests[0]!.bytes)).to.equal(true)
    expect(producer.state).to.equal('open')
  })

  for (const error of [45, 48, 49, 59, 120])
    it(`aborts after error ${error}, and never takes another identity by itself`, async () => {
      const { cluster, producer, send } = await start({ produce: code(error) })
      await producer.init()
      expect(await rejection(send('a'))).to.be.instanceOf(UnavailableError)
      expect(producer.state).to.equal('failed')
      expect(cluster.produced).to.have.length(1)
      expect(cluster.producerIds).to.equal(1)
    })

  for (const error of [47, 90])
    it(`stops after error ${error}: another producer has its transactional id`, async () => {
      const { cluster, producer, send } = await start({ produce: code(error) })
      await producer.init()
      expect(await rejection(send('a'))).to.be.instanceOf(FencedError)
      for (const attempt of [() => send('b'), () => producer.commit(), () => producer.abort()])
        expect(await rejection(attempt())).to.be.instanceOf(FencedError)
      expect(producer.state).to.equal('fenced')
      expect(cluster.ended).to.have.length(0)
    })

  it('fails as a task does where Kafka takes none of its records, and what it wrote before is aborted', async () => {
    const { cluster, producer, send } = await start()
    await producer.init()
    await send('before')
    cluster.script.produce = code(29)
    expect(await rejection(send('a'))).to.be.instanceOf(TaskError)
    expect(await rejection(producer.commit())).to.be.instanceOf(TaskError)
    await producer.abort()
    expect(cluster.ended.map(({ commit }) => commit)).to.deep.equal([false])
  })

  it('commits nothing that Kafka did not take: it aborts a transaction without content', async () => {
    const { cluster, producer } = await start({ produce: code(87) })
    await producer.init()
    const refused: string[] = []
    const options = { refused: (_row: number, reason: string) => void refused.push(reason) }
    await rejection(producer.send('t', 0, rowsOf([plain('a')]), noneTooLarge, options))
    expect(producer.state).to.equal('failed')
    await producer.abort()
    expect(cluster.ended.map(({ commit }) => commit)).to.deep.equal([false])
  })

  it('repeats an end that is not answered, and says so where it never is', async () => {
    const answers: (number | 'cut')[] = ['cut', 51, 14]
    const { cluster, producer, send } = await start({ endTxn: () => answers.shift() ?? 0 })
    await producer.init()
    await send('a')
    await producer.commit()
    expect(cluster.ended).to.have.length(4)
    cluster.script.endTxn = () => 'cut'
    await send('b')
    const error = await rejection(producer.commit())
    expect(error).to.be.instanceOf(UnavailableError)
    expect(error.message).to.include('What came of it is not known')
    expect(producer.state).to.equal('new')
  })

  for (const [answers, state] of [
    [[120], 'failed'],
    [['cut', 120], 'new'],
    [[48], 'new'],
    [['cut', 48], 'new'],
    [['cut', 90], 'fenced'],
  ] as const)
    it(`is ${state} where a commit is answered with ${answers.join(', ')}`, async () => {
      const left = [...answers]
      const { producer, send } = await start({ endTxn: () => left.shift() ?? 0 })
      await producer.init()
      await send('a')
      await rejection(producer.commit())
      expect(producer.state).to.equal(state)
    })
})
