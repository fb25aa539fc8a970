import { expect } from 'chai'
import { describe, it } from 'mocha'
import { eventually } from '../../support/eventually.ts'
import { MEMBERSHIP, scripted } from '../../support/scripted-sink-loop.ts'

describe('a sink task whose worker is not heard of', () => {
  it('puts and delivers nothing while it may be replaced, and goes on when it is surely not', async () => {
    let isOwner = false
    const put: bigint[] = []
    const { task, queue, seen } = scripted({
      isOwner: () => isOwner,
      prepare: (offset) => Promise.resolve(void put.push(offset)),
    })
    await task.assign(MEMBERSHIP)
    queue.push(10n)
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect([put, seen.commits, queue]).to.deep.equal([[], [], [10n]])
    isOwner = true
    await eventually(() => seen.commits.at(-1) === 10n)
    await task.stop()
  })

  it('commits what is durable before it holds still', async () => {
    let isOwner = true
    let acknowledge: (() => void) | undefined
    const { task, queue, seen } = scripted({
      flushIntervalMs: 60_000,
      isOwner: () => isOwner,
      deliver: () => new Promise((resolve) => (acknowledge = resolve)),
    })
    await task.assign(MEMBERSHIP)
    queue.push(10n)
    const acknowledged = await eventually(() => acknowledge)
    isOwner = false
    acknowledged()
    await eventually(() => seen.commits.at(-1) === 10n)
    await task.stop()
  })

  it('puts nothing of a fetch that took longer than its lease', async () => {
    let isOwner = true
    const put: bigint[] = []
    const { task, queue, seen } = scripted({
      isOwner: () => isOwner,
      fetch: () => (isOwner = false),
      prepare: (offset) => Promise.resolve(void put.push(offset)),
    })
    await task.assign(MEMBERSHIP)
    queue.push(10n)
    await eventually(() => !isOwner)
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(put).to.deep.equal([])
    isOwner = true
    await eventually(() => seen.commits.at(-1) === 10n)
    await task.stop()
  })

  it('delivers nothing that it was at when it was stopped beyond its session, and reads it again if it is still its own', async () => {
    let isOwner = true
    const delivered: bigint[] = []
    const { task, queue, seen } = scripted({
      isOwner: () => isOwner,
      prepare: (offset) => {
        if (offset === 20n && delivered.at(-1) === 10n && seen.assigned.length === 1) isOwner = false
        return Promise.resolve()
      },
      deliver: (offset) => Promise.resolve(void delivered.push(offset)),
    })
    await task.assign(MEMBERSHIP)
    queue.push(10n)
    await eventually(() => seen.commits.at(-1) === 10n)
    queue.push(20n)
    await eventually(() => seen.assigned.length === 2) // it fetches from the committed offset again
    expect(delivered).to.deep.equal([10n])
    isOwner = true
    queue.push(20n)
    await eventually(() => seen.commits.at(-1) === 20n)
    expect(delivered).to.deep.equal([10n, 20n])
    await task.stop()
    expect(seen.failures).to.deep.equal([])
  })
})
