import { createRecordsBatch, Reader, readRecordsBatch } from '@platformatic/kafka'
import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { COMPRESSIONS } from '../../src/kafka/record-batches/compression.ts'
import { AT } from '../../src/kafka/record-batches/record-batch.ts'
import { unicodeText } from '../support/unicode-text.ts'
import { atOffsets, decode, decoded, encode, MIB, valuesOf } from './codec.ts'
import { craftBatch, plain, type PlainRecord, recordsOf } from './craft.ts'

const bytesArbitrary = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array))
const recordArbitrary: fc.Arbitrary<PlainRecord> = fc.record({
  key: fc.option(bytesArbitrary),
  value: fc.option(bytesArbitrary),
  headers: fc.array(fc.record({ key: unicodeText(), value: fc.option(bytesArbitrary) }), {
    maxLength: 3,
  }),
  timestamp: fc.oneof(
    fc.bigInt({ min: 1_700_000_000_000n, max: 1_700_100_000_000n }),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  ),
})

describe('record batch codec', () => {
  it('decodes what it encoded, whatever the records, the compression and the splits', () => {
    fc.assert(
      fc.property(
        fc.array(recordArbitrary, { minLength: 1, maxLength: 30 }),
        fc.constantFrom(...COMPRESSIONS),
        fc.integer({ min: 1000, max: 5000 }),
        (records, compression, maxBytes) => {
          const { buffers, tooLarge } = encode(records, maxBytes, compression)
          const kept = records.filter((_, row) => !tooLarge.some(([lost]) => lost === row))
          for (const bytes of buffers) expect(bytes.length).to.be.at.most(maxBytes)
          if (kept.length === 0) return
          const batch = decoded(atOffsets(buffers, 100n), { from: 100n })
          expect(recordsOf(batch)).to.deep.equal(kept.map((r, i) => ({ ...r, offset: 100n + BigInt(i) })))
          expect(batch.nextOffset).to.equal(100n + BigInt(kept.length))
        },
      ),
      { numRuns: 300 },
    )
  })

  for (const compression of COMPRESSIONS) {
    it(`reads what another client wrote with compression ${compression}`, () => {
      const messages = Array.from({ length: 500 }, (_, i) => ({
        topic: 't',
        key: Buffer.from(`k${i}`),
        value: Buffer.from(`value ${i} `.repeat(i % 40)),
        headers: new Map([[Buffer.from('h'), Buffer.from(String(i))]]),
        timestamp: 1_700_000_000_000n + BigInt(i * 7919),
      }))
      const bytes = createRecordsBatch(messages, { compression, producerId: -1n, producerEpoch: -1 }).buffer
      const records = recordsOf(decoded(bytes))
      expect(records).to.have.length(500)
      for (const [i, { key, value, headers, timestamp, offset }] of records.entries()) {
        expect(key!.equals(messages[i]!.key)).to.equal(true)
        expect(value!.equals(messages[i]!.value)).to.equal(true)
        expect(headers).to.deep.equal([{ key: 'h', value: Buffer.from(String(i)) }])
        expect(timestamp).to.equal(messages[i]!.timestamp)
        expect(offset).to.equal(BigInt(i))
      }
    })

    it(`writes with compression ${compression} what another client reads`, () => {
      const records = Array.from({ length: 500 }, (_, i) =>
        plain(`value ${i} `.repeat(1 + (i % 40)), {
          key: i % 2 === 0 ? Buffer.from(`k${i}`) : null,
          headers: [{ key: 'h', value: Buffer.from('x') }],
          timestamp: 1_700_000_000_000n + BigInt(i),
        }),
      )
      const { buffers } = encode(records, MIB, compression)
      expect(buffers).to.have.length(1)
      const batch = readRecordsBatch(Reader.from(buffers[0]!))
      expect(batch.attributes & 7).to.equal(COMPRESSIONS.indexOf(compression))
      expect([batch.producerId, batch.producerEpoch, batch.firstSequence]).to.deep.equal([7n, 3, 42])
      expect([batch.magic, batch.lastOffsetDelta]).to.deep.equal([2, 499])
      expect([batch.firstTimestamp, batch.maxTimestamp]).to.deep.equal([
        1_700_000_000_000n,
        1_700_000_000_499n,
      ])
      expect(batch.records.map((r) => r.value?.toString())).to.deep.equal(records.map((r) => String(r.value)))
      expect(batch.records.map((r) => r.key?.toString() ?? null)).to.deep.equal(
        records.map((r) => r.key?.toString() ?? null),
      )
    })
  }

  it('leaves a batch uncompressed where compression does not make it smaller', () => {
    const { buffers } = encode([plain('x')], MIB, 'gzip')
    expect(buffers[0]!.readInt16BE(AT.attributes)).to.equal(0)
    expect(valuesOf(decoded(buffers[0]!))).to.deep.equal(['x'])
  })

  it('splits at the limit, and reports a row that alone is larger instead of sending it', () => {
    const records = ['a', 'b'.repeat(500), 'c', 'd'].map((value) => plain(value))
    const { buffers, tooLarge } = encode(records, 85)
    expect(tooLarge).to.have.length(1)
    expect(tooLarge[0]![0]).to.equal(1)
    expect(tooLarge[0]![1]).to.be.within(561, 580)
    expect(buffers.length).to.equal(2)
    expect(valuesOf(decoded(atOffsets(buffers)))).to.deep.equal(['a', 'c', 'd'])
  })

  it('keeps timestamps exact: the largest, the smallest, none, and days apart', () => {
    const extremes = [
      [2n ** 63n - 1n, -(2n ** 63n), -1n, 0n, 1_700_000_000_000n, 1_800_000_000_000n],
      [9223090561878065165n, -9223372036854775796n], // their difference wraps around to a small one
      [-1n, -1n],
    ]
    for (const timestamps of extremes) {
      const { buffers } = encode(timestamps.map((timestamp) => plain('x', { timestamp })))
      expect(recordsOf(decoded(buffers[0]!)).map((r) => r.timestamp)).to.deep.equal(timestamps)
    }
  })

  it('keeps timestamps exact where batches of one fetch lie far apart', () => {
    const far = craftBatch({
      baseOffset: 1n,
      baseTimestamp: 2n ** 62n + 1n,
      records: [{ timestampDelta: 5 }],
    })
    const near = craftBatch({ baseOffset: 0n, baseTimestamp: 1000n, records: [{ timestampDelta: 5 }] })
    expect(recordsOf(decoded(Buffer.concat([near, far]))).map((r) => r.timestamp)).to.deep.equal([
      1005n,
      2n ** 62n + 6n,
    ])
  })

  it('takes the time of the log’s append for all records where the topic says so', () => {
    const batch = { attributes: 0x08, baseTimestamp: 1n, maxTimestamp: 777n }
    const bytes = craftBatch({
      ...batch,
      records: [{ timestampDelta: 4 }, { offsetDelta: 1, timestampDelta: 2 ** 40 }],
    })
    expect(recordsOf(decoded(bytes)).map((r) => r.timestamp)).to.deep.equal([777n, 777n])
  })

  it('has one buffer for all batches of a fetch, and copies nothing that is not compressed', () => {
    const plainBatch = atOffsets(encode([plain('a')]).buffers)
    const batch = decoded(plainBatch)
    expect(batch.bytes).to.equal(plainBatch)
    const packed = encode([plain('b'.repeat(500)), plain('c')], MIB, 'zstd').buffers
    const mixed = decoded(atOffsets([plainBatch, ...packed, ...encode([plain('d')]).buffers]))
    expect(valuesOf(mixed)).to.deep.equal(['a', 'b'.repeat(500), 'c', 'd'])
    expect(mixed.keys.bytes).to.equal(mixed.values.bytes)
  })

  it('passes over records before the offset that was asked for', () => {
    const bytes = atOffsets(encode(['a', 'b', 'c', 'd'].map((value) => plain(value))).buffers, 10n)
    const batch = decoded(bytes, { from: 12n })
    expect(recordsOf(batch).map((r) => r.offset)).to.deep.equal([12n, 13n])
    expect(valuesOf(batch)).to.deep.equal(['c', 'd'])
  })

  it('moves on over compacted and empty batches by their last offset', () => {
    const compacted = craftBatch({
      baseOffset: 5n,
      lastOffsetDelta: 9,
      records: [{ offsetDelta: 2, value: Buffer.from('x') }],
    })
    const empty = craftBatch({ baseOffset: 15n, lastOffsetDelta: 4, records: [] })
    const batch = decoded(Buffer.concat([compacted, empty]), { from: 5n })
    expect(recordsOf(batch).map((r) => r.offset)).to.deep.equal([7n])
    expect(batch.nextOffset).to.equal(20n)
    const onlyEmpty = decoded(empty, { from: 15n })
    expect([onlyEmpty.length, onlyEmpty.nextOffset]).to.deep.equal([0, 20n])
  })

  it('ignores a batch that the fetch cut off, and says how large it is where nothing else came', () => {
    const [first, second] = [encode([plain('a')]).buffers[0]!, encode([plain('b')]).buffers[0]!]
    const whole = atOffsets([first, second])
    for (let length = first.length; length < whole.length; length++) {
      const batch = decoded(whole.subarray(0, length))
      expect(valuesOf(batch)).to.deep.equal(['a'])
      expect(batch.nextOffset).to.equal(1n)
    }
    expect(decode(whole.subarray(0, 60))).to.deep.equal({ batch: null, neededBytes: first.length })
    expect(decode(whole.subarray(0, 5))).to.deep.equal({ batch: null, neededBytes: 0 })
    expect(decode(Buffer.alloc(0))).to.deep.equal({ batch: null, neededBytes: 0 })
  })
})
