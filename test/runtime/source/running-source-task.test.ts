import { TaskMetrics } from '../../../src/runtime/host/task-metrics.ts'
import { expect } from 'chai'
import { describe, it } from 'mocha'
import {
  DataError,
  type Models,
  ModelError,
  SILENT,
  type SourceRecord,
  type SourceTask,
  UnavailableError,
} from '../../../src/index.ts'
import type { Batch } from '../../../src/runtime/records/batch.ts'
import { TransformChain } from '../../../src/runtime/chain/chain.ts'
import { commonKeys } from '../../../src/runtime/plugins/connector-keys.ts'
import type { Emission } from '../../../src/runtime/delivery/encoder.ts'
import { ErrorPolicy } from '../../../src/runtime/delivery/error-policy.ts'
import { RunningSourceTask } from '../../../src/runtime/source/running-source-task.ts'
import { SourcePipeline } from '../../../src/runtime/source/source-pipeline.ts'
import type { SourcePosition } from '../../../src/runtime/source/source-positions.ts'
import { StageTracker } from '../../../src/runtime/host/stage-tracker.ts'
import { eventually } from '../../support/eventually.ts'
import { sourceRecord as record } from '../../support/source-record.ts'

const NO_MODELS: Models = { load: (name) => Promise.reject(new ModelError('model.missing', `no ${name}`)) }

interface Hooks extends Partial<SourceTask> {
  readonly config?: Record<string, string>
  readonly send?: (values: readonly unknown[]) => Promise<void>
  readonly ensure?: (topic: string) => Promise<void>
  readonly write?: (positions: readonly SourcePosition[]) => Promise<void>
  readonly stopTimeoutMs?: number
  readonly flushIntervalMs?: number
}

/** A task whose polls are the test's, and whose records go to a list instead of Kafka. */
async function scripted(hooks: Hooks) {
  const queue: (readonly SourceRecord[] | Error)[] = []
  const seen = {
    sent: [] as unknown[],
    letters: [] as { value: string; error: string }[],
    commits: [] as SourcePosition[],
    failures: [] as Error[],
    stages: [] as string[],
    waits: [] as (string | null)[],
    polls: 0,
    stopped: 0,
  }
  const config = commonKeys.read({ name: 'a', 'connector.class': 'Test', ...hooks.config })
  const delivery = {
    encode: ({ batch }: Emission) => Promise.resolve([{ batch }] as never),
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
    },
    false,
  )
  return { task, queue, seen }
}

const offsetsOf = (positions: readonly SourcePosition[]) => positions.map(({ offset }) => offset['n'])

describe('the loop of a source task', () => {
  it('writes what was polled, then commits where to go on', async () => {
    const committed: string[] = []
    const { task, queue, seen } = await scripted({ commit: () => void committed.push('commit') })
    queue.push([record(1), record(2)], [record(3)])
    await eventually(() => expect(offsetsOf(seen.commits).at(-1)).to.equal(3))
    expect(seen.sent).to.deep.equal(['1', '2', '3'])
    expect(committed).not.to.deep.equal([])
    await task.stop()
    expect(seen).to.deep.include({ stopped: 1, failures: [] })
  })

  it('commits nothing before it is acknowledged, nor what lies behind it', async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>()
    const { task, queue, seen } = await scripted({
      send: async (values) => (values.includes('1') ? promise.then(() => undefined) : undefined),
    })
    queue.push([record(1)], [record(2)], [record(1, { sourcePartition: { file: 'g' }, value: 'g' })])
    await eventually(() => expect(seen.commits).not.to.deep.equal([]))
    expect(seen.commits.map(({ partition }) => partition)).to.deep.equal([{ file: 'g' }])
    resolve(undefined)
    await eventually(() => expect(offsetsOf(seen.commits).at(-1)).to.equal(2))
    await task.stop()
  })

  it('does not poll while too much waits for its acknowledgement', async () => {
    const { promise, resolve } = Promise.withResolvers<undefined>()
    let polls = 0
    const { task } = await scripted({
      poll: () => {
        polls++
        return Promise.resolve(Array.from({ length: 2500 }, (_, n) => record(n)))
      },
      send: () => promise.then(() => undefined),
    })
    await eventually(() => expect(polls).to.equal(4))
    await new Promise((settled) => setImmediate(settled))
    expect(polls).to.equal(4)
    resolve(undefined)
    await eventually(() => expect(polls).to.be.above(4))
    await task.stop()
  })

  it('tells of each record what became of it', async () => {
    const told: [unknown, boolean][] = []
    const { task, queue } = await scripted({
      config: { 'errors.tolerance': 'all' },
      commitRecord: ({ value }, delivered) => void told.push([value, delivered]),
    })
    queue.push([record(1), record(2, { topic: '' })])
    await eventually(() => expect(told).to.have.length(2))
    expect(told).to.deep.equal([
      ['1', true],
      ['2', false],
    ])
    await task.stop()
  })

  it('polls again after a retriable error, and fails with any other', async () => {
    const { task, queue, seen } = await scripted({})
    queue.push(new UnavailableError('kafka.unavailable', 'away'), [record(1)], new TypeError('a bug'))
    await eventually(() => expect(seen.failures).to.have.length(1))
    expect(seen.sent).to.deep.equal(['1'])
    expect(seen.waits).to.deep.equal(['waiting for the source: away', null])
    const [failure] = seen.failures
    expect(failure?.message).to.equal('Connector a, task 0: poll threw: a bug')
    expect(failure?.cause).to.be.instanceOf(TypeError)
    const { polls } = seen
    await task.resume()
    expect(seen.polls).to.equal(polls)
    await task.stop()
  })

  it('tries on while Kafka is away, and delivers then', async () => {
    let tries = 0
    const { task, queue, seen } = await scripted({
      ensure: () =>
        ++tries < 3
          ? Promise.reject(new UnavailableError('kafka.unavailable', 'no broker'))
          : Promise.resolve(),
    })
    queue.push([record(1)])
    await eventually(() => expect(seen.sent).to.deep.equal(['1']))
    expect(seen.failures).to.deep.equal([])
    await task.stop()
  })

  it('keeps offsets that cannot be written now for the next time', async () => {
    let tries = 0
    const { task, queue, seen } = await scripted({
      write: () =>
        ++tries < 3 ? Promise.reject(new UnavailableError('kafka.unavailable', 'away')) : Promise.resolve(),
    })
    queue.push([record(1)])
    await eventually(() => expect(offsetsOf(seen.commits)).to.deep.equal([1]))
    expect(seen.failures).to.deep.equal([])
    await task.stop()
  })

  it('takes nothing on while it is paused, and goes on where it was', async () => {
    const { promise, resolve } = Promise.withResolvers<readonly SourceRecord[]>()
    const { task, seen } = await scripted({ poll: () => promise })
    await task.pause()
    resolve([record(1)])
    for (let turn = 0; turn < 50; turn++) await new Promise((settled) => setImmediate(settled))
    expect(seen.sent).to.deep.equal([])
    await task.resume()
    await eventually(() => expect(seen.sent[0]).to.equal('1'))
    await task.stop()
  })

  it('says while a poll waits that it still does, so that no deadline ends it', async () => {
    const never = new Promise<never>(() => undefined)
    const { task, seen } = await scripted({ poll: () => never, stopTimeoutMs: 50 })
    const told = () => seen.stages.filter((stage) => stage === 'poll').length
    await eventually(() => expect(told()).to.be.above(1))
    expect(seen.stages).not.to.include('idle')
    await task.stop()
  })

  it('stops although a poll never returns and an acknowledgement never comes, and commits the rest', async () => {
    const never = new Promise<never>(() => undefined)
    const queue = [[record(1)], [record(2)]]
    const { task, seen } = await scripted({
      poll: () => {
        const next = queue.shift()
        return next === undefined ? never : Promise.resolve(next)
      },
      send: (values) => (values.includes('2') ? never : Promise.resolve()),
      stopTimeoutMs: 200,
      flushIntervalMs: 60_000,
    })
    await eventually(() => expect(seen.sent).to.deep.equal(['1']))
    await task.stop()
    expect(offsetsOf(seen.commits)).to.deep.equal([1])
    expect(seen.stopped).to.equal(1)
  })
})

