import { TaskMetrics } from '../../src/runtime/host/task-metrics.ts'
import { SILENT } from '../../src/index.ts'
import type { Fetcher } from '../../src/kafka/fetch/fetch.ts'
import type { FetchedBatch } from '../../src/kafka/record-batches/records.ts'
import type { PartitionOffset } from '../../src/runtime/sink/positions.ts'
import type { Membership } from '../../src/runtime/host/protocol.ts'
import type { SinkPipeline } from '../../src/runtime/sink/sink-pipeline.ts'
import { Puts } from '../../src/runtime/sink/puts.ts'
import { SinkRequests } from '../../src/runtime/sink/sink-requests.ts'
import { RunningSinkTask } from '../../src/runtime/sink/sink-task.ts'
import { WaitLog } from '../../src/runtime/host/wait-log.ts'
import type { Chunk } from '../../src/runtime/sink/suspect-chunks.ts'

export const MEMBERSHIP: Membership = {
  groupId: 'connect-c',
  memberId: 'm-1',
  generation: 1,
  partitions: [{ topic: 't', partitions: [0] }],
}

/** A task over scripted batches: each is its end offset; `prepare` and `deliver` are the test's. */
export function scripted(hooks: {
  prepare?: (offset: bigint, interrupt: AbortSignal) => Promise<void>
  deliver?: (offset: bigint) => Promise<void>
  commit?: (offsets: readonly PartitionOffset[]) => Promise<void>
  startAt?: () => Promise<void>
  isOwner?: () => boolean
  fetch?: () => void
  flushIntervalMs?: number
}) {
  const queue: bigint[] = []
  const seen = {
    commits: [] as bigint[],
    failures: [] as unknown[],
    fenced: 0,
    assigned: [] as number[],
    stopped: 0,
  }
  const fetcher = {
    assign: (positions: readonly unknown[]) => seen.assigned.push(positions.length),
    isCurrent: () => true,
    next: async () => {
      await new Promise((resolve) => setImmediate(resolve))
      const nextOffset = queue.shift()
      if (nextOffset !== undefined) hooks.fetch?.()
      return nextOffset === undefined ? [] : [{ topic: 't', partition: 0, nextOffset } as FetchedBatch]
    },
  } as unknown as Fetcher
  const pipeline = {
    transform: async ({ fetched: { nextOffset } }: Chunk, interrupt: AbortSignal) => {
      await hooks.prepare?.(nextOffset, interrupt)
      return { batch: { length: 1, states: { failures: () => [] }, nextOffset }, producerBatches: [] }
    },
    deliver: ({ batch }: { batch: { nextOffset: bigint } }) =>
      hooks.deliver?.(batch.nextOffset) ?? Promise.resolve(),
    put: (prepared: unknown) => Promise.resolve(prepared),
    open: () => Promise.resolve(),
    flush: () => Promise.resolve(),
    preCommit: (offsets: readonly PartitionOffset[]) => Promise.resolve(offsets),
    close: () => Promise.resolve(),
    stop: () => Promise.resolve(seen.stopped++),
  } as unknown as SinkPipeline
  const requests = new SinkRequests()
  const task = new RunningSinkTask(
    {
      pipeline,
      fetcher,
      requests,
      puts: new Puts({ pipeline, requests, policy: { pause: () => 0 }, wait: new WaitLog({ log: SILENT }) }),
      flushIntervalMs: hooks.flushIntervalMs ?? 0,
      log: SILENT,
      startAt: async () => {
        await hooks.startAt?.()
        return [{ topic: 't', partition: 0, offset: 0n }]
      },
      commit: async (_membership, offsets) => {
        await hooks.commit?.(offsets)
        for (const { offset } of offsets) seen.commits.push(offset)
      },
      isOwner: () => hooks.isOwner?.() ?? true,
      onFailed: (error) => seen.failures.push(error),
      onFenced: () => seen.fenced++,
      onCleared: () => undefined,
      stopping: new AbortController(),
      metrics: new TaskMetrics(),
    },
    false,
  )
  return { task, queue, seen }
}
