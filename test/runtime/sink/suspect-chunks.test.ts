import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { timestampOf } from '../../../src/kafka/record-batches/records.ts'
import type { SuspectRows } from '../../../src/runtime/host/protocol.ts'
import { SuspectChunks } from '../../../src/runtime/sink/suspect-chunks.ts'
import { batchOfOffsets, offsetsOf, rowsFrom } from '../../support/rows.ts'

const POISON = { stage: 'transforms.score', reason: 'it died' }

function suspect(first: number, last: number, more: Partial<SuspectRows> = {}): SuspectRows {
  const rows = { topic: 't', partition: 0, first: BigInt(first), last: BigInt(last) }
  return { ...rows, apart: true, poison: null, ...more }
}

describe('the chunks of a batch', () => {
  it('are the batch itself where nothing in it is suspect, or is only tried once more', () => {
    const batch = rowsFrom(10, 20)
    const elsewhere = [suspect(0, 9), suspect(20, 30), suspect(10, 19, { partition: 1 })]
    for (const suspects of [[], elsewhere, [suspect(10, 19, { apart: false })]]) {
      const [chunk, ...more] = new SuspectChunks(suspects).cut(batch)
      expect(chunk?.fetched).to.equal(batch)
      expect(more).to.deep.equal([])
    }
    const empty = rowsFrom(5, 5)
    expect(new SuspectChunks([suspect(0, 9)]).cut(empty)[0]?.fetched).to.equal(empty)
  })

  it('are single rows in a suspect range and the rest as it comes; a record that was found out carries its poison', () => {
    const suspects = [suspect(12, 14), suspect(13, 13, { poison: POISON })]
    const chunks = new SuspectChunks(suspects).cut(rowsFrom(10, 18))
    expect(chunks.map(({ fetched }) => offsetsOf(fetched))).to.deep.equal([
      [10, 11],
      [12],
      [13],
      [14],
      [15, 16, 17],
    ])
    expect(chunks.map(({ apart }) => apart)).to.deep.equal([false, true, true, true, false])
    expect(chunks.map(({ poison }) => poison)).to.deep.equal([null, null, POISON, null, null])
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
          const chunks = new SuspectChunks(suspects).cut(batch).map(({ fetched }) => fetched)
          expect(chunks.flatMap(offsetsOf)).to.deep.equal(sorted)
          expect(chunks.at(-1)?.nextOffset).to.equal(batch.nextOffset)
          chunks.forEach((chunk, i) => {
            const next = chunks[i + 1]
            if (next !== undefined) expect(chunk.nextOffset).to.equal(BigInt(offsetsOf(next)[0] ?? -1))
            offsetsOf(chunk).forEach((offset, row) => {
              const { bytes, start, end } = chunk.values
              expect(bytes.toString('utf8', start[row], end[row])).to.equal(String(offset))
              expect(timestampOf(chunk, row)).to.equal(1000n + BigInt(offset))
              const isSuspect = suspects.some(({ first, last }) => first <= offset && BigInt(offset) <= last)
              if (isSuspect) expect(chunk.length).to.equal(1)
            })
          })
        },
      ),
    )
  })

  it('are whole again once everything suspect is committed', () => {
    const suspects = new SuspectChunks([suspect(10, 12), suspect(15, 15)])
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
