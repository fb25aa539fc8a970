import { expect } from 'chai'
import { describe, it } from 'mocha'
import { audit, auditDeadLetters, differences, type Seen, type Sent } from './audit.ts'

const PARTITIONS = 2

function sentOf(count: number, poison: readonly number[] = []): Map<number, Sent> {
  const entry = (id: number): [number, Sent] => [
    id,
    { partition: id % PARTITIONS, offset: Math.floor(id / PARTITIONS), poison: poison.includes(id) },
  ]
  return new Map(Array.from({ length: count }, (_, id) => entry(id)))
}

/** What a reader sees where these ids come in this order. */
function seenOf(ids: readonly number[], more: Partial<Seen> = {}): Seen {
  return {
    partitions: ids.map((id) => id % PARTITIONS),
    offsets: ids.map((_, i) => i),
    ids: [...ids],
    sound: ids.map(() => true),
    origins: ids.map(() => '-'),
    headers: ids.map(() => 0),
    ...more,
  }
}

const NOTHING = { lost: 0, duplicated: 0, phantom: 0, reordered: 0, corrupt: 0 }

describe('the audit of what came out against what was acknowledged', () => {
  it('finds nothing where each record came once and in the order of its partition', () => {
    expect(audit(sentOf(6), seenOf([0, 2, 1, 4, 3, 5]))).to.deep.equal(NOTHING)
  })

  it('sees a lost record, also the last one', () => {
    expect(audit(sentOf(6), seenOf([0, 1, 2, 3, 4]))).to.deep.equal({ ...NOTHING, lost: 1 })
    expect(audit(sentOf(6), seenOf([1, 2, 3, 4, 5]))).to.deep.equal({ ...NOTHING, lost: 1 })
  })

  it('counts each further time of a record, and no order of what comes again', () => {
    expect(audit(sentOf(4), seenOf([0, 1, 2, 3, 0, 0]))).to.deep.equal({ ...NOTHING, duplicated: 2 })
  })

  it('sees records that nobody sent, that came to another partition, or that should have been dead letters', () => {
    expect(audit(sentOf(2), seenOf([0, 1, 7]))).to.deep.equal({ ...NOTHING, phantom: 1 })
    const elsewhere = seenOf([0, 1], { partitions: [0, 0] })
    expect(audit(sentOf(2), elsewhere)).to.deep.equal({ ...NOTHING, phantom: 1, lost: 1 })
    expect(audit(sentOf(3, [2]), seenOf([0, 1, 2]))).to.deep.equal({ ...NOTHING, phantom: 1 })
  })

  it('sees a record behind a later one of its partition', () => {
    expect(audit(sentOf(6), seenOf([2, 0, 4, 1, 3, 5]))).to.deep.equal({ ...NOTHING, reordered: 1 })
  })

  it('sees a record whose checksum does not fit', () => {
    expect(audit(sentOf(2), seenOf([0, 1], { sound: [true, false] }))).to.deep.equal({
      ...NOTHING,
      corrupt: 1,
    })
  })

  it('wants one dead letter for each unreadable record, with all headers, and none for others', () => {
    const sent = sentOf(6, [2, 5])
    const dead = (origins: string[], headers = 10) =>
      seenOf([-1, -1].slice(0, origins.length), { origins, headers: origins.map(() => headers) })
    const none = { missing: 0, duplicated: 0, wrong: 0, headers: 0 }
    expect(auditDeadLetters(sent, dead(['0:1', '1:2']), 10)).to.deep.equal(none)
    expect(auditDeadLetters(sent, dead(['0:1']), 10)).to.deep.equal({ ...none, missing: 1 })
    expect(auditDeadLetters(sent, dead(['0:1', '0:1']), 10)).to.deep.equal({
      ...none,
      missing: 1,
      duplicated: 1,
    })
    expect(auditDeadLetters(sent, dead(['0:1', '1:0']), 10)).to.deep.equal({ ...none, missing: 1, wrong: 1 })
    expect(auditDeadLetters(sent, dead(['0:1', '1:2'], 9), 10)).to.deep.equal({ ...none, headers: 2 })
  })

  it('counts what two readers do not agree about, from either side', () => {
    expect(differences(seenOf([0, 1]), seenOf([0, 1]))).to.equal(0)
    expect(differences(seenOf([0, 1]), seenOf([0, 1, 2]))).to.equal(1)
    expect(differences(seenOf([0, 1, 2]), seenOf([0, 1, 3]))).to.equal(2)
  })
})