describe('bad records of a source', () => {
  const misfit = record(2, { value: 7 })
  const homeless = record(3, { topic: '' })

  it('fail the task that tolerates none, and nothing of their poll is written', async () => {
    for (const [bad, reason] of [
      [misfit, 'The value does not fit its schema'],
      [homeless, 'The record has no topic'],
    ] as const) {
      const { task, queue, seen } = await scripted({})
      queue.push([record(1)], [record(10), bad])
      await eventually(() => expect(seen.failures).to.have.length(1))
      await task.stop()
      const place = `{"file":"f"} at {"n":${String(bad.sourceOffset['n'])}}`
      expect(seen.failures[0]?.message).to.contain(place).and.contain(reason)
      expect(seen.failures[0]?.cause).to.be.instanceOf(DataError)
      expect(seen.sent).to.deep.equal(['1'])
      expect(offsetsOf(seen.commits)).to.deep.equal([1])
    }
  })

  it('become dead letters where all are tolerated, and their offsets are committed', async () => {
    const { task, queue, seen } = await scripted({ config: { 'errors.tolerance': 'all' } })
    queue.push([record(1), misfit, homeless])
    await eventually(() => expect(offsetsOf(seen.commits)).to.deep.equal([3]))
    await task.stop()
    expect(seen.sent).to.deep.equal(['1'])
    expect(seen.letters).to.deep.equal([
      { value: '{"file":"f"} at {"n":2}', error: 'record.value' },
      { value: '{"file":"f"} at {"n":3}', error: 'record.refused' },
    ])
  })

  it('have no topic looked up or created for them that they may not be written to', async () => {
    const ensured: string[] = []
    const { task, queue, seen } = await scripted({
      ensure: (topic) => {
        ensured.push(topic)
        return Promise.resolve()
      },
    })
    queue.push([record(1, { topic: 'a b' }), record(2, { topic: 'configs' }), record(3)])
    await eventually(() => expect(offsetsOf(seen.commits)).to.deep.equal([3]))
    await task.stop()
    expect(ensured).to.deep.equal(['out'])
  })

  it('fail the task whatever it tolerates where their offset cannot be stored', async () => {
    for (const bad of [
      record(1, { sourceOffset: { at: new Date(0) } as never }),
      record(1, { sourcePartition: { deep: {} } as never }),
      record(1, { sourceOffset: undefined as never }),
    ]) {
      const { task, queue, seen } = await scripted({ config: { 'errors.tolerance': 'all' } })
      queue.push([bad])
      await eventually(() => expect(seen.failures).to.have.length(1))
      await task.stop()
      expect(seen.failures[0]).to.include({ code: 'source.offset' })
      expect(seen.failures[0]?.message).to.match(/^Connector a, task 0: the source (offset|partition) of/)
      expect(seen.sent).to.deep.equal([])
    }
  })
})
