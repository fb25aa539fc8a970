import { expect } from 'chai'
import { describe, it } from 'mocha'
import { Slots } from '../../src/api/slots.ts'
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

  it('are free again after work that failed', async () => {
    const slots = new Slots(1)
    expect(await rejection(slots.run(() => Promise.reject(new Error('broken'))))).to.be.instanceOf(Error)
    expect(await slots.run(() => Promise.resolve('next'))).to.equal('next')
  })
})
