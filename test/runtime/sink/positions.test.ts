import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { Positions } from '../../../src/runtime/sink/positions.ts'

const at = (offset: bigint) => [{ topic: 't', partition: 0, offset }]

describe('positions of a task', () => {
  it('commits nothing while the first batch is not durable, even if later ones are', () => {
    const positions = new Positions()
    positions.begin('t', 0, 10n)
    positions.begin('t', 0, 20n)()
    expect(positions.committable()).to.deep.equal([])
  })

  it('commits up to the last batch of an unbroken durable run', () => {
    const positions = new Positions()
    const first = positions.begin('t', 0, 10n)
    const second = positions.begin('t', 0, 20n)
    positions.begin('t', 0, 30n)
    second()
    first()
    expect(positions.committable()).to.deep.equal(at(20n))
  })

  it('does not offer an offset twice', () => {
    const positions = new Positions()
    positions.begin('t', 0, 10n)()
    positions.committed(positions.committable())
    expect(positions.committable()).to.deep.equal([])
  })

  it('follows a log that begins anew, as that of a topic that was created again', () => {
    const positions = new Positions()
    positions.begin('t', 0, 1000n)()
    positions.committed(positions.committable())
    positions.begin('t', 0, 10n)()
    expect(positions.committable()).to.deep.equal(at(10n))
    positions.committed(positions.committable())
    expect(positions.committable()).to.deep.equal([])
  })

  it('offers an offset again when its commit did not get through', () => {
    const positions = new Positions()
    positions.begin('t', 0, 10n)()
    positions.committable()
    expect(positions.committable()).to.deep.equal(at(10n))
  })

  it('lets no partition wait for another', () => {
    const positions = new Positions()
    positions.begin('t', 0, 10n)
    positions.begin('t', 1, 5n)()
    expect(positions.committable()).to.deep.equal([{ topic: 't', partition: 1, offset: 5n }])
  })

  it('forgets everything when the partitions have another owner', () => {
    const positions = new Positions()
    const durable = positions.begin('t', 0, 10n)
    positions.clear()
    durable()
    expect(positions.committable()).to.deep.equal([])
  })

  it('never offers an offset beyond a batch that is not durable, in whatever order acknowledgements come', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6, 7]), (acknowledged) => {
        const positions = new Positions()
        const durable = Array.from({ length: 8 }, (_, i) => positions.begin('t', 0, BigInt(i + 1)))
        for (const i of acknowledged) durable[i]?.()
        let prefix = 0
        while (acknowledged.includes(prefix)) prefix++
        expect(positions.committable()).to.deep.equal(prefix === 0 ? [] : at(BigInt(prefix)))
      }),
    )
  })

  it('say which topic an offset is of, as the batch said that it ends', () => {
    const positions = new Positions()
    const old = positions.begin('t', 0, 1500n, 'old')
    const fresh = positions.begin('t', 0, 0n, 'new')
    old()
    expect(positions.committable()).to.deep.equal([
      { topic: 't', partition: 0, offset: 1500n, topicId: 'old' },
    ])
    fresh()
    expect(positions.committable()).to.deep.equal([{ topic: 't', partition: 0, offset: 0n, topicId: 'new' }])
  })

  it('offers nothing beyond a batch of which only the beginning became durable, whatever comes after it', () => {
    const positions = new Positions()
    const [first, second] = [positions.begin('t', 0, 10n), positions.begin('t', 0, 20n)]
    second()
    first(4n)
    expect(positions.committable()).to.deep.equal(at(4n))
    positions.begin('t', 0, 30n)()
    expect(positions.committable()).to.deep.equal(at(4n))
  })
})
