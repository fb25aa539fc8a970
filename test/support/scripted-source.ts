import { TaskMetrics } from '../../src/runtime/host/task-metrics.ts'
import { type Models, ModelError, SILENT, type SourceRecord, type SourceTask } from '../../src/index.ts'
import type { Batch } from '../../src/runtime/records/batch.ts'
import { TransformChain } from '../../src/runtime/chain/chain.ts'
import { commonKeys } from '../../src/runtime/plugins/connector-keys.ts'
import type { Emission } from '../../src/runtime/delivery/encoder.ts'
import { ErrorPolicy } from '../../src/runtime/delivery/error-policy.ts'
import { RunningSourceTask } from '../../src/runtime/source/running-source-task.ts'
import { SourcePipeline } from '../../src/runtime/source/source-pipeline.ts'
import type { SourcePosition } from '../../src/runtime/source/source-positions.ts'
import { StageTracker } from '../../src/runtime/host/stage-tracker.ts'

const NO_MODELS: Models = { load: (name) => Promise.reject(new ModelError('model.missing', `no ${name}`)) }

export interface Hooks extends Partial<SourceTask> {
  readonly config?: Record<string, string>
  readonly send?: (values: readonly unknown[]) => Promise<void>
  readonly ensure?: (topic: string) => Promise<void>
  readonly write?: (positions: readonly SourcePosition[]) => Promise<void>
  readonly stopTimeoutMs?: number
  readonly flushIntervalMs?: number
}

/** A task whose polls are the test's, and whose records go to a list instead of Kafka. */
export async function scriptedSource(hooks: Hooks) {
  const queue: (readonly SourceRecord[] | Error)[] = []
  const seen = {
    sent: [] as unknown[],
    used: [] as string[],
    letters: [] as { value: string; error: string }[],
    commits: [] as SourcePosition[],
    failures: [] as Error[],
    stages: [] as string[],
    waits: [] as (string | null)[],
    polls: 0,
    stopped: 0,
    owns: true,
  }
  const config = commonKeys.read({ name: 'a', 'connector.class': 'Test', ...hooks.config })
  const delivery = {
    encode: ({ batch }: Emission) => Promise.resolve([{ batch, topic: batch.topic(0) }] as never),
    send: async (producerBatches: readonly { batch: Batch }[]) => {
      const values = producerBatches.flatMap(({ batch }) =>
        Array.from(batch.states.liveRows(), (row) => batch.value('value', row)),
      )
      await hooks.send?.(values)
      seen.sent.push(...values)
    },
  }
  const stopping = new AbortController()
  const at = (stage: string) => void seen.stages.push(stage)
  const letter = {
    send: ({ states, origin }: Batch) => {
      for (const { row, error } of states.failures())
        seen.letters.push({ value: origin.place(row), error: error.code })
      return Promise.resolve()
    },
  }
  const task = new RunningSourceTask(
    {
      who: 'Connector a, task 0',
      plugin: 'Test',
      source: {
        poll: () => {
          seen.polls++
          const next = queue.shift() ?? []
          return next instanceof Error ? Promise.reject(next) : Promise.resolve(next)
        },
        stop: () => {
          seen.stopped++
        },
        ...hooks,
      },
      pipeline: new SourcePipeline({
        plugin: 'Test',
        chain: await TransformChain.open({ name: 'a', 'connector.class': 'Test' }, NO_MODELS, SILENT),
        policy: new ErrorPolicy(config, SILENT),
        topics: { ensure: hooks.ensure ?? (() => Promise.resolve()) },
        workerTopics: ['configs'],
        encoder: delivery,
        delivery,
        deadLetters: letter,
        stages: new StageTracker(at),
        used: (topic) => seen.used.push(topic),
      }),
      commit: async (positions) => {
        await hooks.write?.(positions)
        seen.commits.push(...positions)
      },
      flushIntervalMs: hooks.flushIntervalMs ?? 5,
      stopTimeoutMs: hooks.stopTimeoutMs ?? 1000,
      log: SILENT,
      at,
      onFailed: (error) => void seen.failures.push(error as Error),
      onWaits: (reason) => void seen.waits.push(reason),
      metrics: new TaskMetrics(),
      stopping,
      isOwner: () => seen.owns,
    },
    false,
  )
  return { task, queue, seen }
}

export const offsetsOf = (positions: readonly SourcePosition[]) => positions.map(({ offset }) => offset['n'])
