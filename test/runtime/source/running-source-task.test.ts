import { expect } from 'chai'
import { describe, it } from 'mocha'
import { type SourceRecord, UnavailableError } from '../../../src/index.ts'
import { eventually } from '../../support/eventually.ts'
import { offsetsOf, scriptedSource as scripted } from '../../support/scripted-source.ts'
import { sourceRecord as record } from '../../support/source-record.ts'

describe('the loop of a source task', () => {
  it('writes what was polled, then commits where to go on', async () => {
    const committed: string[] = []
    const { task, queue, seen } = await scripted({ commit: () => void committed.push('commit') })
    queue.push([record(1), record(2)], [record(3)])
    await eventually(() => expect(offsetsOf(seen.commits).at(-1)).to.equal(3))
    expect(seen.sent).to.deep.equal(['1', '2', '3'])
    expect(seen.used, 'told of the topics once a poll').to.deep.equal(['out', 'out'])
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
    expect(seen.used).to.have.lengthOf(2)
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

  it('goes on where commit or commitRecord throws, as in Kafka Connect', async () => {
    const thrower = () => {
      throw new TypeError('a bug')
    }
    const { task, queue, seen } = await scripted({ commit: thrower, commitRecord: thrower })
    queue.push([record(1)])
    await eventually(() => expect(offsetsOf(seen.commits)).to.deep.equal([1]))
    queue.push([record(2)])
    await eventually(() => expect(offsetsOf(seen.commits)).to.deep.equal([1, 2]))
    await task.stop()
    expect(seen.failures).to.deep.equal([])
  })

  it('calls commit at each flush, also where there is nothing to write', async () => {
    let called = 0
    const commit = () => {
      called++
    }
    const { task, seen } = await scripted({ commit })
    await eventually(() => expect(called).to.be.above(2))
    await task.stop()
    expect(seen.commits).to.deep.equal([])
  })

  it('keeps offsets that the broker refuses for the next flush, and does not fail', async () => {
    let refusals = 2
    const { task, queue, seen } = await scripted({
      write: () => (refusals-- > 0 ? Promise.reject(new TypeError('refused')) : Promise.resolve()),
    })
    queue.push([record(1)])
    await eventually(() => expect(offsetsOf(seen.commits)).to.deep.equal([1]))
    await task.stop()
    expect([refusals < 0, seen.failures]).to.deep.equal([true, []])
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

  it('retries while Kafka is away, and delivers then', async () => {
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

  it('polls and commits nothing while it may have another owner, and goes on once it has none', async () => {
    const { task, queue, seen } = await scripted({})
    queue.push([record(1)])
    await eventually(() => expect(offsetsOf(seen.commits)).to.deep.equal([1]))
    queue.push([record(2)])
    await eventually(() => expect(seen.sent).to.have.length(2))
    seen.owns = false
    await eventually(() => expect(seen.waits.at(-1)).to.contain('waiting for the worker'))
    const { polls, commits } = structuredClone(seen)
    queue.push([record(3)])
    await task.pause() // the loop goes on
    await task.resume()
    expect(seen.polls).to.equal(polls)
    expect(seen.commits).to.deep.equal(commits)
    seen.owns = true
    await eventually(() => expect(offsetsOf(seen.commits).at(-1)).to.equal(3))
    expect(seen.waits.at(-1)).to.equal(null)
    await task.stop()
  })

  it('keeps what it polled before it may have another owner until it has none', async () => {
    const { promise, resolve } = Promise.withResolvers<readonly SourceRecord[]>()
    const polls = [promise, Promise.resolve([record(2)])]
    const { task, seen } = await scripted({ poll: () => polls.shift() ?? Promise.resolve([]) })
    seen.owns = false
    resolve([record(1)])
    await eventually(() => expect(seen.waits.at(-1)).to.contain('waiting for the worker'))
    expect(seen.sent).to.deep.equal([])
    seen.owns = true
    await eventually(() => expect(seen.sent).to.deep.equal(['1', '2']))
    await task.stop()
  })

  it('commits nothing at its end where it was lost, also where it is an owner again', async () => {
    const { task, queue, seen } = await scripted({ flushIntervalMs: 60_000 })
    queue.push([record(1)])
    await eventually(() => expect(seen.sent).to.have.length(1))
    task.lost()
    await task.stop()
    expect(seen).to.deep.include({ commits: [], stopped: 1, failures: [] })
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
