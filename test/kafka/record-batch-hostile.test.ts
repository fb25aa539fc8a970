import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { ConnectError, TaskError } from '../../src/api/errors.ts'
import { COMPRESSIONS } from '../../src/kafka/record-batches/compression.ts'
import { AT } from '../../src/kafka/record-batches/record-batch.ts'
import { type Asked, decode, encode, MIB } from './codec.ts'
import {
  type CraftedBatch,
  type CraftedRecord,
  craftBatch,
  plain,
  recordsOf,
  reseal,
  varint,
} from './craft.ts'

describe('record batch codec, hostile input', () => {
  describe('refuses, by topic, partition and offset,', () => {
    const refused = (bytes: Buffer, asked: Asked = {}): TaskError => {
      try {
        decode(bytes, asked)
      } catch (error) {
        expect(error).to.be.instanceOf(TaskError)
        expect((error as TaskError).code).to.equal('kafka.corrupt')
        expect((error as TaskError).message).to.match(/^t-3, batch at offset 5: /)
        return error as TaskError
      }
      throw new Error('it was accepted')
    }
    const batch = (rest: CraftedBatch): Buffer => craftBatch({ baseOffset: 5n, ...rest })
    const withRecord = (record: CraftedRecord): Buffer => batch({ records: [record] })
    const value = Buffer.from('value')

    it('a wrong checksum, wherever a bit flipped', () => {
      const bytes = withRecord({ value })
      for (let at = 21; at < bytes.length; at++) {
        const flipped = Buffer.from(bytes)
        flipped[at]! ^= 0x10
        expect(refused(flipped).message).to.include('checksum')
      }
    })

    it('record formats 0 and 1', () => {
      for (const magic of [0, 1, 3]) expect(refused(batch({ magic })).message).to.include(`format ${magic}`)
    })

    it('impossible sizes and counts in the header', () => {
      const short = withRecord({ value })
      short.writeInt32BE(20, AT.batchLength)
      refused(short)
      refused(batch({ recordCount: -1 }))
      refused(batch({ recordCount: 1_000_000_000, lastOffsetDelta: 2 ** 31 - 1 }))
      refused(batch({ recordCount: 2, lastOffsetDelta: 0, body: Buffer.alloc(100) }))
      refused(batch({ lastOffsetDelta: -1, records: [{ value }] }))
    })

    it('offsets that are out of bounds', () => {
      for (const baseOffset of [-1n, 2n ** 63n - 1n]) {
        expect(() => decode(craftBatch({ baseOffset, records: [{ value }] }))).to.throw(
          TaskError,
          'out of bounds',
        )
      }
    })

    it('offsets that go back', () => {
      expect(() =>
        decode(Buffer.concat([batch({ records: [{ value }] }), batch({ records: [{ value }] })])),
      ).to.throw(TaskError, 'offsets go back')
      refused(batch({ records: [{ offsetDelta: 1 }, { offsetDelta: 1 }], lastOffsetDelta: 3 }))
      refused(batch({ records: [{ offsetDelta: 7 }], lastOffsetDelta: 3 }))
      refused(batch({ records: [{ offsetDelta: -1 }] }))
    })

    it('lengths that are negative or reach beyond their record', () => {
      refused(withRecord({ value, lengthError: 1 }))
      refused(withRecord({ value, lengthError: -1 }))
      refused(withRecord({ value, lengthError: -1000 }))
      refused(withRecord({ value, lengthError: 2 ** 31 - 100 }))
      for (const length of [-2, -(2 ** 31), 6, 7, 1000, 2 ** 31 - 1]) {
        refused(withRecord({ value, valueLength: length }))
        refused(withRecord({ key: value, keyLength: length }))
      }
    })

    it('headers that lie', () => {
      const headers = (...parts: Buffer[]): Buffer => withRecord({ headers: Buffer.concat(parts) })
      refused(headers(varint(-1)))
      refused(headers(varint(2 ** 31 - 1)))
      refused(headers(varint(1)))
      refused(headers(varint(1), varint(-1), varint(-1)))
      refused(headers(varint(1), varint(1), Buffer.from('k'), varint(-2)))
      refused(headers(varint(1), varint(1), Buffer.from('k'), varint(10), Buffer.from('v')))
      refused(headers(varint(0), Buffer.from('more')))
    })

    it('bytes after the last record', () => {
      refused(batch({ recordCount: 1, body: Buffer.concat([varint(6), Buffer.from([0, 0, 0, 1, 1, 0, 9])]) }))
    })

    it('records that do not inflate, and unknown compressions', () => {
      for (const code of [1, 2, 3, 4, 5, 7]) {
        refused(batch({ attributes: code, recordCount: 1, body: Buffer.from('certainly not compressed') }))
      }
    })
  })

  describe('mutated batches', () => {
    it('give records or an error of ours, never anything else', () => {
      const records = Array.from({ length: 20 }, (_, i) =>
        plain(`value ${i}`.repeat(20), { key: Buffer.from([i]), headers: [{ key: 'k', value: null }] }),
      )
      const sources = COMPRESSIONS.map((compression) => encode(records, MIB, compression).buffers[0]!)
      fc.assert(
        fc.property(
          fc.constantFrom(...sources),
          fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 }),
          (source, changes) => {
            const bytes = Buffer.from(source)
            for (const [at, byte] of changes) bytes[12 + (at % (bytes.length - 12))] = byte
            bytes[16] = 2
            reseal(bytes)
            try {
              const { batch } = decode(bytes)
              if (batch !== null) recordsOf(batch)
            } catch (error) {
              if (!(error instanceof ConnectError)) throw error
            }
          },
        ),
        { numRuns: 3000 },
      )
    })
  })
})
