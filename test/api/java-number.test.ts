import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { javaNumber } from '../../src/api/java-number.ts'

describe('a number as Java writes it', () => {
  it('has a point, and an exponent where it is small or large', () => {
    const doubles: [number, string][] = [
      [0, '0.0'],
      [-0, '-0.0'],
      [5, '5.0'],
      [-1.5, '-1.5'],
      [1234567, '1234567.0'],
      [9999999.5, '9999999.5'],
      [1e7, '1.0E7'],
      [12345678.9, '1.23456789E7'],
      [0.001, '0.001'],
      [0.00099, '9.9E-4'],
      [1e-5, '1.0E-5'],
      [1e21, '1.0E21'],
      [1.7976931348623157e308, '1.7976931348623157E308'],
      [5e-324, '5.0E-324'],
      [NaN, 'NaN'],
      [-Infinity, '-Infinity'],
    ]
    for (const [value, text] of doubles) expect(javaNumber(value)).to.equal(text)
    const floats: [number, string][] = [
      [0.1, '0.1'],
      [16777216, '1.6777216E7'],
      [3.4028235e38, '3.4028235E38'],
      [0.0625, '0.0625'],
      [100, '100.0'],
    ]
    for (const [value, text] of floats) expect(javaNumber(Math.fround(value), true)).to.equal(text)
  })

  it('is read as the same number', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (value) => {
        expect(Number(javaNumber(value))).to.equal(value)
      }),
    )
    fc.assert(
      fc.property(fc.float({ noNaN: true }), (value) => {
        expect(Math.fround(Number(javaNumber(value, true)))).to.equal(value)
      }),
    )
  })
})
