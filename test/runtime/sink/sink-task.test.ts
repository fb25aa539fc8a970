import { expect } from 'chai'
import { describe, it } from 'mocha'
import { FencedError, TaskError, UnavailableError } from '../../../src/index.ts'
import { eventually } from '../../support/eventually.ts'
import { MEMBERSHIP, scripted } from '../../support/scripted-sink-loop.ts'

describe('the loop of a sink task', () => {
  it('commits what was delivered', async () => {
    const { task, queue, seen } = scripted({})
    await task.assign(MEMBERSHIP)
    queue.push(10n, 20n)
    await eventually(() => seen.commits.at(-1) === 20n)
    await task.stop()
    expect(seen.failures).to.deep.equal([])
  })

  it('commits nothing before what it produced is durable', async () => {
    let acknowledge: (() => void) | undefined
    const { task, queue, seen } = scripted({
      deliver: () => new Promise((resolve) => (acknowledge = resolve)),
    })
    await task.assign(MEMBERSHIP)
    queue.push(10n)
    const acknowledged = await eventually(() => acknowledge)
    let revoked = false
    const revoke = task.revoke().then(() => (revoked = true))
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(seen.commits).to.deep.equal([])
    expect(revoked).to.equal(false)
    acknowledged()
    await revoke
    expect(seen.commits).to.deep.equal([10n])
    await task.stop()
  })

  it('stops fetching while three rounds wait for their acknowledgement', async () => {
    const waiting: (() => void)[] = []
    let prepared = 0
    const { task, queue } = scripted({
      prepare: () => {
        prepared++
        return Promise.resolve()
      },
      deliver: () => new Promise((resolve) => waiting.push(resolve)),
    })
    await task.assign(MEMBERSHIP)
    queue.push(...Array.from({ length: 50 }, (_, i) => BigInt(i + 1)))
    await eventually(() => waiting.length === 3)
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(prepared).to.equal(3)
    waiting[0]?.()
    await eventually(() => waiting.length === 4)
    for (const acknowledge of waiting) acknowledge()
    queue.length = 0
    const stopped = task.stop()
    await eventually(() => {
      for (const acknowledge of waiting) acknowledge()
      return true
    })
    await stopped
  })

  it('commits before it gives a partition back, and nothing after it', async () => {
    const { task, queue, seen } = scripted({})
    await task.assign(MEMBERSHIP)
    queue.push(10n)
    await eventually(() => queue.length === 0)
    await task.revoke()
    expect(seen.commits.at(-1)).to.equal(10n)
    queue.push(20n)
    await task.pause()
    expect(seen.commits.at(-1)).to.equal(10n)
    await task.stop()
  })

  it('commits nothing when the membership was lost, and does not wait for acknowledgements then', async () => {
    let acknowledge: (() => void) | undefined
    const { task, queue, seen } = scripted({
      deliver: () => new Promise((resolve) => (acknowledge = resolve)),
    })
    await task.assign(MEMBERSHIP)
    queue.push(10n)
    const acknowledged = await eventually(() => acknowledge)
    await task.lost()
    acknowledged()
    await task.stop()
    expect(seen.commits).to.deep.equal([])
  })

  it('fails and keeps the offset where a delivery fails, and can still be stopped', async () => {
    const { task, queue, seen } = scripted({
      deliver: (offset) =>
        offset === 20n ? Promise.reject(new TaskError('task.failed', 'no')) : Promise.resolve(),
    })
    await task.assign(MEMBERSHIP)
    queue.push(10n, 20n, 30n)
    await eventually(() => seen.failures.length > 0)
    await task.stop()
    expect(seen.failures).to.have.length(1)
    expect(seen.commits.every((offset) => offset <= 10n)).to.equal(true)
    expect(seen.stopped).to.equal(1)
  })

  it('stops and tells the worker when a commit is fenced, and does not count that as a failure', async () => {
    const { task, queue, seen } = scripted({
      commit: () => Promise.reject(new FencedError('kafka.fenced', 'generation 2 exists')),
    })
    await task.assign(MEMBERSHIP)
    queue.push(10n)
    await eventually(() => seen.fenced === 1)
    expect(seen.failures).to.deep.equal([])
    await task.stop()
  })

  it('waits a while for offsets that Kafka does not give at the moment, and does not fail', async () => {
    let tries = 0
    const { task, queue, seen } = scripted({
      startAt: () =>
        ++tries < 3 ? Promise.reject(new UnavailableError('kafka.unavailable', 'down')) : Promise.resolve(),
    })
    await task.assign(MEMBERSHIP)
    queue.push(10n)
    await eventually(() => seen.commits.at(-1) === 10n)
    expect(seen.failures).to.deep.equal([])
    await task.stop()
  })

  it('starts over from what is committed, and does not fail, when Kafka was away for too long', async () => {
    const { task, queue, seen } = scripted({
      deliver: (offset) =>
        offset === 20n && seen.fenced === 0
          ? Promise.reject(new UnavailableError('kafka.unavailable', 'gave up'))
          : Promise.resolve(),
    })
    await task.assign(MEMBERSHIP)
    queue.push(10n, 20n)
    await eventually(() => seen.fenced === 1)
    expect(seen.commits.every((offset) => offset <= 10n)).to.equal(true)
    await task.revoke()
    queue.splice(0, queue.length, 20n)
    await task.assign({ ...MEMBERSHIP, generation: 2 })
    await eventually(() => seen.commits.at(-1) === 20n)
    expect(seen.failures).to.deep.equal([])
    await task.stop()
  })

  it('fails where anything but Kafka is away', async () => {
    const { task, queue, seen } = scripted({
      prepare: () => Promise.reject(new UnavailableError('registry.unavailable', 'down')),
    })
    await task.assign(MEMBERSHIP)
    queue.push(10n)
    await eventually(() => seen.failures.length === 1)
    await task.stop()
  })

  it('takes commands while deliveries hang', async () => {
    const { task, queue, seen } = scripted({ deliver: () => new Promise(() => undefined) })
    await task.assign(MEMBERSHIP)
    queue.push(10n, 20n, 30n, 40n, 50n)
    await eventually(() => queue.length <= 2)
    await task.lost()
    expect(seen.commits).to.deep.equal([])
    await task.stop()
  })

  it('does not blame a new assignment for a delivery of an old one', async () => {
    let fail: ((error: Error) => void) | undefined
    const { task, queue, seen } = scripted({
      deliver: (offset) => (offset === 10n ? new Promise((_, reject) => (fail = reject)) : Promise.resolve()),
    })
    await task.assign(MEMBERSHIP)
    queue.push(10n)
    const failDelivery = await eventually(() => fail)
    const lost = task.lost()
    const assigned = task.assign({ ...MEMBERSHIP, generation: 2 })
    failDelivery(new TaskError('task.failed', 'too late'))
    await Promise.all([lost, assigned])
    queue.push(20n)
    await eventually(() => seen.commits.at(-1) === 20n)
    expect(seen.failures).to.deep.equal([])
    await task.stop()
  })

  for (const end of ['revoke', 'lost', 'stop'] as const) {
    it(`ends a wait between two tries at ${end}, and neither fails nor commits for it`, async () => {
      const { task, queue, seen } = scripted({
        prepare: (_offset, interrupt) =>
          new Promise((_, reject) => interrupt.addEventListener('abort', () => reject(new Error('aborted')))),
      })
      await task.assign(MEMBERSHIP)
      queue.push(10n)
      await eventually(() => queue.length === 0)
      await task[end]()
      expect(seen.failures).to.deep.equal([])
      expect(seen.commits).to.deep.equal([])
      if (end !== 'stop') await task.stop()
    })
  }

  it('ends a wait at a pause, and goes on with the same batch when it is resumed', async () => {
    let waits = 0
    const { task, queue, seen } = scripted({
      prepare: (offset, interrupt) =>
        offset < 20n || ++waits > 1
          ? Promise.resolve()
          : new Promise((_, reject) =>
              interrupt.addEventListener('abort', () => reject(new Error('aborted'))),
            ),
    })
    await task.assign(MEMBERSHIP)
    queue.push(10n, 20n)
    await eventually(() => waits === 1)
    await task.pause()
    expect(seen.commits).to.deep.equal([10n])
    await task.resume()
    await eventually(() => seen.commits.at(-1) === 20n)
    expect(seen.failures).to.deep.equal([])
    await task.stop()
  })

  it('fetches nothing while it is paused', async () => {
    const { task, queue, seen } = scripted({})
    await task.assign(MEMBERSHIP)
    await task.pause()
    queue.push(10n)
    await task.resume()
    await eventually(() => seen.commits.at(-1) === 10n)
    await task.stop()
  })
})
