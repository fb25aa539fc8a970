import { expect } from 'chai'
import { after, before, describe, it } from 'mocha'
import { eventually, uniqueName } from '../support/eventually.ts'
import { kafkajsClient } from '../support/kafka.ts'
import { createCopy, type SluiceDev, startSluiceDev } from '../support/sluice-dev.ts'
import { countRecords, fillTopic, readTopic } from '../support/topics.ts'

describe('a connector over unusual records', function () {
  this.timeout(120_000)
  let sluice: SluiceDev

  before(async () => {
    sluice = await startSluiceDev()
  })

  after(() => sluice.stop())

  async function passOn(source: string): Promise<string> {
    const target = uniqueName('out')
    await createCopy(sluice.rest, uniqueName('pass'), { source, target })
    return target
  }

  it('passes on what a transactional producer committed, in order, and nothing that it aborted', async () => {
    const source = uniqueName('in')
    await fillTopic(sluice.bootstrapServers, source, 1, [{ key: 'first', value: null }])
    const kafka = kafkajsClient(sluice.bootstrapServers)
    const producer = kafka.producer({
      transactionalId: uniqueName('tx'),
      idempotent: true,
      maxInFlightRequests: 1,
    })
    await producer.connect()
    const kept = ['first']
    for (let i = 0; i < 20; i++) {
      const transaction = await producer.transaction()
      const keys = Array.from({ length: 5 }, (_, k) => `${i}-${k}`)
      await transaction.send({ topic: source, messages: keys.map((key) => ({ key, value: 'v' })) })
      if (i % 3 === 1) await transaction.abort()
      else {
        await transaction.commit()
        kept.push(...keys)
      }
    }
    await producer.disconnect()
    const target = await passOn(source)
    await eventually(async () => (await countRecords(sluice.bootstrapServers, target)) >= kept.length, {
      timeoutMs: 60_000,
    })
    const read = await readTopic(sluice.bootstrapServers, target)
    expect(read.map(({ key }) => key?.toString())).to.deep.equal(kept)
  })

  it('passes on a record whose thousand headers fill a whole message', async () => {
    const source = uniqueName('in')
    const headers = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`h${i}`, 'x'.repeat(1000)]))
    await fillTopic(sluice.bootstrapServers, source, 1, [{ key: 'k', value: Buffer.from('v'), headers }])
    const target = await passOn(source)
    await eventually(async () => (await countRecords(sluice.bootstrapServers, target)) >= 1, {
      timeoutMs: 60_000,
    })
    const [record] = await readTopic(sluice.bootstrapServers, target)
    expect(Object.keys(record?.headers ?? {})).to.have.lengthOf(1000)
    expect(record?.headers?.['h999']?.toString()).to.equal('x'.repeat(1000))
  })
})
