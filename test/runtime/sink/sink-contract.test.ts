import { expect } from 'chai'
import { describe, it } from 'mocha'
import { errorCode, type SinkTask, TaskError, UnavailableError } from '../../../src/index.ts'
import { eventually } from '../../support/eventually.ts'
import { membership, place, recordingTask, valuesOf } from '../../support/recording-task.ts'

const away = () => new UnavailableError(errorCode('postgres', 'unavailable'), 'the database restarts')
const LATER = 60_000

/** Lets a sink fail its first calls. */
function failing(times: number, error: () => Error): () => void {
  let left = times
  return () => {
    if (left-- > 0) throw error()
  }
}

describe('what a sink is called with', () => {
  it('comes in the order of Kafka Connect: open, put, flush, preCommit, close, commit, stop', async () => {
    const { task, calls, failures, used } = await recordingTask(() => ({}), LATER)
    await task.assign(membership(0))
    await eventually(() => calls.includes('put 0: 20–29'))
    await task.stop()
    expect(used, 'told of its topic once a batch').to.deep.equal(['t', 't', 't'])
    expect(calls).to.deep.equal([
      ...['open 0', 'put 0: 0–9', 'put 0: 10–19', 'put 0: 20–29'],
      ...['flush', 'preCommit 0@30', 'close 0', 'commit 0@30', 'stop'],
    ])
    expect(failures).to.deep.equal([])
  })

  it('opens and closes with each assignment, and closes without a commit what was lost', async () => {
    const { task, calls } = await recordingTask(() => ({}), LATER)
    await task.assign(membership(0, 1))
    await eventually(() => calls.includes('put 1: 20–29'))
    await task.lost()
    await task.assign(membership(1))
    await eventually(() => calls.filter((call) => call === 'put 1: 20–29').length === 2)
    await task.revoke()
    await task.revoke()
    await task.stop()
    expect(calls.filter((call) => !/^(put|flush)/.test(call))).to.deep.equal([
      ...['open 0,1', 'close 0,1', 'open 1', 'preCommit 1@30', 'close 1', 'commit 1@30', 'stop'],
    ])
  })

  it('is closed and stopped also after it has failed, and what was put before is committed', async () => {
    const put: SinkTask['put'] = (batch) => {
      if (valuesOf(batch) === '10–19') throw new TaskError(errorCode('postgres', 'denied'), 'no')
    }
    const { task, calls, failures } = await recordingTask(() => ({ put }), LATER)
    await task.assign(membership(0))
    await eventually(() => failures.length === 1)
    await task.stop()
    expect(calls.slice(-3)).to.deep.equal(['close 0', 'commit 0@10', 'stop'])
  })

  it('is counted: records, their time in put, and commits', async () => {
    const again = failing(1, away)
    const { task, calls, metrics } = await recordingTask(() => ({ put: again }), LATER)
    await task.assign(membership(0))
    await eventually(() => calls.filter((call) => call === 'put 0: 20–29').length === 1)
    await task.stop()
    const { counters, timers } = metrics.snapshot()
    expect(counters).to.include({ 'records.read': 30, 'records.sent': 30, 'records.failed': 0, commits: 1 })
    expect([timers.put.count, timers.commit.count]).to.deep.equal([4, 1])
  })

  it('counts the records that fail, those of a task without tolerance too', async () => {
    const { task, metrics, failures } = await recordingTask(() => ({
      put: (batch) => batch.fail(3, new TaskError(errorCode('postgres', 'refused'), 'no')),
    }))
    await task.assign(membership(0))
    await eventually(() => failures.length === 1)
    await task.stop()
    const { counters, lastErrorAt } = metrics.snapshot()
    expect(counters).to.include({ 'records.failed': 1, 'records.skipped': 0, 'records.sent': 9 })
    expect(lastErrorAt).to.be.closeTo(Date.now(), 60_000)
  })

  it('fails the task where open throws, and puts nothing', async () => {
    const { task, calls, failures } = await recordingTask(() => ({ open: failing(1, away) }))
    await task.assign(membership(0))
    await eventually(() => failures.length === 1)
    await task.stop()
    expect(calls).to.deep.equal(['open 0', 'close 0', 'stop'])
  })
})

