import { expect } from 'chai'
import { describe, it } from 'mocha'
import { javaText, LOGICAL, type Schema, struct, type Value } from '../../src/index.ts'

const of = (type: Schema['type'], more: Partial<Schema> = {}): Schema => ({ type, optional: true, ...more })

/** Each text was printed by Java 17. */
const DOUBLES: readonly [number, string][] = [
  [1, '1.0'],
  [0.001, '0.001'],
  [9_999_999, '9999999.0'],
  [1e7, '1.0E7'],
  [-0, '-0.0'],
  [1e-4, '1.0E-4'],
  [123_456_789.125, '1.23456789125E8'],
  [1e21, '1.0E21'],
  [Number.MIN_VALUE, '4.9E-324'],
  [Number.NaN, 'NaN'],
  [-Infinity, '-Infinity'],
  [0.1, '0.1'],
]
const FLOATS: readonly [number, string][] = [
  [0.1, '0.1'],
  [16_777_216, '1.6777216E7'],
  [3.4e38, '3.4E38'],
  [1.17e-38, '1.17E-38'],
  [100, '100.0'],
  [0.3333333, '0.3333333'],
]
const DECIMALS: readonly [bigint, number, string][] = [
  [150n, 2, '1.50'],
  [-5n, 2, '-0.05'],
  [0n, 0, '0'],
  [1n, -3, '1E+3'],
  [123n, 12, '1.23E-10'],
  [1n, 6, '0.000001'],
  [1n, 7, '1E-7'],
  [-12n, -5, '-1.2E+6'],
  [0n, 8, '0E-8'],
]

describe('the text of a value as Java writes it', () => {
  for (const [value, text] of DOUBLES)
    it(`is ${text} for a double`, () => expect(javaText(value, of('FLOAT64'))).to.equal(text))

  for (const [value, text] of FLOATS)
    it(`is ${text} for a float`, () => expect(javaText(Math.fround(value), of('FLOAT32'))).to.equal(text))

  for (const [unscaled, scale, text] of DECIMALS)
    it(`is ${text} for a decimal`, () => {
      expect(javaText({ unscaled, scale }, of('BYTES', { name: LOGICAL.decimal }))).to.equal(text)
    })

  const cases: readonly [string, Value, Schema | null][] = [
    ['null', null, of('STRING')],
    ['a text', 'a text', of('STRING')],
    ['7', 7, of('INT32')],
    ['9007199254740993', 9_007_199_254_740_993n, of('INT64')],
    ['7', 7n, null],
    ['1.5', 1.5, null],
    ['true', true, of('BOOLEAN')],
    ['AAE=', Buffer.from([0, 1]), of('BYTES')],
    ['Thu Jan 01 00:00:00 UTC 1970', new Date(0), of('INT64', { name: LOGICAL.timestamp })],
    ['Tue Nov 14 22:13:20 UTC 2023', new Date(1_700_000_000_000), null],
    ['[1.0, null]', [1, null], of('ARRAY', { valueSchema: of('FLOAT64') })],
    ['{a=1, b=null}', struct({ a: 1n, b: null }), null],
    ['{a={b=[1]}}', struct({ a: struct({ b: [1n] }) }), null],
    ['{k=1}', new Map([['k', 1]]), of('MAP', { keySchema: of('STRING'), valueSchema: of('INT8') })],
  ]
  for (const [text, value, schema] of cases)
    it(`is ${text}`, () => expect(javaText(value, schema)).to.equal(text))

  it('names a struct with a schema and leaves out its nulls', () => {
    const inner = of('STRUCT', { fields: [{ name: 'x', schema: of('FLOAT32') }] })
    const schema = of('STRUCT', {
      fields: [
        { name: 'a', schema: of('INT32') },
        { name: 'gone', schema: of('STRING') },
        { name: 'b', schema: inner },
      ],
    })
    const value = struct({ a: 1, gone: null, b: struct({ x: 2 }) })
    expect(javaText(value, schema)).to.equal('Struct{a=1,b=Struct{x=2.0}}')
  })
})
