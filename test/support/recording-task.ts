import { TaskMetrics } from '../../src/runtime/host/task-metrics.ts'
import { type SinkTask, type RecordBatch, SILENT } from '../../src/index.ts'
import type { Fetcher, StartPosition } from '../../src/kafka/fetch/fetch.ts'
import type { FetchedBatch } from '../../src/kafka/record-batches/records.ts'
import { TransformChain } from '../../src/runtime/chain/chain.ts'
import { commonKeys } from '../../src/runtime/plugins/connector-keys.ts'
import { ErrorPolicy } from '../../src/runtime/delivery/error-policy.ts'
import type { Membership } from '../../src/runtime/host/protocol.ts'
import { Outbox, SinkPipeline } from '../../src/runtime/sink/sink-pipeline.ts'
import { Puts } from '../../src/runtime/sink/puts.ts'
import { SinkRequests } from '../../src/runtime/sink/sink-requests.ts'
import { RunningSinkTask } from '../../src/runtime/sink/sink-task.ts'
import { WaitLog } from '../../src/runtime/host/wait-log.ts'
import { openConverters } from '../../src/runtime/host/task-converters.ts'
import { StageTracker } from '../../src/runtime/host/stage-tracker.ts'
import { modelsOf } from './fake-models.ts'
import { rowsFrom } from './rows.ts'

/** A batch of rows of one partition ends at each of these offsets. */
const ENDS = [10, 20, 30]

export const membership = (...partitions: number[]): Membership => ({
  groupId: 'connect-c',
  memberId: 'm-1',
  generation: 1,
  partitions: [{ topic: 't', partitions }],
})

export const place = (partition: number) => ({ topic: 't', partition })

/** The values of a batch: each is its offset. */
export const valuesOf = (batch: RecordBatch): string =>
  `${batch.value('value', 0) as string}–${batch.value('value', batch.length - 1) as string}`

export interface RecordingHooks {
  /** Resolves when what a batch produced is durable. */
  readonly send?: () => Promise<void>
  /** Rejects as the coordinator does. */
  readonly beforeCommit?: (generation: number) => Promise<void> | void
  /** What the group has committed, where several tasks share it. */
  readonly committed?: Map<number, bigint>
  /** A fetch begins, the first one of its task is number 1. */
  readonly onFetch?: (number: number) => void
  /** Where the batches of each partition end. */
  readonly ends?: readonly number[]
}

/**
 * A sink task over partitions of topic `t` that hold the offsets 0 to 29 in three batches: its loop, pipeline and
 * converters are the real ones; the broker is an array. `calls` is what the sink was called with, and what was committed.
 */
export async function recordingTask(
  sink: (requests: SinkRequests) => Partial<SinkTask>,
  flushIntervalMs = 0,
  { send, beforeCommit, onFetch, committed = new Map<number, bigint>(), ends = ENDS }: RecordingHooks = {},
) {
  const calls: string[] = []
  const failures: unknown[] = []
  const requests = new SinkRequests()
  const own = sink(requests)
  const metrics = new TaskMetrics()
  const used: string[] = []
  const names = (of: readonly { partition: number; offset?: bigint }[]) =>
    of.map(({ partition, offset }) => (offset === undefined ? partition : `${partition}@${offset}`)).join()
  const task: SinkTask = {
    open: (partitions) => {
      calls.push(`open ${names(partitions)}`)
      return own.open?.(partitions)
    },
    put: (batch) => {
      calls.push(`put ${batch.sourcePartition}: ${valuesOf(batch)}`)
      return own.put?.(batch)
    },
    flush: () => {
      calls.push('flush')
      return own.flush?.()
    },
    preCommit: (offsets) => {
      calls.push(`preCommit ${names(offsets)}`)
      return own.preCommit?.(offsets) ?? offsets
    },
    close: (partitions) => {
      calls.push(`close ${names(partitions)}`)
      return own.close?.(partitions)
    },
    stop: () => {
      calls.push('stop')
      return own.stop?.()
    },
  }
  const raw = { name: 'c', 'value.converter': 'StringConverter' }
  const policy = new ErrorPolicy(commonKeys.read({ ...raw, 'connector.class': 'x' }), SILENT, { metrics })
  const pipeline = new SinkPipeline({
    sink: task,
    outbox: new Outbox(),
    converters: openConverters(raw, {}, { log: SILENT }),
    chain: await TransformChain.open(raw, modelsOf(), SILENT),
    policy,
    encoder: { encode: () => Promise.resolve([]), before: () => [] }, // the sink emits nothing
    delivery: { send: () => send?.() ?? Promise.resolve() },
    deadLetters: undefined,
    stages: new StageTracker(() => undefined),
    metrics,
    used: (topic) => used.push(topic),
  })
  const running = new RunningSinkTask(
    {
      pipeline,
      fetcher: arrayFetcher(ends, onFetch),
      requests,
      puts: new Puts({ pipeline, requests, policy: { pause: () => 1 }, wait: new WaitLog({ log: SILENT }) }),
      flushIntervalMs,
      log: SILENT,
      startAt: ({ partitions }) =>
        Promise.resolve(
          partitions.flatMap(({ topic, partitions: numbers }) =>
            numbers.map((partition) => ({ topic, partition, offset: committed.get(partition) ?? 0n })),
          ),
        ),
      commit: async ({ generation }, offsets) => {
        await beforeCommit?.(generation)
        calls.push(`commit ${names(offsets)}`)
        for (const { partition, offset } of offsets) committed.set(partition, offset)
      },
      isOwner: () => true,
      onFailed: (error) => failures.push(error),
      onFenced: () => calls.push('fenced'),
      onCleared: () => undefined,
      metrics,
      stopping: new AbortController(),
    },
    false,
  )
  return { task: running, calls, failures, committed, metrics, used }
}

function arrayFetcher(ends: readonly number[], onFetch: RecordingHooks['onFetch']): Fetcher {
  let fetches = 0
  let at: { topic: string; partition: number; offset: number }[] = []
  return {
    assign: (positions: readonly StartPosition[]) => {
      at = positions.map((each) => ({ ...each, offset: Number(each.offset) }))
    },
    add: (positions: readonly StartPosition[]) => {
      at.push(...positions.map((each) => ({ ...each, offset: Number(each.offset) })))
    },
    remove: (partitions: readonly { partition: number }[]) => {
      at = at.filter(({ partition }) => !partitions.some((each) => each.partition === partition))
    },
    endOffset: () => BigInt(ends.at(-1) ?? 0),
    isCurrent: ({ partition, nextOffset }: FetchedBatch) =>
      at.some((each) => each.partition === partition && each.offset === Number(nextOffset)),
    next: async () => {
      onFetch?.(++fetches)
      await new Promise((resolve) => setImmediate(resolve))
      return at.flatMap((each) => {
        const end = ends.find((offset) => offset > each.offset)
        if (end === undefined) return []
        const batch = rowsFrom(each.offset, end, each.partition)
        each.offset = end
        return [batch]
      })
    },
  } as unknown as Fetcher
}