describe('a batch that a sink cannot take for now', () => {
  it('comes again as it was, and nothing is skipped or put twice', async () => {
    const { task, calls, failures } = await recordingTask(() => ({ put: failing(3, away) }), LATER)
    await task.assign(membership(0))
    await eventually(() => calls.includes('put 0: 20–29'))
    await task.stop()
    const first = Array<string>(4).fill('put 0: 0–9')
    expect(calls.slice(1, 7)).to.deep.equal([...first, 'put 0: 10–19', 'put 0: 20–29'])
    expect(failures).to.deep.equal([])
  })

  it('does not come with the rows that the sink has reported', async () => {
    const lengths: number[] = []
    const refuse = failing(1, away)
    const put: SinkTask['put'] = (batch) => {
      lengths.push(
        Array.from({ length: batch.length }, (_, row) => row).filter((r) => batch.isLive(r)).length,
      )
      batch.drop(0)
      refuse()
    }
    const { task, calls } = await recordingTask(() => ({ put }))
    await task.assign(membership(0))
    await eventually(() => calls.includes('put 0: 20–29'))
    await task.stop()
    expect(lengths.slice(0, 2)).to.deep.equal([10, 9])
  })

  it('waits as long as the sink says, while what was put before is committed and commands are obeyed', async () => {
    const put = failing(1, away)
    const { task, calls, committed } = await recordingTask((requests) => ({
      put: (batch) => {
        requests.timeout(LATER)
        if (valuesOf(batch) === '10–19') put()
      },
    }))
    await task.assign(membership(0))
    await eventually(() => committed.get(0) === 10n)
    await task.pause()
    await task.resume()
    await task.revoke()
    expect(calls.filter((call) => call === 'put 0: 10–19')).to.have.length(1)
    expect(committed.get(0)).to.equal(10n)
    await task.assign(membership(0))
    await eventually(() => committed.get(0) === 30n)
    await task.stop()
  })

  it('fails the task where the error does not pass', async () => {
    const denied = () => new TaskError(errorCode('postgres', 'denied'), 'no')
    const { task, calls, failures } = await recordingTask(() => ({ put: failing(1, denied) }))
    await task.assign(membership(0))
    await eventually(() => failures.length === 1)
    await task.stop()
    expect(calls.filter((call) => call.startsWith('put'))).to.have.length(1)
  })

  it('costs the task its partitions where it is Kafka that is away', async () => {
    const kafka = () => new UnavailableError('kafka.unavailable', 'down')
    const { task, calls, failures } = await recordingTask(() => ({ put: failing(1, kafka) }))
    await task.assign(membership(0))
    await eventually(() => calls.includes('fenced'))
    expect(failures).to.deep.equal([])
    await task.stop()
  })
})

