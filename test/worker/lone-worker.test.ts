import { expect } from 'chai'
import { describe, it } from 'mocha'
import { LoneWorker } from '../../src/worker/groups/lone-worker.ts'

describe('the place of a standalone worker', () => {
  it('takes what changes while it takes, one after the other, and has settled when all is taken', async () => {
    const names = ['a']
    const taken: string[] = []
    const stops: (() => void)[] = []
    const place = new LoneWorker({
      configs: { names: () => [...names], get: () => undefined },
      work: {
        runOnly: (connectors) => {
          taken.push(connectors.join())
          return new Promise((resolve) => stops.push(resolve))
        },
      },
      onTaken: (generation, leads) => void taken.push(`${generation} ${leads}`),
    })
    let isSettled = false
    const started = place.start()
    names.push('b')
    place.rejoin()
    place.rejoin()
    const settled = place.settled().then(() => (isSettled = true))
    await new Promise(setImmediate)
    expect(taken, 'what is running is waited for').to.deep.equal(['a'])
    stops[0]?.()
    await new Promise(setImmediate)
    expect([isSettled, taken]).to.deep.equal([false, ['a', '0 true', 'a,b']])
    stops[1]?.()
    await Promise.all([started, settled])
    expect(taken).to.deep.equal(['a', '0 true', 'a,b', '0 true'])
  })

  it('takes nothing any more once it has left', async () => {
    const taken: string[] = []
    const place = new LoneWorker({
      configs: { names: () => ['a'], get: () => undefined },
      work: { runOnly: (connectors) => Promise.resolve(void taken.push(connectors.join())) },
      onTaken: () => undefined,
    })
    expect(place.inGroup).to.equal(true)
    place.retire()
    place.rejoin()
    await place.settled()
    expect([taken, place.inGroup]).to.deep.equal([[], false])
  })
})
