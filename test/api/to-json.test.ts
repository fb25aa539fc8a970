import { expect } from 'chai'
import { describe, it } from 'mocha'
import { LOGICAL, type Schema, type SinkRecord, struct, toJson, type Value } from '../../src/index.ts'

const named = (name: string): Schema => ({ type: 'INT64', optional: false, name })

describe('toJson', () => {
  const cases: readonly [string, Value, string, Schema?][] = [
    ['an INT64 beyond 2^53', 9007199254740993n, '9007199254740993'],
    ['the lowest INT64', -(2n ** 63n), '-9223372036854775808'],
    ['bytes as base64', Buffer.from([0, 255]), '"AP8="'],
    ['a decimal with its scale', { unscaled: -5n, scale: 2 }, '-0.05'],
    ['a decimal of many digits', { unscaled: 10n ** 30n, scale: 1 }, `1${'0'.repeat(29)}.0`],
    ['a decimal of negative scale', { unscaled: 12n, scale: -2 }, '1.2E+3'],
    ['a map of text as an object', new Map([['__proto__', 1n]]), '{"__proto__":1}'],
    ['any other map as pairs', new Map<Value, Value>([[1, 'a']]), '[[1,"a"]]'],
    ['not a number as text', NaN, '"NaN"'],
    ['a negative zero', -0, '-0'],
    ['a timestamp', new Date(0), '"1970-01-01T00:00:00.000Z"'],
    ['a date', new Date(86_400_000), '"1970-01-02"', named(LOGICAL.date)],
    ['a time', new Date(1_500), '"00:00:01.500Z"', named(LOGICAL.time)],
    [
      'a struct with a field __proto__',
      struct(JSON.parse('{"__proto__":[null]}') as never),
      '{"__proto__":[null]}',
    ],
  ]
  for (const [what, value, text, schema] of cases) {
    it(`writes ${what}`, () => {
      expect(toJson(value, schema ?? null)).to.equal(text)
    })
  }

  it('knows a date inside a struct, an array and a map by the schema', () => {
    const date = { type: 'INT32', optional: true, name: LOGICAL.date } as const
    const array: Schema = { type: 'ARRAY', optional: false, valueSchema: date }
    const map: Schema = { type: 'MAP', optional: false, keySchema: date, valueSchema: array }
    const schema: Schema = { type: 'STRUCT', optional: false, fields: [{ name: 'm', schema: map }] }
    const day = new Date(0)
    expect(toJson(struct({ m: new Map([[day, [day, null]]]) }), schema)).to.equal(
      '{"m":[["1970-01-01",["1970-01-01",null]]]}',
    )
  })

  it('writes a whole record in one line', () => {
    const record: SinkRecord = {
      topic: 't',
      partition: 1,
      timestamp: 1n,
      headers: [{ key: 'h', value: Buffer.from('x') }],
      ...{ keySchema: null, key: 'k', valueSchema: null, value: struct({ id: 2n ** 62n }) },
    }
    const head = '{"topic":"t","partition":1,"timestamp":1,"key":"k","headers":[{"key":"h","value":"eA=="}],'
    expect(toJson(record)).to.equal(`${head}"value":{"id":4611686018427387904}}`)
  })
})
