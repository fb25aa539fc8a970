import { expect } from 'chai'
import { describe, it } from 'mocha'
import { Slots } from '../../src/api/slots.ts'
import { eventually } from '../support/eventually.ts'
import { rejection } from '../support/rejection.ts'

describe('slots', () => {
  it('run as many pieces of work at a time as there are, at once, and the others in order', async () => {
    const slots = new Slots(2)
    const begun: string[] = []
    const ends = new Map<string, () => void>()
    const start = (name: string): Promise<void> =>
      slots.run(() => {
        begun.push(name)
        return new Promise((resolve) => ends.set(name, resolve))
      })
    const all = ['a', 'b', 'c', 'd'].map(start)
    expect([begun, slots.waiting]).to.deep.equal([['a', 'b'], 2])
    ends.get('b')?.()
    await all[1]
    expect([begun, slots.waiting]).to.deep.equal([['a', 'b', 'c'], 1])
    ends.get('a')?.()
    await all[0]
    for (const name of ['c', 'd']) ends.get(name)?.()
    await Promise.all(all)
    expect(begun).to.deep.equal(['a', 'b', 'c', 'd'])
  })

  it('become more, up to a limit, where work stands still and other work waits', async () => {
    const slots = new Slots(1, { limit: 3, patience: 10 })
    let begun = 0
    const ends: (() => void)[] = []
    const all = Array.from({ length: 4 }, () =>
      slots.run(() => {
        begun++
        return new Promise<void>((resolve) => ends.push(resolve))
      }),
    )
    expect(begun).to.equal(1)
    await eventually(() => begun === 3, { everyMs: 1 })
    await new Promise((resolve) => setTimeout(resolve, 30))
    expect([begun, slots.waiting], 'no more than the limit').to.deep.equal([3, 1])
    ends[0]?.()
    await eventually(() => begun === 4, { everyMs: 1 })
    for (const end of ends) end()
    await Promise.all(all)
  })

  it('are free again after work that failed', async () => {
    const slots = new Slots(1)
    expect(await rejection(slots.run(() => Promise.reject(new Error('broken'))))).to.be.instanceOf(Error)
    expect(await slots.run(() => Promise.resolve('next'))).to.equal('next')
  })
})
