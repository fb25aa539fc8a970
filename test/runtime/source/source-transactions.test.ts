import { expect } from 'chai'
import { describe, it } from 'mocha'
import { SILENT } from '../../../src/api/log.ts'
import { FencedError, TaskError, UnavailableError } from '../../../src/index.ts'
import type { SourcePosition } from '../../../src/runtime/source/source-positions.ts'
import { SourceTransactions } from '../../../src/runtime/source/source-transactions.ts'
import {
  BoundaryRequests,
  type TransactionBoundary,
} from '../../../src/runtime/source/transaction-boundary.ts'
import { sourceRecord as record } from '../../support/source-record.ts'

const away = () => new UnavailableError('kafka.unavailable', 'no answer')

/** Transactions whose steps are written down; each of `faults` makes the next step of its name fail. */
function scripted(boundary: TransactionBoundary, ...faults: (readonly [string, Error])[]) {
  const steps: string[] = []
  const left = [...faults]
  const producer = {
    state: 'open' as 'open' | 'new' | 'fenced',
    commit: () => step('commit'),
    abort: () => step('abort'),
  }
  const step = (name: string, what = ''): Promise<void> => {
    const fault = left.findIndex(([failing]) => failing === name)
    if (fault < 0) steps.push(`${name}${what}`)
    return fault < 0 ? Promise.resolve() : Promise.reject(left.splice(fault, 1)[0]![1])
  }
  const stopping = new AbortController()
  const copies: SourcePosition[] = []
  const transactions = new SourceTransactions({
    ...{ producer, boundary, log: SILENT, signal: stopping.signal },
    pipeline: { deliver: (prepared) => step('send', ` ${prepared as unknown as string}`) },
    writeOffsets: (positions) =>
      step('offsets', ` ${positions.map(({ offset }) => String(offset['n'])).join()}`),
    copyOffsets: (positions) => {
      copies.push(...positions)
      return Promise.resolve()
    },
  })
  const committable: SourcePosition[] = []
  const add = (n: number): void =>
    transactions.add({
      records: [record(n)],
      prepared: String(n) as never,
      durable: () => committable.splice(0, 1, { partition: { file: 'f' }, offset: { n } }),
    })
  return { transactions, add, steps, producer, copies, stopping, positions: () => committable }
}

describe('the transactions of a source task', () => {
  it('end after each poll, with its offsets in them', async () => {
    const { transactions, add, steps, positions, copies } = scripted({ kind: 'poll' })
    expect(transactions.isDue).to.equal(false)
    add(1)
    expect(transactions.isDue).to.equal(true)
    const committed = await transactions.settle(positions)
    expect(committed).to.have.lengthOf(1)
    expect(steps).to.deep.equal(['send 1', 'offsets 1', 'commit'])
    expect(copies.map(({ offset }) => offset)).to.deep.equal([{ n: 1 }])
    expect(transactions.isDue).to.equal(false)
  })

  it('end when their interval is over, or hold more than can be sent again', () => {
    const { transactions, add } = scripted({ kind: 'interval', ms: 1_000_000 })
    expect(transactions.dueInMs).to.equal(Infinity)
    add(1)
    expect([transactions.isDue, transactions.dueInMs > 900_000]).to.deep.equal([false, true])
    for (let n = 2; n <= 10_000; n++) add(n)
    expect(transactions.isDue).to.equal(true)
    const over = scripted({ kind: 'interval', ms: 0 })
    over.add(1)
    expect(over.transactions.isDue).to.equal(true)
  })

  for (const failing of ['send', 'offsets', 'commit'] as const)
    it(`are aborted and sent again as a whole where the answer to ${failing} did not come`, async () => {
      const { transactions, add, steps, positions } = scripted({ kind: 'interval', ms: 0 }, [failing, away()])
      add(1)
      add(2)
      expect(await transactions.settle(positions)).to.have.lengthOf(2)
      const again = ['abort', 'send 1', 'send 2', 'offsets 2', 'commit']
      expect(steps.slice(-again.length)).to.deep.equal(again)
      expect(steps.filter((step) => step === 'commit')).to.have.lengthOf(1)
    })

  it('are begun anew at once after a send that failed, and not ended before the source says so', async () => {
    const requests = new BoundaryRequests()
    const { transactions, add, steps, positions } = scripted({ kind: 'connector', requests }, [
      'send',
      away(),
    ])
    add(1)
    expect(transactions.isDue).to.equal(false)
    await new Promise((done) => setImmediate(done))
    expect(transactions.isDue).to.equal(true)
    expect(await transactions.settle(positions)).to.deep.equal([])
    expect(steps).to.deep.equal(['abort', 'send 1'])
    expect(transactions.isDue).to.equal(false)
  })

  it('fail the task where a record is not tolerated, where it was fenced, and where an end is not known', async () => {
    for (const error of [
      new TaskError('task.tolerance', 'bad'),
      new FencedError('kafka.fenced', 'taken over'),
    ]) {
      const { transactions, add, steps, positions } = scripted({ kind: 'poll' }, ['send', error])
      add(1)
      expect(await transactions.settle(positions).catch((cause: unknown) => cause)).to.equal(error)
      expect(steps).to.deep.equal([])
    }
    const unknown = scripted({ kind: 'poll' }, ['commit', away()])
    unknown.producer.state = 'new'
    unknown.add(1)
    expect(
      await unknown.transactions.settle(unknown.positions).catch((cause: unknown) => cause),
    ).to.be.instanceOf(UnavailableError)
    expect(unknown.steps).to.deep.equal(['send 1', 'offsets 1'])
  })

  it('drop their records and keep their offsets where the source aborts them', async () => {
    const { transactions, add, steps, positions } = scripted({
      kind: 'connector',
      requests: new BoundaryRequests(),
    })
    add(1)
    await transactions.abort(positions)
    expect(steps).to.deep.equal(['send 1', 'abort', 'offsets 1', 'commit'])
  })
})

describe('a source that says where its transactions end', () => {
  const [one, two, three] = [record(1), record(2), record(3)]

  it('ends them at a record, in the middle of a poll too, or behind the poll', () => {
    const requests = new BoundaryRequests()
    requests.commit(one)
    requests.abort(two)
    expect(requests.cut([one, two, three])).to.deep.equal([
      { records: [one], end: 'commit' },
      { records: [two], end: 'abort' },
      { records: [three], end: undefined },
    ])
    requests.commit()
    expect(requests.cut([one, two])).to.deep.equal([{ records: [one, two], end: 'commit' }])
    expect(requests.cut([three]), 'what was asked is done with').to.deep.equal([
      { records: [three], end: undefined },
    ])
  })

  it('may end them with a poll that brings nothing', () => {
    const requests = new BoundaryRequests()
    expect(requests.cut([])).to.deep.equal([])
    requests.abort()
    expect(requests.cut([])).to.deep.equal([{ records: [], end: 'abort' }])
  })
})