describe('what a sink lets be committed', () => {
  const allowing = (preCommit: SinkTask['preCommit']) =>
    recordingTask(() => (preCommit === undefined ? {} : { preCommit }))

  it('is lower than what was put: the rest is asked about again', async () => {
    let most = 5n
    const { task, calls, committed } = await allowing((offsets) =>
      offsets.map((each) => ({ ...each, offset: each.offset < most ? each.offset : most })),
    )
    await task.assign(membership(0))
    await eventually(() => calls.filter((call) => call === 'preCommit 0@30').length >= 3)
    expect(calls.filter((call) => call.startsWith('commit'))).to.deep.equal(['commit 0@5'])
    most = 30n
    await eventually(() => committed.get(0) === 30n)
    await task.stop()
  })

  it('is some of the partitions', async () => {
    const { task, calls, committed } = await allowing((offsets) =>
      offsets.filter(({ partition }) => partition === 1),
    )
    await task.assign(membership(0, 1))
    await eventually(() => committed.get(1) === 30n && calls.includes('put 0: 20–29'))
    await task.stop()
    expect(committed.has(0)).to.equal(false)
  })

  it('is never more than was put, of no foreign partition, and goes never back', async () => {
    const given = [
      [{ ...place(0), offset: 1000n }],
      [{ ...place(7), offset: 1n }],
      [{ ...place(0), offset: 8n }],
      [{ ...place(0), offset: 3n }],
    ]
    let asked = 0
    const { task, calls } = await allowing(() => given[asked++] ?? [])
    await task.assign(membership(0))
    await eventually(() => asked > given.length)
    await task.stop()
    expect(calls.filter((call) => call.startsWith('commit'))).to.deep.equal(['commit 0@8'])
  })

  for (const call of ['flush', 'preCommit'] as const)
    it(`is nothing where ${call} cannot store for now: what is not committed comes again`, async () => {
      const refuse = failing(1, away)
      const sink = call === 'flush' ? { flush: refuse } : { preCommit: (all: never[]) => (refuse(), all) }
      const { task, calls, failures, committed } = await recordingTask(() => sink)
      await task.assign(membership(0))
      await eventually(() => committed.get(0) === 30n)
      await task.stop()
      expect(failures).to.deep.equal([])
      expect(calls.filter((each) => each === 'put 0: 0–9')).to.have.length(2)
      expect(calls.findIndex((each) => each.startsWith('commit'))).to.be.above(
        calls.lastIndexOf('put 0: 0–9'),
      )
    })
})

describe('what a sink asks of its task', () => {
  it('pauses a partition without losing a row of it, and resumes it', async () => {
    const resumed: (() => void)[] = []
    const { task, calls, committed } = await recordingTask((requests) => ({
      put: (batch) => {
        if (batch.sourcePartition !== 0 || valuesOf(batch) !== '0–9') return
        requests.pause([place(1)])
        resumed.push(() => requests.resume([place(1)]))
      },
    }))
    await task.assign(membership(0, 1))
    await eventually(() => committed.get(0) === 30n)
    expect(calls.filter((call) => call.startsWith('put 1'))).to.deep.equal([])
    resumed[0]?.()
    await eventually(() => committed.get(1) === 30n)
    const puts = ['put 1: 0–9', 'put 1: 10–19', 'put 1: 20–29']
    expect(calls.filter((call) => call.startsWith('put 1'))).to.deep.equal(puts)
    await task.stop()
  })

  it('begins where the sink has stored its offset, and commits that', async () => {
    const { task, calls, committed } = await recordingTask((requests) => ({
      open: () => requests.offset(place(0), 15n),
    }))
    await task.assign(membership(0))
    await eventually(() => committed.get(0) === 30n)
    await task.stop()
    expect(calls.filter((call) => call.startsWith('put'))).to.deep.equal(['put 0: 15–19', 'put 0: 20–29'])
  })

  it('goes back to an offset in the middle of its work, and commits what comes again after it', async () => {
    let again = true
    const { task, calls, committed } = await recordingTask((requests) => ({
      put: (batch) => {
        if (again && valuesOf(batch) === '20–29') requests.offset(place(0), 5n)
        again &&= valuesOf(batch) !== '20–29'
      },
    }))
    await task.assign(membership(0))
    await eventually(() => calls.includes('commit 0@5') && committed.get(0) === 30n)
    await task.stop()
    expect(calls.filter((call) => call.startsWith('put')).slice(2)).to.deep.equal([
      ...['put 0: 20–29', 'put 0: 5–9', 'put 0: 10–19', 'put 0: 20–29'],
    ])
  })

  it('fails the task where it is about a partition of somebody else', async () => {
    const { task, failures } = await recordingTask((requests) => ({
      put: () => requests.pause([place(9)]),
    }))
    await task.assign(membership(0))
    await eventually(() => failures.length === 1)
    expect(String(failures[0])).to.contain('t-9 cannot be paused')
    await task.stop()
  })
})
