import { compressionsAlgorithms } from '@platformatic/kafka'
import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { TaskError } from '../../src/api/errors.ts'
import { compress, COMPRESSIONS, inflate } from '../../src/kafka/record-batches/compression.ts'
import { InflateProblem } from '../../src/kafka/record-batches/inflate-blocks.ts'
import { decode } from './codec.ts'
import { craftBatch, craftRecord } from './craft.ts'

const LIMIT = 1 << 20
const CODE = { gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const
const names = Object.keys(CODE) as (keyof typeof CODE)[]

/** A length of 0. The library cannot compress nothing once its memory has grown; a record batch is never empty. */
const EMPTY_SNAPPY = Buffer.from([0])

/** The stream of blocks that snappy-java writes, as in Java producers. */
function xerial(blocks: readonly Buffer[]): Buffer {
  const header = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])
  const framed = blocks.flatMap((block) => {
    const packed = block.length === 0 ? EMPTY_SNAPPY : compressionsAlgorithms.snappy.compressSync(block)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(packed.length)
    return [length, packed]
  })
  return Buffer.concat([header, ...framed])
}

describe('compression', () => {
  it('inflates whatever was compressed', () => {
    const text = fc
      .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 300 })), {
        minLength: 1,
      })
      .map((runs) => Buffer.concat(runs.flatMap(([run, times]) => new Array<Uint8Array>(times).fill(run))))
    fc.assert(
      fc.property(text, fc.constantFrom(...COMPRESSIONS), (bytes, name) => {
        const inflated = inflate(COMPRESSIONS.indexOf(name), compress(name, bytes), LIMIT)
        expect(inflated.equals(bytes)).to.equal(true)
      }),
      { numRuns: 200 },
    )
  })

  it('inflates long runs and far matches over several blocks', () => {
    const noise = Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * 2654435761) >>> 24))
    const bytes = Buffer.concat([noise, Buffer.alloc(300_000, 'ab'), noise, Buffer.from('end')])
    for (const name of names) {
      expect(inflate(CODE[name], compress(name, bytes), LIMIT).equals(bytes), name).to.equal(true)
    }
  })

  it('reads snappy blocks in the xerial frame that Java writes', () => {
    const blocks = ['first block '.repeat(50), 'second', ''].map((text) => Buffer.from(text))
    expect(inflate(CODE.snappy, xerial(blocks), LIMIT).toString()).to.equal(Buffer.concat(blocks).toString())
  })

  for (const name of names) {
    it(`stops a ${name} bomb at the limit`, () => {
      const bomb = compress(name, Buffer.alloc(64 * LIMIT))
      expect(bomb.length).to.be.below(4 * LIMIT)
      expect(() => inflate(CODE[name], bomb, LIMIT))
        .to.throw(InflateProblem)
        .with.property('tooLarge', true)
      const batch = craftBatch({ baseOffset: 9n, attributes: CODE[name], recordCount: 1, body: bomb })
      expect(() => decode(batch, { maxInflatedBytes: LIMIT })).to.throw(
        TaskError,
        /^t-3, batch at offset 9: its records cannot be inflated: .*The limit is 1048576 bytes/,
      )
    })

    it(`refuses ${name} that is cut off or damaged, without reading beyond it`, () => {
      const source = compress(name, Buffer.from('a text that repeats, a text that repeats. '.repeat(20)))
      for (let length = 0; length < source.length - 8; length++) {
        const cut = source.subarray(0, length)
        expect(() => inflate(CODE[name], cut, LIMIT), `${length} bytes`).to.throw(InflateProblem)
      }
      fc.assert(
        fc.property(
          fc.array(fc.tuple(fc.nat(source.length - 1), fc.nat(255)), { minLength: 1 }),
          (changes) => {
            const bytes = Buffer.from(source)
            for (const [at, byte] of changes) bytes[at] = byte
            try {
              expect(inflate(CODE[name], bytes, LIMIT).length).to.be.at.most(LIMIT)
            } catch (error) {
              if (!(error instanceof InflateProblem)) throw error
            }
          },
        ),
        { numRuns: 500 },
      )
    })
  }

  it('takes no memory for what a snappy block only claims', () => {
    const claims = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0x41])
    expect(() => inflate(CODE.snappy, claims, LIMIT))
      .to.throw(InflateProblem)
      .with.property('tooLarge', true)
    const endless = Buffer.alloc(40, 0xff)
    expect(() => inflate(CODE.snappy, endless, LIMIT)).to.throw(InflateProblem)
  })

  it('inflates together no more than the limit: the rest is left to the next fetch', () => {
    const body = craftRecord({ value: Buffer.alloc(50_000) })
    const batchAt = (baseOffset: bigint): Buffer =>
      craftBatch({ baseOffset, attributes: CODE.gzip, recordCount: 1, body: compress('gzip', body) })
    const bytes = Buffer.concat([batchAt(0n), batchAt(1n), batchAt(2n)])
    const limit = { maxInflatedBytes: 120_000 }
    expect(decode(bytes, limit).batch).to.include({ length: 2, nextOffset: 2n })
    expect(decode(bytes, { ...limit, from: 2n }).batch).to.include({ length: 1, nextOffset: 3n })
  })
})
