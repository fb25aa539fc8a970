import { expect } from 'chai'
import { describe, it } from 'mocha'
import { FencedError, SILENT, TaskError } from '../../src/index.ts'
import type { Fetcher } from '../../src/kafka/fetch.ts'
import type { FetchedBatch } from '../../src/kafka/records.ts'
import type { PartitionOffset } from '../../src/runtime/positions.ts'
import type { Membership } from '../../src/runtime/protocol.ts'
import type { SinkPipeline } from '../../src/runtime/sink-pipeline.ts'
import { RunningSinkTask } from '../../src/runtime/sink-task.ts'
import { eventually } from '../support/eventually.ts'

const MEMBERSHIP: Membership = {
  groupId: 'connect-c',
  memberId: 'm-1',
  generation: 1,
  partitions: [{ topic: 't', partitions: [0] }],
}

/** A task over scripted batches: each is its end offset; `prepare` and `deliver` are the test's. */
function scripted(hooks: {
  prepare?: (offset: bigint) => Promise<void>
  deliver?: (offset: bigint) => Promise<void>
  commit?: (offsets: readonly PartitionOffset[]) => Promise<void>
}) {
  const queue: bigint[] = []
  const seen = {
    commits: [] as bigint[],
    failures: [] as unknown[],
    fenced: 0,
    assigned: [] as number[],
    closed: 0,
  }
  const fetcher = {
    assign: (positions: readonly unknown[]) => seen.assigned.push(positions.length),
    next: async () => {
      await new Promise((resolve) => setImmediate(resolve))
      const nextOffset = queue.shift()
      return nextOffset === undefined ? [] : [{ topic: 't', partition: 0, nextOffset } as FetchedBatch]
    },
  } as unknown as Fetcher
  const pipeline = {
    prepare: async ({ nextOffset }: FetchedBatch) => {
      await hooks.prepare?.(nextOffset)
      return { batch: { length: 1, states: { failures: () => [] }, nextOffset }, parcels: [] }
    },
    deliver: ({ batch }: { batch: { nextOffset: bigint } }) =>
      hooks.deliver?.(batch.nextOffset) ?? Promise.resolve(),
    flush: () => Promise.resolve(),
    close: () => Promise.resolve(seen.closed++),
  } as unknown as SinkPipeline
  const task = new RunningSinkTask(
    {
      pipeline,
      fetcher,
      flushIntervalMs: 0,
      log: SILENT,
      startAt: () => Promise.resolve([{ topic: 't', partition: 0, offset: 0n }]),
      commit: async (_membership, offsets) => {
        await hooks.commit?.(offsets)
        for (const { offset } of offsets) seen.commits.push(offset)
      },
      onFailed: (error) => seen.failures.push(error),
      onFenced: () => seen.fenced++,
      onBatch: () => undefined,
    },
    false,
  )
  return { task, queue, seen }
}

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
    expect(seen.closed).to.equal(1)
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
