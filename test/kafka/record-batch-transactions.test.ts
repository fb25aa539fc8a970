import { expect } from 'chai'
import { describe, it } from 'mocha'
import { decoded, valuesOf } from './codec.ts'
import { craftBatch, marker, recordsOf } from './craft.ts'

describe('record batch codec', () => {
  describe('transactions', () => {
    const data = (baseOffset: bigint, producerId: bigint, value: string): Buffer =>
      craftBatch({ baseOffset, producerId, attributes: 0x10, records: [{ value: Buffer.from(value) }] })
    const end = (baseOffset: bigint, producerId: bigint, type: 'abort' | 'commit'): Buffer =>
      craftBatch({ baseOffset, producerId, attributes: 0x30, records: [marker(type)] })

    it('drops aborted ranges by producer, and goes on after their abort marker', () => {
      const log = Buffer.concat([
        data(0n, 1n, 'aborted 1'),
        data(1n, 2n, 'kept 2'),
        end(2n, 2n, 'commit'),
        data(3n, 1n, 'aborted 1 too'),
        end(4n, 1n, 'abort'),
        data(5n, 1n, 'kept 1'),
        craftBatch({ baseOffset: 6n, records: [{ value: Buffer.from('outside') }] }),
        end(7n, 1n, 'commit'),
        data(8n, 2n, 'aborted 2'),
        end(9n, 2n, 'abort'),
      ])
      const aborted = [
        { producerId: 2n, firstOffset: 8n },
        { producerId: 1n, firstOffset: 0n },
      ]
      const batch = decoded(log, { aborted })
      expect(valuesOf(batch)).to.deep.equal(['kept 2', 'kept 1', 'outside'])
      expect(recordsOf(batch).map((r) => r.offset)).to.deep.equal([1n, 5n, 6n])
      expect(batch.nextOffset).to.equal(10n)
    })

    it('leaves out control batches but no data when reading uncommitted', () => {
      const log = Buffer.concat([data(0n, 1n, 'a'), end(1n, 1n, 'abort')])
      expect(valuesOf(decoded(log))).to.deep.equal(['a'])
    })

    it('moves on where all was aborted', () => {
      const log = Buffer.concat([data(0n, 1n, 'a'), end(1n, 1n, 'abort')])
      const batch = decoded(log, { aborted: [{ producerId: 1n, firstOffset: 0n }] })
      expect([batch.length, batch.nextOffset]).to.deep.equal([0, 2n])
    })

    it('knows that a transaction was aborted before the fetched part began', () => {
      const log = Buffer.concat([data(50n, 1n, 'late part'), end(51n, 1n, 'abort'), data(52n, 1n, 'kept')])
      const batch = decoded(log, { from: 50n, aborted: [{ producerId: 1n, firstOffset: 3n }] })
      expect(valuesOf(batch)).to.deep.equal(['kept'])
    })
  })
})
