import { expect } from 'chai'
import { afterEach, describe, it } from 'mocha'
import { ConnectError, TaskError, UnavailableError } from '../../src/api/errors.ts'
import { SILENT } from '../../src/api/log.ts'
import { KafkaClient } from '../../src/kafka/client.ts'
import { ProduceLane } from '../../src/kafka/produce/produce-lane.ts'
import { Producer } from '../../src/kafka/produce/produce.ts'
import { AT } from '../../src/kafka/record-batches/record-batch.ts'
import { plain, rowsOf } from './craft.ts'
import { FakeCluster, type FakeScript, type Produced } from './fake-cluster.ts'

const NOT_LEADER = 6
const noneTooLarge = (): never => {
  throw new Error('nothing is too large here')
}

describe('Producer, over faults', () => {
  const closing: (() => unknown)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  const start = async (script: FakeScript, brokers = 1, deliveryTimeoutMs = 5000) => {
    const cluster = await FakeCluster.start(brokers, script)
    const { bootstrapServers } = cluster
    const client = new KafkaClient({ bootstrapServers, clientId: 'sluice-test', log: SILENT })
    const producer = new Producer(client, { log: SILENT, deliveryTimeoutMs })
    closing.push(
      () => cluster.stop(),
      () => client.close(),
      () => producer.close(),
    )
    const send = (value: string, partition = 0): Promise<void> =>
      producer.send('t', partition, rowsOf([plain(value)]), noneTooLarge)
    return { cluster, producer, send }
  }
  const stamp = ({ bytes }: Produced) => ({
    producerId: bytes.readBigInt64BE(AT.producerId),
    sequence: bytes.readInt32BE(AT.baseSequence),
  })
  /** Answers requests one after the other; all after the last with success. */
  const inTurn = (...answers: (number | 'cut' | 'silence')[]): NonNullable<FakeScript['produce']> => {
    return () => {
      const answer = answers.shift() ?? 0
      return typeof answer === 'string' ? answer : new Map([[0, answer]])
    }
  }

  it('sends the same bytes with the same sequence again, after a lost connection or a retriable error', async () => {
    const { cluster, send } = await start({
      leaders: [0],
      produce: inTurn('cut', NOT_LEADER, 7, 20, 'cut', 0),
    })
    await send('a')
    await send('b')
    const requests = cluster.produced.map(([entry]) => entry!)
    expect(requests).to.have.length(7)
    for (const retry of requests.slice(0, 6)) expect(retry.bytes.equals(requests[0]!.bytes)).to.equal(true)
    expect(stamp(requests[0]!)).to.deep.equal({ producerId: 1n, sequence: 0 })
    expect(stamp(requests[6]!)).to.deep.equal({ producerId: 1n, sequence: 1 })
  })

  it('sends nothing after the time that it was given, neither at first nor again', async () => {
    const { cluster, producer } = await start({
      leaders: [0],
      produce: inTurn(0, 'cut', 'cut', 'cut', 'cut'),
    })
    const send = (until: number) =>
      producer.send('t', 0, rowsOf([plain('a')]), noneTooLarge, { until }).catch((error: unknown) => error)
    expect(await send(performance.now() + 60_000)).to.equal(undefined)
    const began = performance.now()
    const late = await send(began - 1)
    expect(late).to.be.instanceOf(UnavailableError).with.property('message').that.contains('so late')
    expect(cluster.produced).to.have.length(1)
    expect(performance.now() - began, 'it does not wait to say so').to.be.lessThan(2000)
    const until = performance.now() + 200
    expect(await send(until)).to.be.instanceOf(UnavailableError)
    expect(performance.now()).to.be.greaterThan(until)
    expect(cluster.produced.length).to.be.within(2, 4)
  })

  it('takes a duplicate sequence for success: the first answer was lost', async () => {
    const { cluster, send } = await start({ leaders: [0], produce: inTurn('cut', 46) })
    await send('a')
    expect(cluster.produced).to.have.length(2)
  })

  for (const code of [45, 59]) {
    it(`goes on with a new producer id, from sequence 0, after error ${code}`, async () => {
      const { cluster, send } = await start({ leaders: [0, 0], produce: inTurn(0, code) })
      await send('a')
      await send('b')
      await send('c')
      await send('other partition', 1)
      expect(cluster.produced.map(([entry]) => stamp(entry!))).to.deep.equal([
        { producerId: 1n, sequence: 0 },
        { producerId: 1n, sequence: 1 },
        { producerId: 2n, sequence: 0 },
        { producerId: 2n, sequence: 1 },
        { producerId: 2n, sequence: 0 },
      ])
    })
  }

  it('fails, and loses nothing silently, where a new producer id does not help', async () => {
    const { cluster, send } = await start({ leaders: [0], produce: () => new Map([[0, 45]]) })
    const error = await failure(send('a'))
    expect(error).to.be.instanceOf(TaskError)
    expect(error.message).to.include('OUT_OF_ORDER_SEQUENCE_NUMBER')
    expect(cluster.producerIds).to.equal(4)
  })

  it('follows the leader to another broker', async () => {
    const script: FakeScript = { leaders: [0] }
    script.produce = ([entry]) => {
      if (entry!.broker === 1) return new Map()
      script.leaders = [1]
      return new Map([[0, NOT_LEADER]])
    }
    const { cluster, send } = await start(script, 2)
    await send('a')
    expect(cluster.produced.map(([entry]) => entry!.broker)).to.deep.equal([0, 1])
  })

  it('sends what comes in one turn together, one request per broker, one batch per partition', async () => {
    const { cluster, send } = await start({ leaders: [0, 1, 0, 1] }, 2)
    await Promise.all([0, 1, 2, 3].map((partition) => send('warm up', partition)))
    cluster.produced.length = 0
    await Promise.all([0, 1, 2, 3, 0].map((partition, i) => send(`value ${i}`, partition)))
    const partitions = cluster.produced.map((request) => request.map((entry) => entry.partition))
    expect(partitions.sort()).to.deep.equal([[0], [0, 2], [1, 3]])
  })

  it('has one request in flight per partition, and another partition does not wait for it', async () => {
    let release: () => void = () => undefined
    const held = new Promise<void>((resolve) => (release = resolve))
    const { cluster, send } = await start(
      {
        leaders: [0, 1],
        produce: async ([entry]) => {
          if (entry!.partition === 0) await held
          return new Map()
        },
      },
      2,
    )
    const first = [send('a'), send('b')]
    await send('other', 1)
    expect(cluster.produced.flat().filter((entry) => entry.partition === 0)).to.have.length.at.most(1)
    release()
    await Promise.all(first)
    expect(cluster.produced.flat().filter((entry) => entry.partition === 0)).to.have.length(2)
  })

  it('gives up after the delivery time-out, fails what is queued behind, and never reuses the identity', async () => {
    const script: FakeScript = { leaders: [0], produce: () => 'cut' }
    const { cluster, send } = await start(script, 1, 300)
    const failures = await Promise.all([failure(send('a')), failure(send('b'))])
    for (const error of failures) {
      expect(error).to.be.instanceOf(UnavailableError).with.property('retriable', true)
      expect(error.message).to.include('Gave up after 300 ms')
    }
    delete script.produce
    await send('c')
    expect(stamp(cluster.produced.at(-1)![0]!)).to.deep.equal({ producerId: 2n, sequence: 0 })
  })

  it('asks for the limit of the topic again after it was lowered', async () => {
    const { send, producer } = await start({ leaders: [0], produce: inTurn(10) })
    const error = await failure(send('a'))
    expect(error).to.have.property('retriable', true)
    expect(error.message).to.include('max.message.bytes was lowered')
    await send('a')
    expect(await producer.maxMessageBytes('t')).to.equal(1_048_588)
  })

  it('fails what it still holds when it is closed', async () => {
    const { producer, send } = await start({ leaders: [0], produce: () => 'silence' })
    const sending = failure(send('a'))
    await new Promise((resolve) => setImmediate(resolve))
    await producer.close()
    expect((await sending).message).to.include('closed')
    expect((await failure(send('b'))).message).to.include('closed')
  })
})

describe('ProduceLane', () => {
  it('wraps its sequence at 2^31', () => {
    const lane = new ProduceLane('t', 0)
    lane.identity = { producerId: 1n, producerEpoch: 0 }
    const sequences: number[] = []
    for (const recordCount of [2 ** 30, 2 ** 30 - 1, 3, 5]) {
      const batch = { bytes: Buffer.alloc(AT.records), recordCount, rows: new Int32Array() }
      lane.queue.push({ batch, deadline: Infinity, settle: () => undefined })
      sequences.push(lane.seal().readInt32BE(AT.baseSequence))
      lane.acknowledged()
    }
    expect(sequences).to.deep.equal([0, 2 ** 30, 2 ** 31 - 1, 2])
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
