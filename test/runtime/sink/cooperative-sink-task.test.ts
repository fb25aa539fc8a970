import { expect } from 'chai'
import { describe, it } from 'mocha'
import { errorCode, FencedError, type SinkTask, TaskError, UnavailableError } from '../../../src/index.ts'
import type { Membership } from '../../../src/runtime/host/protocol.ts'
import { eventually } from '../../support/eventually.ts'
import { membership, place, recordingTask } from '../../support/recording-task.ts'

const LATER = 60_000

const cooperative = (generation: number, ...partitions: number[]): Membership => ({
  ...membership(...partitions),
  generation,
  cooperative: true,
})

const withoutPuts = (calls: readonly string[]): string[] => calls.filter((call) => !/^(put|flush)/.test(call))

/** What a task was given of a partition, in order. */
const putsOf = (calls: readonly string[], partition: number): string[] =>
  calls.filter((call) => call.startsWith(`put ${partition}:`))

describe('a sink task whose group rebalances cooperatively', () => {
  it('opens only what comes, closes and commits only what goes, and never touches what stays', async () => {
    const { task, calls, failures } = await recordingTask(() => ({}), LATER)
    await task.assign(cooperative(1, 0, 1))
    await eventually(() => calls.includes('put 1: 20–29'))
    await task.assign(cooperative(2, 0, 1, 2))
    await eventually(() => calls.includes('put 2: 20–29'))
    await task.revoke(cooperative(3, 0, 2))
    await task.assign(cooperative(3, 0, 2))
    await task.stop()
    expect(withoutPuts(calls)).to.deep.equal([
      ...['open 0,1', 'open 2', 'preCommit 1@30', 'close 1', 'commit 1@30'],
      ...['preCommit 0@30,2@30', 'close 0,2', 'commit 0@30,2@30', 'stop'],
    ])
    for (const partition of [0, 1, 2]) expect(putsOf(calls, partition)).to.have.length(3)
    expect(failures).to.deep.equal([])
  })

  it('puts each row of what stays once and in order, whatever comes and goes around it', async () => {
    const { task, calls, committed } = await recordingTask(() => ({}), 0)
    await task.assign(cooperative(1, 0))
    for (let generation = 2; generation < 12; generation++) {
      const guest = generation % 3
      await task.revoke(cooperative(generation, 0))
      await task.assign(cooperative(generation, 0, guest + 1))
    }
    await eventually(() => committed.get(0) === 30n)
    await task.stop()
    expect(putsOf(calls, 0)).to.deep.equal(['put 0: 0–9', 'put 0: 10–19', 'put 0: 20–29'])
  })

  it('delivers and commits what is in flight of a partition before it gives it up, and nothing of it afterwards', async () => {
    const waiting: (() => void)[] = []
    const send = (): Promise<void> => new Promise((resolve) => waiting.push(resolve))
    const { task, calls, committed } = await recordingTask(() => ({}), LATER, { send })
    await task.assign(cooperative(1, 0, 1))
    await eventually(() => waiting.length > 0)
    let revoked = false
    const giving = task.revoke(cooperative(2, 0)).then(() => (revoked = true))
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect([revoked, committed.size]).to.deep.equal([false, 0])
    const pump = setInterval(() => waiting.splice(0).forEach((acknowledge) => acknowledge()), 1)
    await giving
    const put = putsOf(calls, 1).length
    expect(committed.get(1)).to.equal(BigInt(put * 10))
    expect(committed.has(0)).to.equal(false)
    await eventually(() => putsOf(calls, 0).length === 3)
    expect(putsOf(calls, 1)).to.have.length(put)
    clearInterval(pump)
    for (const acknowledge of waiting.splice(0)) acknowledge()
    const stopped = task.stop()
    for (const acknowledge of waiting.splice(0)) acknowledge()
    await stopped
  })

  it('begins where the others have committed when a partition comes back', async () => {
    const { task, calls, committed } = await recordingTask(() => ({}), 0)
    await task.assign(cooperative(1, 0, 1))
    await eventually(() => committed.get(1) === 30n)
    await task.revoke(cooperative(2, 0))
    committed.set(1, 20n) // an administrator has set it back
    await task.assign(cooperative(3, 0, 1))
    await eventually(() => putsOf(calls, 1).length === 4)
    await eventually(() => committed.get(1) === 30n)
    expect(putsOf(calls, 1).at(-1)).to.equal('put 1: 20–29')
    await task.stop()
  })

  it('puts nothing that it had fetched of a partition before that was given up, also where it came back at once', async () => {
    const waiting: (() => void)[] = []
    const send = (): Promise<void> => new Promise((resolve) => waiting.push(resolve))
    const steps: Promise<void>[] = []
    const ends = [10, 20, 30, 40, 50, 60]
    const onFetch = (number: number): void => {
      if (number !== 2) return
      // The fetch ends while the first of these waits for an acknowledgement; nobody has looked at it when the others run.
      steps.push(
        task.revoke(cooperative(2, 0, 1)),
        task.revoke(cooperative(3, 0)),
        task.assign(cooperative(3, 0, 1)),
      )
    }
    const { task, calls, committed, failures } = await recordingTask(() => ({}), 0, { send, onFetch, ends })
    await task.assign(cooperative(1, 0, 1, 2))
    await eventually(() => waiting.length > 0 && steps.length > 0)
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    const pump = setInterval(() => waiting.splice(0).forEach((acknowledge) => acknowledge()), 1)
    await Promise.all(steps)
    await eventually(() => committed.get(0) === 60n && committed.get(1) === 60n)
    for (const partition of [0, 1])
      expect(putsOf(calls, partition)).to.deep.equal(
        ends.map((end) => `put ${partition}: ${end - 10}–${end - 1}`),
      )
    expect([putsOf(calls, 2).length, failures]).to.deep.equal([1, []])
    await task.stop()
    clearInterval(pump)
  })

  it('goes on where a commit comes in the middle of a rebalance, and commits it under the next generation', async () => {
    let joining = true
    const refused: number[] = []
    const beforeCommit = (generation: number): void => {
      if (generation > 1 || !joining) return
      refused.push(generation)
      throw new UnavailableError('kafka.rebalancing', 'not now')
    }
    const { task, calls, committed, failures } = await recordingTask(() => ({}), 0, { beforeCommit })
    await task.assign(cooperative(1, 0))
    await eventually(() => refused.length > 2 && putsOf(calls, 0).length === 3)
    joining = false
    await task.assign(cooperative(2, 0))
    await eventually(() => committed.get(0) === 30n)
    expect(failures).to.deep.equal([])
    expect(calls.filter((call) => call === 'fenced')).to.deep.equal([])
    await task.stop()
  })

  it('stops where a commit shows that it was replaced, and takes everything anew when it is assigned again', async () => {
    let fenced = true
    const beforeCommit = (): void => {
      if (fenced) throw new FencedError('kafka.fenced', 'another has the place')
    }
    const { task, calls, committed } = await recordingTask(() => ({}), 0, { beforeCommit })
    await task.assign(cooperative(1, 0, 1))
    await eventually(() => calls.includes('fenced'))
    fenced = false
    await task.revoke(cooperative(2, 0))
    await task.assign(cooperative(2, 0))
    await eventually(() => committed.get(0) === 30n)
    await task.stop()
    expect(withoutPuts(calls).filter((call) => /^(open|close)/.test(call))).to.deep.equal([
      ...['open 0,1', 'close 0,1', 'open 0', 'close 0'],
    ])
  })

  it('brings everything again where the sink could not store while it gave something up', async () => {
    let refusals = 0
    const flush: SinkTask['flush'] = () => {
      if (refusals++ === 0) throw new UnavailableError(errorCode('postgres', 'unavailable'), 'restarts')
    }
    const { task, calls, committed } = await recordingTask(() => ({ flush }), LATER)
    await task.assign(cooperative(1, 0, 1))
    await eventually(() => putsOf(calls, 0).length === 3 && putsOf(calls, 1).length === 3)
    await task.revoke(cooperative(2, 0))
    expect(committed.size).to.equal(0)
    await eventually(() => putsOf(calls, 0).length === 6)
    await task.stop()
    expect([committed.get(0), committed.has(1)]).to.deep.equal([30n, false])
  })

  it('gives up a partition whose batch waits for its sink, and goes on with the others', async () => {
    const put: SinkTask['put'] = (batch) => {
      if (batch.sourcePartition === 1)
        throw new UnavailableError(errorCode('postgres', 'unavailable'), 'away')
    }
    const { task, calls, committed } = await recordingTask(() => ({ put }), 0)
    await task.assign(cooperative(1, 1, 0))
    await eventually(() => putsOf(calls, 1).length > 1)
    await task.revoke(cooperative(2, 0))
    await eventually(() => committed.get(0) === 30n)
    expect(putsOf(calls, 0)).to.deep.equal(['put 0: 0–9', 'put 0: 10–19', 'put 0: 20–29'])
    await task.stop()
    expect(committed.has(1)).to.equal(false)
  })

  it('forgets what its sink has asked of a partition that it gives up, and takes no more wishes for it', async () => {
    let wish = false
    const { task, committed, failures } = await recordingTask((requests) => ({
      open: (partitions) => {
        if (partitions.some(({ partition }) => partition === 1)) requests.pause([place(1)])
      },
      flush: () => {
        if (wish) requests.resume([place(1)])
      },
    }))
    await task.assign(cooperative(1, 0, 1))
    await eventually(() => committed.get(0) === 30n)
    await task.revoke(cooperative(2, 0))
    expect([committed.has(1), failures]).to.deep.equal([false, []])
    wish = true
    await task.assign(cooperative(3, 0, 2))
    await eventually(() => failures.length === 1)
    expect(String(failures[0])).to.contain('t-1 cannot be resumed: this task does not have it')
    await task.stop()
  })

  it('still fails for a delivery that began before a rebalance', async () => {
    let refuse: ((error: Error) => void) | undefined
    const send = (): Promise<void> => new Promise((_, reject) => (refuse ??= reject))
    const { task, failures, committed } = await recordingTask(() => ({}), LATER, { send })
    await task.assign(cooperative(1, 0))
    const refuseIt = await eventually(() => refuse)
    await task.assign(cooperative(2, 0, 1))
    refuseIt(new TaskError('task.failed', 'too large'))
    await eventually(() => failures.length === 1)
    expect(committed.size).to.equal(0)
  })
})
