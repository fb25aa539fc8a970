import { TaskMetrics } from '../../../src/runtime/host/task-metrics.ts'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import { SILENT } from '../../../src/index.ts'
import type { Fetcher } from '../../../src/kafka/fetch/fetch.ts'
import type { FetchedBatch } from '../../../src/kafka/record-batches/records.ts'
import type { PartitionOffset } from '../../../src/runtime/sink/positions.ts'
import type { Membership, SuspectRows } from '../../../src/runtime/host/protocol.ts'
import type { SinkPipeline } from '../../../src/runtime/sink/sink-pipeline.ts'
import { Puts } from '../../../src/runtime/sink/puts.ts'
import { SinkRequests } from '../../../src/runtime/sink/sink-requests.ts'
import { RunningSinkTask } from '../../../src/runtime/sink/sink-task.ts'
import { WaitLog } from '../../../src/runtime/host/wait-log.ts'
import type { Chunk } from '../../../src/runtime/sink/suspect-chunks.ts'
import { eventually } from '../../support/eventually.ts'
import { offsetsOf, rowsFrom } from '../../support/rows.ts'

const MEMBERSHIP: Membership = {
  groupId: 'connect-c',
  memberId: 'm-1',
  generation: 1,
  partitions: [{ topic: 't', partitions: [0] }],
}
const SUSPECT: SuspectRows = {
  ...{ topic: 't', partition: 0, first: 0n, last: 249n },
  apart: true,
  poison: null,
}

/** A task that reads t-0 from where it was committed; it logs what it does. */
function reading(batches: readonly FetchedBatch[], onPrepare: (offset: number) => void = () => undefined) {
  const log: string[] = []
  const seen = { log, cleared: [] as PartitionOffset[], committed: 0n }
  let queue: FetchedBatch[] = []
  const fetcher = {
    assign: (positions: readonly { offset: bigint | null }[]) => {
      queue = batches.filter(({ baseOffset }) => positions.some(({ offset }) => baseOffset >= (offset ?? 0n)))
    },
    isCurrent: () => true,
    next: async () => {
      await new Promise((resolve) => setImmediate(resolve))
      return queue.splice(0, 1)
    },
  } as unknown as Fetcher
  const pipeline = {
    transform: ({ fetched }: Chunk) => {
      for (const offset of offsetsOf(fetched)) onPrepare(offset)
      log.push(`prepared ${offsetsOf(fetched).length}`)
      return Promise.resolve({
        batch: { length: fetched.length, states: { failures: () => [] } },
        producerBatches: [],
      })
    },
    deliver: () => Promise.resolve(),
    put: (prepared: unknown) => Promise.resolve(prepared),
    open: () => Promise.resolve(),
    flush: () => Promise.resolve(),
    preCommit: (offsets: readonly PartitionOffset[]) => Promise.resolve(offsets),
    close: () => Promise.resolve(),
    stop: () => Promise.resolve(),
  } as unknown as SinkPipeline
  const requests = new SinkRequests()
  const task = new RunningSinkTask(
    {
      pipeline,
      fetcher,
      requests,
      puts: new Puts({ pipeline, requests, policy: { pause: () => 0 }, wait: new WaitLog({ log: SILENT }) }),
      flushIntervalMs: 60_000,
      log: SILENT,
      startAt: () => Promise.resolve([{ topic: 't', partition: 0, offset: seen.committed }]),
      commit: (_membership, offsets) => {
        for (const { offset } of offsets) {
          seen.committed = offset
          log.push(`committed ${offset}`)
        }
        return Promise.resolve()
      },
      isOwner: () => true,
      onFailed: (error) => log.push(`failed ${String(error)}`),
      onFenced: () => undefined,
      onCleared: (offsets) => seen.cleared.push(...offsets),
      metrics: new TaskMetrics(),
      stopping: new AbortController(),
    },
    false,
  )
  return { task, seen }
}

/** The log with repetitions counted. */
function summary(log: readonly string[]): string[] {
  const runs: { text: string; count: number }[] = []
  for (const text of log) {
    const last = runs.at(-1)
    if (last?.text === text) last.count++
    else runs.push({ text, count: 1 })
  }
  return runs.map(({ text, count }) => (count === 1 ? text : `${text} × ${count}`))
}

describe('a sink task with suspect rows', () => {
  it('takes them one by one and commits what went through before it goes on; then all is as ever', async () => {
    const { task, seen } = reading([rowsFrom(0, 250), rowsFrom(250, 300)])
    await task.assign(MEMBERSHIP, [SUSPECT])
    await eventually(() => seen.log.includes('prepared 50'))
    expect(summary(seen.log)).to.deep.equal([
      'prepared 1 × 100',
      'committed 100',
      'prepared 1 × 100',
      'committed 200',
      'prepared 1 × 50',
      'committed 250',
      'prepared 50',
    ])
    expect(seen.cleared).to.deep.equal([{ topic: 't', partition: 0, offset: 250n }])
    await task.stop()
  })

  it('says at once that they are done with where their offset is committed already', async () => {
    const { task, seen } = reading([rowsFrom(250, 300)])
    seen.committed = 250n
    await task.assign(MEMBERSHIP, [SUSPECT])
    await eventually(() => seen.cleared.length === 1)
    await task.stop()
  })

  it('leaves those that still wait to the next owner when it has to let go', async () => {
    let revoked = false
    const { task, seen } = reading([rowsFrom(0, 250)], (offset) => {
      if (offset === 120) void task.revoke().then(() => (revoked = true))
    })
    await task.assign(MEMBERSHIP, [SUSPECT])
    await eventually(() => revoked)
    expect(seen.log.at(-1)).to.equal('committed 121')
    await task.assign({ ...MEMBERSHIP, generation: 2 }, [])
    await task.stop()
    expect(seen.log.at(-1)).to.equal('committed 121')
  })
})
