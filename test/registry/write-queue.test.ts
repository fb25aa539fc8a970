import { expect } from 'chai'
import { describe, it } from 'mocha'
import { DataError } from '../../src/api/errors.ts'
import { WriteQueue } from '../../src/registry/write-queue.ts'

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => (error as { errorCode?: number }).errorCode,
  )

describe('the queue of writes', () => {
  it('runs one write at a time, in order', async () => {
    const queue = new WriteQueue()
    const events: string[] = []
    const write = (name: string) => async () => {
      events.push(`${name} begins`)
      await new Promise(setImmediate)
      events.push(`${name} ends`)
    }
    await Promise.all([queue.run(write('a')), queue.run(write('b'))])
    expect(events).to.deep.equal(['a begins', 'a ends', 'b begins', 'b ends'])
  })

  it('goes on after a write that failed', async () => {
    const queue = new WriteQueue()
    expect(await codeOf(queue.run(() => Promise.reject(new Error('no broker'))))).to.equal(50001)
    const tooLarge = new DataError('record.too-large', 'too many bytes')
    expect(await codeOf(queue.run(() => Promise.reject(tooLarge)))).to.equal(42209)
    expect(await queue.run(() => Promise.resolve(5))).to.equal(5)
  })

  it('lets nothing pass a write of which nothing is known, and drops those that gave up waiting', async () => {
    const queue = new WriteQueue(20)
    const held = Promise.withResolvers<number>()
    const ran: string[] = []
    const first = queue.run(() => held.promise)
    const second = queue.run(() => Promise.resolve(ran.push('second')))
    expect(await codeOf(first)).to.equal(50002)
    expect(await codeOf(second)).to.equal(50002)
    held.resolve(1)
    expect(await queue.run(() => Promise.resolve(3))).to.equal(3)
    expect(ran).to.deep.equal([])
  })
})
