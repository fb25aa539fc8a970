import { expect } from 'chai'
import { describe, it } from 'mocha'
import { tmpdir } from 'node:os'
import { SILENT } from '../../../src/api/log.ts'
import { SharedLog } from '../../../src/worker/shared/shared-log.ts'
import { Suspects } from '../../../src/worker/hosts/suspects.ts'
import { MemoryTopics } from '../memory-log.ts'

const TOPIC = { topic: 'workers-sluice', partitions: 1, replicationFactor: 1 }
const PLACE = { topic: 'a/b', partition: 3 }
const HERE = [{ topic: 'a/b', partitions: [3] }]
const call = (first: number, last = first) => {
  return {
    rows: { ...PLACE, first: BigInt(first), last: BigInt(last) },
    stage: 'transforms.score',
    bySignal: false,
  }
}

async function worker(topics: MemoryTopics): Promise<Suspects> {
  const log = await SharedLog.open(topics.open, { topic: TOPIC, modelsDir: tmpdir(), log: SILENT })
  const suspects = new Suspects(log.suspects)
  log.suspects.follow((...known) => suspects.take(...known))
  return suspects
}

const told = () => new Promise(setImmediate).then(() => new Promise(setImmediate))

describe('a record that kills task hosts', () => {
  it('is found out by three deaths, on whichever workers they are', async () => {
    const topics = new MemoryTopics()
    const [first, second] = [await worker(topics), await worker(topics)]
    expect(first.died('score', call(0, 99), 'it died')).to.equal('again')
    await told()
    expect(second.died('score', call(0, 99), 'it died')).to.equal('apart')
    await told()
    const third = await worker(topics)
    expect(third.died('score', call(42), 'it died')).to.equal('convicted')
    await told()
    expect(first.of('score', HERE)).to.deep.equal(third.of('score', HERE))
    expect(first.of('score', HERE).find(({ poison }) => poison !== null)?.first).to.equal(42n)
  })

  it('is forgotten by all workers with its offset committed, or its connector restarted', async () => {
    const topics = new MemoryTopics()
    const [first, second] = [await worker(topics), await worker(topics)]
    first.died('score', call(0, 99), 'it died')
    await told()
    second.cleared('score', { ...PLACE, offset: 50n })
    await told()
    expect(first.of('score', HERE)).to.have.length(1)
    second.cleared('score', { ...PLACE, offset: 100n })
    await told()
    expect(first.of('score', HERE)).to.deep.equal([])
    first.died('score', call(0, 99), 'it died')
    await told()
    second.forget('score')
    await told()
    expect(first.of('score', HERE)).to.deep.equal([])
    expect(topics.records(TOPIC.topic).at(-1)?.value).to.equal(null)
  })

  it('costs one record of the topic for each death, and none for rows that pass', async () => {
    const topics = new MemoryTopics()
    const suspects = await worker(topics)
    suspects.died('score', call(0, 99), 'it died')
    await told()
    suspects.passed('score', call(0, 9).rows)
    suspects.cleared('score', { ...PLACE, offset: 10n })
    await told()
    expect(topics.records(TOPIC.topic)).to.have.length(1)
  })
})
