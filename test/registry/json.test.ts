import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { isJsonArray, isJsonObject, parseJson, writeJson } from '../../src/registry/json.ts'
import type { JsonValue } from '../../src/registry/json.ts'

const DEPTH = 100

describe("the registry's JSON", () => {
  it('reads and writes what JSON.parse and JSON.stringify do', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(plain(parseJson(text, DEPTH))).to.deep.equal(JSON.parse(text))
        expect(JSON.parse(writeJson(parseJson(text, DEPTH)))).to.deep.equal(JSON.parse(text))
      }),
    )
  })

  it('takes any text that JSON.parse takes, and no other', () => {
    const characters = fc.constantFrom(...'{}[]",:\\ \n0123456789-+.eEtrufalsn\u0001ü'.split(''))
    fc.assert(
      fc.property(fc.string({ unit: characters, maxLength: 12 }), (text) => {
        expect(
          isTaken(() => parseJson(text, DEPTH)),
          text,
        ).to.equal(isTaken(() => JSON.parse(text) as unknown))
      }),
      { numRuns: 3000 },
    )
  })

  it('keeps every digit, and the order of keys', () => {
    const text = '{"10":9007199254740993,"2":1.10,"a":-9223372036854775808}'
    expect(writeJson(parseJson(text, DEPTH))).to.equal(
      '{"10":9007199254740993,"2":1.1,"a":-9223372036854775808}',
    )
  })

  it('says where a text goes wrong', () => {
    expect(() => parseJson('{"a" 1}', DEPTH)).to.throw('expected ":" at position 5')
    expect(() => parseJson('[1,]', DEPTH)).to.throw('expected a JSON value at position 3')
    expect(() => parseJson('['.repeat(101), DEPTH)).to.throw('deeper than 100 levels')
  })
})

function isTaken(parse: () => unknown): boolean {
  try {
    parse()
    return true
  } catch {
    return false
  }
}

function plain(value: JsonValue): unknown {
  if (value === null || typeof value !== 'object') return value
  if (isJsonObject(value)) return Object.fromEntries([...value].map(([key, item]) => [key, plain(item)]))
  return isJsonArray(value) ? value.map(plain) : Number(value.digits)
}
