import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import {
  VarintReader,
  varintSize,
  varlongSize,
  writeVarint,
  writeVarlong,
} from '../../src/kafka/record-batches/varint.ts'
import { varint } from './craft.ts'

const INT32 = [0, -1, 1, 63, -64, 64, -65, 8191, 8192, 2 ** 27, 2 ** 31 - 1, -(2 ** 31)]
const QUICK = [
  ...INT32,
  2 ** 31,
  2 ** 47,
  -(2 ** 47),
  2 ** 48 - 1,
  1 - 2 ** 48,
  2 ** 48,
  Number.MAX_SAFE_INTEGER,
]
const BIG = [2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n + 1n]

function written(write: (target: Buffer) => number): Buffer {
  const target = Buffer.alloc(12, 0xee)
  return target.subarray(0, write(target))
}

describe('varints', () => {
  it('are written by the format, in as many bytes as was said', () => {
    const check = (value: number): void => {
      const bytes = written((target) => writeVarint(value, target, 0))
      expect(bytes).to.deep.equal(varint(value))
      expect(varintSize(value)).to.equal(bytes.length)
      expect(new VarintReader(bytes, 0).int()).to.equal(value)
    }
    INT32.forEach(check)
    fc.assert(fc.property(fc.integer(), check))
  })

  it('of 64 bits are exact, as numbers or as bigints', () => {
    const check = (value: number | bigint): void => {
      const bytes = written((target) => writeVarlong(value, target, 0))
      expect(bytes).to.deep.equal(varint(value))
      expect(varlongSize(value)).to.equal(bytes.length)
      const reader = new VarintReader(bytes, 0)
      expect(BigInt(reader.long())).to.equal(BigInt(value))
      expect(reader.at).to.equal(bytes.length)
    }
    ;[...QUICK, ...BIG].forEach(check)
    fc.assert(fc.property(fc.maxSafeInteger(), check))
    fc.assert(fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), check))
  })

  it('that never end are left after ten bytes', () => {
    const reader = new VarintReader(Buffer.alloc(100, 0xff), 0)
    reader.int()
    expect(reader.at).to.equal(5)
    reader.long()
    expect(reader.at).to.equal(15)
  })
})
