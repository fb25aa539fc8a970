import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { decimalText } from '../../src/api/decimal-text.ts'
import { fitsPrecision, unscaledBytes, unscaledFrom } from '../../src/converters/decimals.ts'

const fits = (bytes: Uint8Array, precision: number) => fitsPrecision(bytes, 0, bytes.length, precision)

describe('a decimal', () => {
  it('has the bytes of Java’s BigInteger', () => {
    const cases: [bigint, number[]][] = [
      [0n, [0]],
      [127n, [0x7f]],
      [128n, [0, 0x80]],
      [-1n, [0xff]],
      [-128n, [0x80]],
      [-129n, [0xff, 0x7f]],
      [-256n, [0xff, 0]],
      [65_536n, [1, 0, 0]],
    ]
    for (const [unscaled, bytes] of cases)
      expect([...unscaledBytes(unscaled)], String(unscaled)).to.eql(bytes)
  })

  it('is read as it was written, also behind bytes of its sign', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }), fc.nat(3), (unscaled, padding) => {
        const bytes = unscaledBytes(unscaled)
        const padded = Buffer.concat([Buffer.alloc(padding, bytes[0]! >= 0x80 ? 0xff : 0), bytes])
        expect(unscaledFrom(padded)).to.equal(unscaled)
      }),
    )
    expect(unscaledFrom(Buffer.alloc(0), 1)).to.equal(0n)
  })

  it('fits a precision exactly where it has no more digits', () => {
    for (const precision of [1, 2, 3, 4, 5, 9, 10, 18, 19, 38, 76, 1000]) {
      const limit = 10n ** BigInt(precision)
      for (const unscaled of [limit - 1n, 1n - limit, 0n, limit / 2n])
        expect(fits(unscaledBytes(unscaled), precision), `${precision} digits`).to.equal(true)
      for (const unscaled of [limit, -limit, limit * 300n])
        expect(fits(unscaledBytes(unscaled), precision), `over ${precision} digits`).to.equal(false)
      expect(fits(Buffer.concat([Buffer.alloc(1000), unscaledBytes(limit - 1n)]), precision)).to.equal(true)
    }
  })

  it('is written as Java’s BigDecimal writes it', () => {
    const cases: [bigint, number, string][] = [
      [0n, 0, '0'],
      [123n, 0, '123'],
      [-123n, 0, '-123'],
      [123n, -1, '1.23E+3'],
      [123n, -3, '1.23E+5'],
      [123n, 1, '12.3'],
      [123n, 5, '0.00123'],
      [123n, 10, '1.23E-8'],
      [-123n, 12, '-1.23E-10'],
      [1n, 6, '0.000001'],
      [1n, 7, '1E-7'],
      [0n, 7, '0E-7'],
      [0n, 2, '0.00'],
      [-5n, 2, '-0.05'],
      [5n, -1_000_000_000, '5E+1000000000'],
      [5n, 1_000_000_000, '5E-1000000000'],
    ]
    for (const [unscaled, scale, text] of cases) expect(decimalText({ unscaled, scale })).to.equal(text)
  })
})
