import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import type { CategoryColumn, StringColumn } from '../../../src/index.ts'
import { decodeHeaders, encodeHeaders } from '../../../src/kafka/record-batches/headers.ts'
import { addedHeader, extendedRows } from '../../../src/runtime/records/added-headers.ts'
import { Batch } from '../../../src/runtime/records/batch.ts'
import { FetchOrigin } from '../../../src/runtime/records/origin.ts'
import { slicesOf } from '../../converters/support.ts'
import { batchOf } from '../../support/example-batch.ts'
import { rowsFrom } from '../../support/rows.ts'

const header = fc.record({
  key: fc.string({ maxLength: 70 }),
  value: fc.option(fc.uint8Array().map((bytes) => Buffer.from(bytes))),
})

const DOMAIN = ['delay$1', 'délai$2']

/** A header of one of two texts, or one of its own per record. */
const column = fc.oneof(
  fc
    .array(fc.constantFrom(-1, 0, 1), { minLength: 6, maxLength: 6 })
    .map((levels): CategoryColumn => ({ type: 'category', levels: Int32Array.from(levels), domain: DOMAIN })),
  fc
    .array(fc.option(fc.string({ maxLength: 100 })), { minLength: 6, maxLength: 6 })
    .map((values): StringColumn => ({ type: 'string', values })),
)

function textAt(from: CategoryColumn | StringColumn, row: number): string | null {
  return (from.type === 'string' ? from.values[row] : from.domain[from.levels[row]!]) ?? null
}

describe('headers that transforms add', () => {
  it('stand behind the fetched ones, in the batch as on the wire', () => {
    const rows = fc.array(fc.array(header, { maxLength: 70 }), { minLength: 6, maxLength: 6 })
    fc.assert(
      fc.property(rows, fc.array(column, { maxLength: 3 }), (fetched, columns) => {
        const slices = slicesOf(fetched.map(encodeHeaders))
        const plain = batchOf(fetched.map(() => ({})))
        const origin = new FetchOrigin({ ...rowsFrom(0, fetched.length), headers: slices })
        const before = new Batch(origin, plain.states, plain.sides)
        const batch = columns.reduce((last, each, i) => last.withHeader(`added.${i}`, each), before)
        const written = extendedRows(
          slices,
          columns.map((each, i) => addedHeader(`added.${i}`, each)),
        )
        for (const [row, own] of fetched.entries()) {
          const added = columns.flatMap((each, i) => {
            const text = textAt(each, row)
            return text === null ? [] : [{ key: `added.${i}`, value: Buffer.from(text) }]
          })
          expect(batch.headers(row)).to.deep.equal([...own, ...added])
          const bytes = Buffer.alloc(written.size(row) + 2)
          const end = written.write(row, bytes, 1)
          expect(end).to.equal(bytes.length - 1)
          expect(decodeHeaders(bytes, 1, end)).to.deep.equal([...own, ...added])
        }
      }),
      { numRuns: 100 },
    )
  })

  it('stay when records are replaced, and stand behind those of the records', () => {
    const batch = batchOf([{ value: 'a' }, { value: 'b' }])
      .withHeader('who', { type: 'string', values: ['x', null] })
      .withHeader('what', { type: 'string', values: ['y', 'z'] })
    const replaced = batch.withRecords([batch.record(0), batch.record(1)])
    for (const each of [batch, replaced.withHeader('when', { type: 'string', values: [null, null] })]) {
      const texts = [0, 1].map((row) => each.headers(row).map(({ key, value }) => `${key}=${String(value)}`))
      expect(texts).to.deep.equal([['who=x', 'what=y'], ['what=z']])
    }
  })
})
