import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { timestampOf } from '../../../src/kafka/record-batches/records.ts'
import type { SuspectRows } from '../../../src/runtime/host/protocol.ts'
import { SuspectPieces } from '../../../src/runtime/sink/suspect-pieces.ts'
import { batchOfOffsets, offsetsOf, rowsFrom } from '../../support/rows.ts'

const VERDICT = { stage: 'transforms.score', reason: 'it died' }

function suspect(first: number, last: number, more: Partial<SuspectRows> = {}): SuspectRows {
  const rows = { topic: 't', partition: 0, first: BigInt(first), last: BigInt(last) }
  return { ...rows, apart: true, verdict: null, ...more }
}

describe('the pieces of a batch', () => {
  it('are the batch itself where nothing in it is suspect, or is only tried once more', () => {
    const batch = rowsFrom(10, 20)
    const elsewhere = [suspect(0, 9), suspect(20, 30), suspect(10, 19, { partition: 1 })]
    for (const suspects of [[], elsewhere, [suspect(10, 19, { apart: false })]]) {
      const [piece, ...more] = new SuspectPieces(suspects).cut(batch)
      expect(piece?.fetched).to.equal(batch)
      expect(more).to.deep.equal([])
    }
    const empty = rowsFrom(5, 5)
    expect(new SuspectPieces([suspect(0, 9)]).cut(empty)[0]?.fetched).to.equal(empty)
  })

  it('are single rows in a suspect range and the rest as it comes; a record that was found out carries its verdict', () => {
    const suspects = [suspect(12, 14), suspect(13, 13, { verdict: VERDICT })]
    const pieces = new SuspectPieces(suspects).cut(rowsFrom(10, 18))
    expect(pieces.map(({ fetched }) => offsetsOf(fetched))).to.deep.equal([
      [10, 11],
      [12],
      [13],
      [14],
      [15, 16, 17],
    ])
    expect(pieces.map(({ apart }) => apart)).to.deep.equal([false, true, true, true, false])
    expect(pieces.map(({ verdict }) => verdict)).to.deep.equal([null, null, VERDICT, null, null])
  })

  it('hold all rows in order, with their bytes and times, and move the offset as the batch does', () => {
    const range = fc.tuple(fc.integer({ min: 0, max: 40 }), fc.integer({ min: 0, max: 40 }))
    const offsets = fc.uniqueArray(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(
        offsets,
        fc.array(range, { maxLength: 4 }),
        fc.integer({ min: 1, max: 9 }),
        (some, ranges, gap) => {
          const sorted = some.toSorted((a, b) => a - b)
          const batch = batchOfOffsets(sorted, (sorted.at(-1) ?? 0) + gap)
          const suspects = ranges.map(([a, b]) => suspect(Math.min(a, b), Math.max(a, b)))
          const pieces = new SuspectPieces(suspects).cut(batch).map(({ fetched }) => fetched)
          expect(pieces.flatMap(offsetsOf)).to.deep.equal(sorted)
          expect(pieces.at(-1)?.nextOffset).to.equal(batch.nextOffset)
          pieces.forEach((piece, i) => {
            const next = pieces[i + 1]
            if (next !== undefined) expect(piece.nextOffset).to.equal(BigInt(offsetsOf(next)[0] ?? -1))
            offsetsOf(piece).forEach((offset, row) => {
              const { bytes, start, end } = piece.values
              expect(bytes.toString('utf8', start[row], end[row])).to.equal(String(offset))
              expect(timestampOf(piece, row)).to.equal(1000n + BigInt(offset))
              const isSuspect = suspects.some(({ first, last }) => first <= offset && BigInt(offset) <= last)
              if (isSuspect) expect(piece.length).to.equal(1)
            })
          })
        },
      ),
    )
  })

  it('are whole again once everything suspect is committed', () => {
    const suspects = new SuspectPieces([suspect(10, 12), suspect(15, 15)])
    const committed = (offset: bigint | null, partition = 0) => [{ topic: 't', partition, offset }]
    expect(suspects.clear(committed(null))).to.deep.equal([])
    expect(suspects.clear(committed(12n))).to.deep.equal([])
    expect(suspects.clear(committed(99n, 1))).to.deep.equal([])
    expect(suspects.clear(committed(13n))).to.deep.equal(committed(13n))
    expect(suspects.any).to.equal(true)
    expect(suspects.clear(committed(16n))).to.deep.equal(committed(16n))
    expect(suspects.any).to.equal(false)
  })
})
