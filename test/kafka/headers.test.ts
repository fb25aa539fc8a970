import { expect } from 'chai'
import fc from 'fast-check'
import { describe, it } from 'mocha'
import { ConnectError, TaskError } from '../../src/api/errors.ts'
import { decodeHeaders, encodeHeaders, NO_HEADERS } from '../../src/kafka/record-batches/headers.ts'
import { unicodeText } from '../support/unicode-text.ts'

const bytes = fc.uint8Array({ maxLength: 50 }).map((array) => Buffer.from(array))
const header = fc.record({ key: unicodeText(), value: fc.option(bytes) })

describe('record headers', () => {
  it('come back as they were written: repeated keys, empty and null values, any text', () => {
    fc.assert(
      fc.property(fc.array(header), fc.nat(20), (headers, at) => {
        const section = encodeHeaders(headers)
        const buffer = Buffer.concat([Buffer.alloc(at, 0xff), section, Buffer.alloc(9, 0xff)])
        expect(decodeHeaders(buffer, at, at + section.length)).to.deep.equal(headers)
      }),
    )
  })

  it('have one byte where there are none', () => {
    expect(encodeHeaders([]).equals(NO_HEADERS)).to.equal(true)
    expect(decodeHeaders(NO_HEADERS, 0, 1)).to.deep.equal([])
  })

  it('are refused where they are malformed, with an error of ours', () => {
    expect(() => decodeHeaders(Buffer.from([0, 0]), 0, 2)).to.throw(TaskError, 'left over')
    expect(() => decodeHeaders(Buffer.from([2, 20, 65]), 0, 3)).to.throw(TaskError, 'out of bounds')
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (array) => {
        try {
          decodeHeaders(Buffer.from(array), 0, array.length)
        } catch (error) {
          if (!(error instanceof ConnectError)) throw error
        }
      }),
      { numRuns: 2000 },
    )
  })
})
