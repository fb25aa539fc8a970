import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import type { RowRange } from '../../src/runtime/host/protocol.ts'
import { SuspectChunks } from '../../src/runtime/sink/suspect-chunks.ts'
import { type Finding, PartitionSuspects, Suspects } from '../../src/worker/hosts/suspects.ts'
import { offsetsOf, rowsFrom } from '../support/rows.ts'

const PLACE = { topic: 't', partition: 0 }
const rows = (first: number, last = first): RowRange => {
  return { ...PLACE, first: BigInt(first), last: BigInt(last) }
}

function deathsOf(suspects: PartitionSuspects, bySignal = false) {
  return (first: number, last = first): Finding =>
    suspects.died({ rows: rows(first, last), stage: 'transforms.score', bySignal }, 'it died')
}

describe('suspect rows', () => {
  it('are tried once more, then one by one; the third death finds one record out', () => {
    const suspects = new PartitionSuspects(PLACE)
    const died = deathsOf(suspects)
    expect([died(0, 99), died(0, 120), died(42)]).to.deep.equal(['again', 'apart', 'convicted'])
    expect(suspects.list()).to.deep.equal([
      { ...rows(0, 120), apart: true, poison: null },
      { ...rows(42), apart: true, poison: { stage: 'transforms.score', reason: 'it died' } },
    ])
  })

  it('that go one by one need one death more for a further record', () => {
    const died = deathsOf(new PartitionSuspects(PLACE))
    expect([died(0, 99), died(0, 99), died(42), died(77)]).to.deep.equal([
      'again',
      'apart',
      'convicted',
      'convicted',
    ])
  })

  it('elsewhere begin anew: what lies before the latest rows has got through', () => {
    const suspects = new PartitionSuspects(PLACE)
    const died = deathsOf(suspects)
    expect([died(0, 99), died(100, 199), died(150, 249)]).to.deep.equal(['again', 'again', 'apart'])
    expect(suspects.list().find(({ apart }) => apart)).to.include({ first: 150n, last: 249n })
  })

  it('are convicted by a signal from outside only when it hits the same record twice', () => {
    const died = deathsOf(new PartitionSuspects(PLACE), true)
    expect([died(0, 99), died(0, 99), died(42), died(43), died(43)]).to.deep.equal([
      'again',
      'apart',
      'apart',
      'apart',
      'convicted',
    ])
  })

  it('are hopeless when three are found out in a row, and not when another got through between them', () => {
    const broken = deathsOf(new PartitionSuspects(PLACE))
    expect([broken(0, 9), broken(0, 9), broken(0), broken(1), broken(2)].at(-1)).to.equal('hopeless')
    const suspects = new PartitionSuspects(PLACE)
    const died = deathsOf(suspects)
    for (const each of [died(0, 9), died(0, 9), died(1), died(2)]) expect(each).not.to.equal('hopeless')
    suspects.passed(rows(0)) // again, before what was found out
    suspects.passed(rows(3))
    expect(died(4)).to.equal('convicted')
    expect(died(5)).to.equal('convicted')
    suspects.passed(rows(0))
    expect(died(6)).to.equal('hopeless')
  })

  it('are forgotten when their offsets are committed, and with their connector', () => {
    const suspects = new Suspects()
    const call = { rows: rows(0, 9), stage: 'put', bySignal: false }
    const partitions = [{ topic: 't', partitions: [0, 1] }]
    suspects.died('a', call, 'it died')
    suspects.died('b', call, 'it died')
    suspects.cleared('a', { ...PLACE, offset: 9n })
    expect(suspects.of('a', partitions)).to.have.lengthOf(1)
    suspects.cleared('a', { ...PLACE, offset: 10n })
    expect(suspects.of('a', partitions)).to.deep.equal([])
    expect(suspects.of('b', [{ topic: 't', partitions: [1] }])).to.deep.equal([])
    expect(suspects.of('b', partitions)).to.have.lengthOf(1)
    suspects.forget('b')
    expect(suspects.of('b', partitions)).to.deep.equal([])
  })

  it('lead to exactly the poison, whatever batches are fetched and however much was committed', () => {
    const partition = fc.record({
      length: fc.integer({ min: 1, max: 60 }),
      // Never three in a row: those are the plugin's fault.
      poison: fc.uniqueArray(fc.integer({ min: 0, max: 59 }), { maxLength: 6 }).map(withoutRuns),
      fetches: fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 5 }),
      bySignal: fc.boolean(),
    })
    fc.assert(
      fc.property(partition, ({ length, poison, fetches, bySignal }) => {
        const found = runToEnd(length, new Set(poison), fetches, bySignal)
        const expected = poison.filter((offset) => offset < length).toSorted((a, b) => a - b)
        expect(found.convicted).to.deep.equal(expected)
        expect(found.deaths).to.be.at.most(4 * expected.length)
      }),
    )
  })
})

function withoutRuns(offsets: readonly number[]): number[] {
  const sorted = offsets.toSorted((a, b) => a - b)
  return sorted.filter((offset, i) => !(sorted[i - 1] === offset - 1 && sorted[i - 2] === offset - 2))
}

/** A partition whose poison kills every batch it is in, read in fetches of some lengths, committed after each round. */
function runToEnd(
  length: number,
  poison: ReadonlySet<number>,
  fetches: readonly number[],
  bySignal: boolean,
) {
  const suspects = new Suspects()
  const convicted: number[] = []
  let [committed, deaths, fetch] = [0, 0, 0]
  while (committed < length && deaths < 1_000) {
    const known = new SuspectChunks(suspects.of('c', [{ topic: 't', partitions: [0] }]))
    const size = fetches[fetch++ % fetches.length] ?? 1
    const batch = rowsFrom(committed, Math.min(length, committed + size))
    const refused: number[] = []
    let died = false
    for (const { fetched, poison: cause } of known.cut(batch)) {
      const offsets = offsetsOf(fetched)
      if (cause !== null) refused.push(...offsets)
      else if (offsets.some((offset) => poison.has(offset))) {
        const call = { rows: rows(offsets[0] ?? 0, offsets.at(-1)), stage: 'put', bySignal }
        expect(suspects.died('c', call, 'it died')).not.to.equal('hopeless')
        died = true
        deaths++
        break
      } else suspects.passed('c', rows(offsets[0] ?? 0, offsets.at(-1)))
    }
    if (died) continue
    convicted.push(...refused)
    committed += offsetsOf(batch).length
    for (const each of known.clear([{ ...PLACE, offset: BigInt(committed) }])) suspects.cleared('c', each)
  }
  return { convicted, deaths }
}
